"""What a scenario of the loop is, and the small worlds that many share."""

from dataclasses import dataclass, field

from fakes.drive import Script
from fakes.world import Effect, Flaw, World

from shared.contracts.jobs import LoopPolicy, Outcome, Status, StopReason

A, B, C = (0, 0, 8, 8), (10, 0, 18, 8), (20, 0, 28, 8)

REASONER = LoopPolicy(has_reasoner=True)
VETO = LoopPolicy(has_reasoner=True, may_veto=True)
SALIENCY = LoopPolicy(saliency_detector="saliency", tau_s=0.5, tau_any=0.5)
ONCE = LoopPolicy(tries_per_region=1)


@dataclass(frozen=True)
class Scenario:
    name: str
    script: Script
    stages: str
    outcome: Outcome | None
    stop: StopReason
    accepted: set[str] = field(default_factory=set)
    status: Status = Status.SUCCEEDED
    warned: str = ""


def two_signs(a: tuple[object, ...] = (Effect(),), b: tuple[object, ...] = (Effect(),)) -> World:
    return World(flaws={"a": Flaw(box=A), "b": Flaw(0.8, box=B)}, repairs={"a": a, "b": b})  # type: ignore[dict-item]


def one_sign(*answers: object, **flaw: object) -> World:
    return World(flaws={"a": Flaw(box=A, **flaw)}, repairs={"a": answers or (Effect(),)})  # type: ignore[arg-type, dict-item]


SAME = Effect(after=0.9)
