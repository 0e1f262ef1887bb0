"""From a job's public events to the deliveries that its webhook asks for. Pure; the job stores call it as they commit.

The body is written here, once: what an id means must not change with the job, its deletion, or a newer version.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from shared.contracts.deliveries import Delivery, DeliveryStatus
from shared.contracts.jobs import Job, WebhookEvent
from shared.contracts.loop import PublicEvent

LAST_EVENTS = frozenset({WebhookEvent.SUCCEEDED, WebhookEvent.FAILED, WebhookEvent.CANCELED})


def deliveries_of(job: Job, events: Sequence[PublicEvent]) -> tuple[Delivery, ...]:
    """A due delivery for each of the events that the job's webhook names; none without a webhook."""
    if job.webhook is None:
        return ()
    wanted = {event.value for event in job.webhook.events}
    return tuple(_delivery(job, job.webhook.url, event) for event in events if event.type in wanted)


def replayed(delivery: Delivery, now_s: float) -> Delivery:
    """The delivery, due now and with its whole schedule before it."""
    return delivery.model_copy(update={"status": DeliveryStatus.PENDING, "tries": 0, "next_attempt_at_s": now_s})


def _delivery(job: Job, url: str, event: PublicEvent) -> Delivery:
    return Delivery(
        id=f"evt_{job.id}_{event.seq}",
        job_id=job.id,
        seq=event.seq,
        owner=job.owner,
        type=event.type,
        url=url,
        site=_site(url),
        body=_body(job, event),
        created_at_s=event.at_s,
        next_attempt_at_s=event.at_s,
    )


def _site(url: str) -> str:
    """Never fails: a commit must not hang on a URL; whether it may be used is asked when it is."""
    found = re.match(r"\w+://([^/?#]*)", url)
    return found[1].rpartition("@")[2].lower() if found else ""


def _body(job: Job, event: PublicEvent) -> str:
    data: dict[str, JsonValue] = {
        **event.model_dump(mode="json"),
        "client_id": job.client_id,
        "metadata": job.options.metadata,
    }
    if event.type in LAST_EVENTS:
        data["job"] = _summary(job)
    timestamp = datetime.fromtimestamp(event.at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    content = {"type": event.type, "timestamp": timestamp, "data": data}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _summary(job: Job) -> JsonValue:
    """Enough to decide whether to fetch the record; what that holds besides may be large."""
    return {
        "id": job.id,
        "status": job.status.value,
        "outcome": job.outcome.value if job.outcome else None,
        "stop_reason": job.stop_reason.value if job.stop_reason else None,
        "profile": job.profile,
        "created_at_s": job.created_at_s,
        "started_at_s": job.started_at_s,
        "finished_at_s": job.finished_at_s,
        "expires_at_s": job.expires_at_s,
        "regions": len(job.known),
        "accepted_patches": len(job.result.patches) if job.result else 0,
        "largest_outside_difference": job.largest_outside_difference,
        "artifacts": [*sorted(job.artifacts)],
        "error": job.error.model_dump(mode="json") if job.error else None,
        "warnings": [*job.warnings],
    }
