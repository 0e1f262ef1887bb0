"""Deletes jobs and uploads: on request, and when they have expired."""

import re

import structlog

from services.gateway.parts import GatewayParts
from shared.errors import NotFound

log = structlog.get_logger()

BATCH = 100
OUR_ID = re.compile(r"job_[0-9a-f]{32}")
"""Ids that the service gives: a UUID of version 7, whose first 48 bits are milliseconds since the epoch."""


def delete_job(parts: GatewayParts, job_id: str) -> None:
    """Deletes an ended job with all that belongs to it; the job itself last, so that a crash leaves it to be found.

    Raises:
        NotFound: somebody else has just deleted it.
        Unavailable: a store does not answer; what is left is deleted by the next try.
    """
    parts.images.delete(f"{job_id}/")
    parts.feedback.remove_job(job_id)
    parts.jobs.delete(job_id)


def delete_expired(parts: GatewayParts) -> int:
    """Deletes what has expired, jobs and uploads; returns how many. Called every now and then, by one or several.

    Raises:
        Unavailable: a store does not answer; what is left is deleted by the next call.
    """
    count = 0
    now_s = parts.clock.now_s()
    while batch := parts.jobs.expired(now_s, BATCH):
        for job_id in batch:
            try:
                delete_job(parts, job_id)
            except NotFound:
                continue  # somebody else was faster
            log.info("job_expired", job_id=job_id)
            count += 1
    while uploads := parts.uploads.expired(now_s, BATCH):
        for upload in uploads:
            parts.images.delete(f"{upload.id}/")
            parts.uploads.remove(upload.id)
            count += 1
    return count


def delete_orphans(parts: GatewayParts, before_s: float) -> int:
    """Deletes images of jobs that were never stored, because their request died; returns how many jobs they were of.

    Args:
        parts: the stores.
        before_s: only what was begun before; later requests may be at work. The time stands in the job's id.

    Raises:
        Unavailable: a store does not answer.
    """
    count = 0
    folders = dict.fromkeys(ref.partition("/")[0] for ref in parts.images.refs("job_"))
    for job_id in folders:
        if not OUR_ID.fullmatch(job_id) or int(job_id[4:16], 16) / 1000 >= before_s:
            continue
        try:
            parts.jobs.load(job_id)
        except NotFound:
            parts.images.delete(f"{job_id}/")
            log.info("orphan_deleted", job_id=job_id)
            count += 1
    return count
