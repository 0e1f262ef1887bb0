"""One port for each stage of the loop, and who is told of the models that they call."""

from collections.abc import Callable
from typing import Protocol

from shared.contracts.jobs import Job
from shared.contracts.loop import Diagnose, Diagnosed, Finalize, Finalized, Perceive, Perceived, Retouch, Retouched

ModelObserver = Callable[[str, float], None]
"""Is told of each call of a detector or tool: its name, and the seconds that it took."""


def unobserved(model: str, seconds: float) -> None:
    """A `ModelObserver` where nobody wants to know."""


class Perceiver(Protocol):
    """The perception agent. `dispatch` names what this sending writes in the image store."""

    def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
        """Raises RetoucherError subclasses; the runner turns them into `StageFailed`."""
        ...


class Reasoner(Protocol):
    """The reasoning agent."""

    def warm_up(self) -> None:
        """Loads what it needs, so that the first job does not wait for it.

        Raises:
            MissingResource: a model is not there.
        """
        ...

    def diagnose(self, job: Job, command: Diagnose, dispatch: int) -> Diagnosed:
        """Raises as `Perceiver.perceive`."""
        ...


class Retoucher(Protocol):
    """The action agent."""

    def retouch(self, job: Job, command: Retouch, dispatch: int) -> Retouched:
        """Raises as `Perceiver.perceive`."""
        ...


class Finalizer(Protocol):
    """Composes the result and writes the artifacts."""

    def finalize(self, job: Job, command: Finalize, dispatch: int) -> Finalized:
        """Raises as `Perceiver.perceive`."""
        ...
