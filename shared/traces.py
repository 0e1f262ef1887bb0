"""The caller's trace (W3C Trace Context): told apart from nonsense, kept with the job, and named in every log line.

Nothing is measured or exported here (that is `shared.spans`): whoever collects the logs can put them beside the
caller's own spans.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from shared.contracts.jobs import Job

_TRACEPARENT = re.compile(r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def traceparent_of(header: str | None) -> str | None:
    """The header, if it is one; None for none and for nonsense, which the standard says to ignore."""
    found = _TRACEPARENT.fullmatch(header.strip()) if header is not None else None
    if found is None or found["version"] == "ff" or not int(found["trace"], 16) or not int(found["span"], 16):
        return None
    if found["version"] == "00" and found[4] is not None:
        return None
    # Of later versions only what this one knows is understood, and kept.
    return found[0][:55]


@contextmanager
def logged_with(job: Job, **names: object) -> Iterator[None]:
    """Log lines of the block tell the job, its trace if it has one, and these names."""
    trace = {} if job.traceparent is None else {"trace_id": job.traceparent[3:35]}
    with structlog.contextvars.bound_contextvars(job_id=job.id, **trace, **names):
        yield
