"""What the two clients can be asked, as flows, so that each method of theirs is one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Literal, cast
from uuid import uuid4

from retoucher_client.api import ApiRequest, ImageSource, LocalSource, Options, job_path, local_source, submission
from retoucher_client.calling import Calling
from retoucher_client.effects import Flow
from retoucher_client.models import Categories, Deliveries, Feedback, JobView, Tools, Upload


def submit(
    calling: Calling,
    image: ImageSource,
    prompt: str,
    options: Options,
    *,
    client_id: str | None,
    idempotency_key: str | None,
) -> Flow[JobView]:
    """Submits; without a key one is made, so that a repeated try is not a second job."""
    request = submission(image, prompt, options, client_id=client_id, key=idempotency_key or uuid4().hex)
    return calling.ask(JobView, request)


def upload(calling: Calling, image: LocalSource) -> Flow[Upload]:
    """Leaves an image with the server for a while."""
    if local_source(image) is None:
        raise ValueError("an upload takes a file or bytes: an address can be submitted as it is")
    # A second one after a lost answer only leaves an unused image, which expires.
    return calling.ask(Upload, ApiRequest("POST", "v1/uploads", files={"image": image}))


def cancel(calling: Calling, job_id: str) -> Flow[JobView]:
    """Asks a job to stop; one that has ended stays as it is."""
    return calling.ask(JobView, ApiRequest("POST", job_path(job_id, "cancel")))


def delete(calling: Calling, job_id: str) -> Flow[None]:
    """Removes a job with its images."""
    yield from calling.exchange(ApiRequest("DELETE", job_path(job_id)))


def artifact(calling: Calling, job_id: str, name: str) -> Flow[bytes]:
    """The bytes of an artifact."""
    reply = yield from calling.exchange(ApiRequest("GET", job_path(job_id, "artifacts", name)))
    return reply.body


def save_artifact(calling: Calling, job_id: str, name: str, sink: BinaryIO) -> Flow[None]:
    """An artifact into a file, chunk by chunk."""
    yield from calling.exchange(ApiRequest("GET", job_path(job_id, "artifacts", name)), sink)


def deliveries(calling: Calling, job_id: str) -> Flow[Deliveries]:
    """The job's webhooks."""
    return calling.ask(Deliveries, ApiRequest("GET", job_path(job_id, "deliveries")))


def replay(calling: Calling, job_id: str, delivery_id: str) -> Flow[None]:
    """Asks for one more try of a webhook."""
    yield from calling.exchange(
        ApiRequest("POST", job_path(job_id, "deliveries", delivery_id, "replay"), repeatable=False)
    )


def feedback(
    calling: Calling, job_id: str, region_id: str, verdict: Literal["accept", "reject"], comment: str
) -> Flow[Feedback]:
    """What a person says of a region; a second word replaces the first."""
    body = {"verdict": verdict, "comment": comment}
    return calling.ask(Feedback, ApiRequest("PUT", job_path(job_id, "feedback", region_id), body=body))


def missed(
    calling: Calling, job_id: str, box_xyxy_px: Sequence[int], category: str | None, comment: str
) -> Flow[Feedback]:
    """A flaw that the server did not see."""
    body = {"verdict": "missed", "box_xyxy_px": list(box_xyxy_px), "category": category, "comment": comment}
    return calling.ask(Feedback, ApiRequest("POST", job_path(job_id, "feedback"), body=body, repeatable=False))


def take_back(calling: Calling, job_id: str, feedback_id: str) -> Flow[None]:
    """Forgets what was said."""
    yield from calling.exchange(ApiRequest("DELETE", job_path(job_id, "feedback", feedback_id)))


def tools(calling: Calling) -> Flow[Tools]:
    """What the server repairs with."""
    return calling.ask(Tools, ApiRequest("GET", "v1/tools"))


def categories(calling: Calling) -> Flow[Categories]:
    """What it tells apart."""
    return calling.ask(Categories, ApiRequest("GET", "v1/categories"))


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that stands at `path` once the block has ended well, and nowhere otherwise."""
    partial = NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    try:
        with partial:
            yield cast(BinaryIO, partial)
        Path(partial.name).replace(path)
    except BaseException:
        Path(partial.name).unlink(missing_ok=True)
        raise
