"""A caller's trace: what is one, and that log lines of its job name it."""

import pytest
import structlog
from fakes.agents import queued_job

from shared.adapters.memory import MemoryImageStore
from shared.traces import logged_with, traceparent_of

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (GOOD, GOOD),
        (f" {GOOD} ", GOOD),
        (GOOD.replace("00-", "cc-", 1) + "-more", GOOD.replace("00-", "cc-", 1)),
        (None, None),
        ("", None),
        (GOOD + "-more", None),
        (GOOD.upper(), None),
        (GOOD.replace("00-", "ff-", 1), None),
        ("00-" + "0" * 32 + GOOD[35:], None),
        (GOOD[:36] + "0" * 16 + "-01", None),
        (GOOD + "\nX-Evil: 1", None),
    ],
)
def test_only_a_trace_is_kept(header, kept):
    assert traceparent_of(header) == kept


@pytest.mark.parametrize(("traceparent", "named"), [(GOOD, {"trace_id": GOOD[3:35]}), (None, {})])
def test_log_lines_of_a_job_name_it_and_its_trace(traceparent, named):
    job = queued_job(MemoryImageStore()).model_copy(update={"traceparent": traceparent})
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        with logged_with(job, step=3):
            structlog.get_logger().info("here")
        structlog.get_logger().info("after")
    assert lines[0] == {"event": "here", "log_level": "info", "job_id": job.id, "step": 3, **named}
    assert lines[1] == {"event": "after", "log_level": "info"}
