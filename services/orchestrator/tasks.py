"""The orchestrator's Celery tasks: advance a job, finalize a result. Each decodes, calls one function, and is done."""

from celery import Celery

from services.orchestrator.conductor import Conductor
from shared.contracts.dispatch import Dispatch, Work
from shared.stage_worker import StageWorker


def register(app: Celery, conductor: Conductor, finalizing: StageWorker) -> None:
    """Adds the tasks to the app."""

    def advance(job_id: str, step: int, dispatch: int) -> None:
        conductor.advance(job_id)

    app.task(advance, name="orchestrator.advance")

    def finalize(job_id: str, step: int, dispatch: int) -> None:
        finalizing.handle(Dispatch(job_id=job_id, step=step, dispatch=dispatch, work=Work.FINALIZE))

    app.task(finalize, name="orchestrator.finalize")
