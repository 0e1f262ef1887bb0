"""Celery over Redis: carries `(job_id, step, dispatch)` to the queue of the work, and runs a worker on queues.

Celery only moves messages. What is done once, again or never is decided by claims and the sweeper, so nothing here
retries, stores results or restores messages before an hour has passed.
"""

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery, signals
from kombu.exceptions import OperationalError

from shared.contracts.dispatch import Dispatch, Work
from shared.errors import ErrorCode, Unavailable

VISIBILITY_TIMEOUT_S = 3600
BROKER_TIMEOUT_S = 10
"""Above the second for which a worker waits in one blocking read of its queue."""

ROUTES: dict[Work, tuple[str, str]] = {
    Work.ADVANCE: ("orchestrator.advance", "orchestrator"),
    Work.FINALIZE: ("orchestrator.finalize", "orchestrator"),
    Work.PERCEIVE: ("perception.perceive", "perception"),
    Work.DIAGNOSE: ("reasoning.diagnose", "reasoning"),
    Work.RETOUCH: ("action.retouch", "action"),
}
"""Task and queue of each kind of work."""


def make_app(redis_url: str, connect_timeout_s: float = 3.0) -> Celery:
    """An app with this project's settings; connects to nothing yet.

    A worker takes as many messages as it has threads free (`worker_disable_prefetch`), and no other limit holds. With
    a prefetch count, messages that could not be acknowledged use it up for good: a worker that has lost its queue
    while all its threads were busy would ask for no more, and so would never notice that its connection is gone.
    """
    app = Celery("retoucher", broker=redis_url, set_as_current=False)
    app.conf.update(
        task_acks_late=True,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=0,
        worker_disable_prefetch=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "socket_timeout": BROKER_TIMEOUT_S,
            "socket_connect_timeout": connect_timeout_s,
            "socket_keepalive": True,
            "max_retries": 1,
        },
    )
    return app


class CeleryStageQueue:
    """A `StageQueue`; safe for threads."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def publish(self, dispatch: Dispatch) -> None:
        """Puts the message into the queue of its work; see `StageQueue.publish`."""
        task, queue = ROUTES[dispatch.work]
        arguments = (dispatch.job_id, dispatch.step, dispatch.dispatch)
        try:
            self._app.send_task(task, args=arguments, queue=queue, ignore_result=True, retry=False)
        except (OperationalError, OSError) as error:
            message = f"the queue does not answer ({type(error).__name__}): check that Redis runs and can be reached"
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message) from error


def run_worker(
    app: Celery,
    queues: Sequence[str],
    threads: int,
    name: str,
    on_ready: Callable[[], None],
    on_stopping: Callable[[], None],
) -> None:
    """Works on the queues until the process is told to stop (SIGTERM): what has begun is finished, no more is taken.

    Args:
        app: with the tasks registered.
        queues: names of `ROUTES`.
        threads: so many messages are worked on at once.
        name: of this worker in the logs.
        on_ready: called once messages are being taken.
        on_stopping: called when it was told to stop.
    """

    def ready(**_: Any) -> None:
        on_ready()

    def stopping(**_: Any) -> None:
        on_stopping()

    def leave_logging_alone(**_: Any) -> None:
        logging.getLogger("celery").setLevel(logging.WARNING)

    signals.worker_ready.connect(ready)
    signals.worker_shutting_down.connect(stopping)
    signals.setup_logging.connect(leave_logging_alone)
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    worker = app.Worker(
        pool="threads",
        concurrency=threads,
        queues=list(queues),
        hostname=name,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
