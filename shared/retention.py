"""Deletes jobs and uploads: on request, and when they have expired. Called by the gateway, and by whoever sweeps.

The application does this, not the store: a bucket's own rules would take images away under jobs that still need them.
"""

import re
from dataclasses import dataclass

import structlog

from shared.contracts.jobs import JOB_ID
from shared.errors import NotFound
from shared.ports import FeedbackStore, ImageStore, JobCatalog, UploadStore

log = structlog.get_logger()

BATCH = 100


@dataclass(frozen=True)
class Holdings:
    """All that is kept of callers. A job's deliveries go with the job, in its own store."""

    jobs: JobCatalog
    images: ImageStore
    uploads: UploadStore
    feedback: FeedbackStore


def delete_job(holdings: Holdings, job_id: str) -> None:
    """Deletes an ended job with all that belongs to it; the job itself last, so that a crash leaves it to be found.

    Raises:
        NotFound: somebody else has just deleted it.
        Unavailable: a store does not answer; what is left is deleted by the next try.
    """
    holdings.images.delete(f"{job_id}/")
    holdings.feedback.remove_job(job_id)
    holdings.jobs.delete(job_id)


def delete_expired(holdings: Holdings, now_s: float) -> int:
    """Deletes what has expired, jobs and uploads; returns how many. Called every now and then, by one or several.

    Raises:
        Unavailable: a store does not answer; what is left is deleted by the next call.
    """
    count = 0
    while batch := holdings.jobs.expired(now_s, BATCH):
        for job_id in batch:
            try:
                delete_job(holdings, job_id)
            except NotFound:
                continue  # somebody else was faster
            log.info("job_expired", job_id=job_id)
            count += 1
    while uploads := holdings.uploads.expired(now_s, BATCH):
        for upload in uploads:
            holdings.images.delete(f"{upload.id}/")
            holdings.uploads.remove(upload.id)
            count += 1
    return count


def delete_orphans(holdings: Holdings, before_s: float) -> int:
    """Deletes images of jobs that were never stored, because their request died; returns how many jobs they were of.

    Lists every image: not to be called often.

    Args:
        holdings: the stores.
        before_s: only what was begun before; later requests may be at work. The time stands in the job's id.

    Raises:
        Unavailable: a store does not answer.
    """
    count = 0
    folders = dict.fromkeys(ref.partition("/")[0] for ref in holdings.images.refs("job_"))
    for job_id in folders:
        if not re.fullmatch(JOB_ID, job_id) or int(job_id[4:16], 16) / 1000 >= before_s:
            continue
        try:
            holdings.jobs.load(job_id)
        except NotFound:
            holdings.images.delete(f"{job_id}/")
            log.info("orphan_deleted", job_id=job_id)
            count += 1
    return count
