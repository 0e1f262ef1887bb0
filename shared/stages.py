"""One stage's work on one command: calls the agent, and makes of whatever happens an event that the loop understands.

The in-process runner and every worker do it through here. Knows the agents as functions, and no queue.
"""

from collections.abc import Callable

import structlog

from shared.contracts.jobs import Job
from shared.contracts.loop import Answer, Command, Diagnosed, Finalized, Perceived, Retouched, StageFailed, StageResult
from shared.errors import ErrorCode, RetoucherError
from shared.ports import Clock, Spans
from shared.spans import NO_SPANS
from shared.traces import logged_with

log = structlog.get_logger()

ANSWERS: dict[str, type[Answer]] = {
    "perceive": Perceived,
    "diagnose": Diagnosed,
    "retouch": Retouched,
    "finalize": Finalized,
}
"""What each command must be answered with, by its kind."""


def run_stage(
    job: Job, command: Command, dispatch: int, call: Callable[[], Answer], clock: Clock, spans: Spans = NO_SPANS
) -> StageResult:
    """The stage's answer, stamped with this process' time; any failure of it becomes `StageFailed`.

    Args:
        job: for the log.
        dispatch: for the log.
        command: what the answer is checked against.
        call: does the work.
        clock: measures it.
        spans: are told of it, below the request that made the job.
    """
    started_s = clock.now_s()
    names: dict[str, str | int] = {
        "retoucher.job_id": job.id,
        "retoucher.step": command.step,
        "retoucher.dispatch": dispatch,
    }
    with (
        logged_with(job, step=command.step, dispatch=dispatch),
        spans.span(command.kind, job.traceparent, "internal", names) as span,
    ):
        event = _answer(command, call)
        if isinstance(event, StageFailed):
            span.fail(event.code)
    now_s = clock.now_s()
    return event.model_copy(update={"at_s": now_s, "elapsed_s": max(0.0, now_s - started_s)})


def _answer(command: Command, call: Callable[[], Answer]) -> StageResult:
    try:
        answer = call()
    except RetoucherError as error:
        log.warning("stage_failed", stage=command.kind, code=error.code, message=error.message)
        return _failed(command, error.code, error.message, retryable=error.retryable)
    except Exception as error:
        log.exception("stage_crashed", stage=command.kind)
        message = f"{command.kind} stopped on an internal error ({type(error).__name__}): see the log"
        return _failed(command, ErrorCode.INTERNAL, message, retryable=False)
    if answer.step != command.step or not isinstance(answer, ANSWERS[command.kind]):
        log.error("wrong_answer", stage=command.kind, answered_kind=answer.kind, answered_step=answer.step)
        message = f"{command.kind} was answered with {answer.kind} of step {answer.step}: see the log"
        return _failed(command, ErrorCode.INTERNAL, message, retryable=False)
    return answer


def _failed(command: Command, code: ErrorCode, message: str, *, retryable: bool) -> StageFailed:
    return StageFailed(step=command.step, at_s=0.0, code=code, message=message, retryable=retryable)
