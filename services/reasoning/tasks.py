"""The Celery task of the reasoning agent: decodes, calls one function, and is done."""

from celery import Celery

from shared.contracts.dispatch import Dispatch, Work
from shared.stage_worker import StageWorker


def register(app: Celery, worker: StageWorker) -> None:
    """Adds the task to the app."""

    def diagnose(job_id: str, step: int, dispatch: int) -> None:
        worker.handle(Dispatch(job_id=job_id, step=step, dispatch=dispatch, work=Work.DIAGNOSE))

    app.task(diagnose, name="reasoning.diagnose")
