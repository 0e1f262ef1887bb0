"""A made-up picture whose flaws and repairs are written down: what scripted agents see, say and do.

Everything follows from the canvas alone (a patch carries its effect in its settings), so that agents in another process
tell the same story.
"""

from dataclasses import dataclass, field

from shared.contracts.base import BoxXYXY
from shared.contracts.loop import Thresholds
from shared.contracts.values import Canvas, Patch

FOUND_FROM = 0.3
"""Evidence from which a scripted detector reports a region."""


@dataclass(frozen=True)
class Flaw:
    """What a detector sees at a place, and what the reasoner says of it (`distorted` None: no answer)."""

    evidence: float = 0.9
    detector: str = "text"
    box: BoxXYXY = (0, 0, 8, 8)
    others: dict[str, float] = field(default_factory=dict)
    protected_share: float = 0.0
    distorted: bool | None = True


@dataclass(frozen=True)
class Effect:
    """What one repair does. None of `after`, `detail`: the agent does not say."""

    after: float | None = 0.0
    detail: float | None = 0.9
    colour: float = 2.0
    others: dict[str, float] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()
    distorted: bool | None = False
    needs: str = ""
    on_top_of: str = ""
    also: tuple[str, ...] = ()
    tool: str = "retype"


@dataclass(frozen=True)
class Decline:
    """The action agent will not."""

    reason: str = "curved text"


@dataclass(frozen=True)
class Silence:
    """The action agent does not answer for this region."""


Answer = Effect | Decline | Silence


@dataclass(frozen=True)
class World:
    """Flaws by region id, the answers to each region's tries in order, and flaws that only a patch brings about."""

    flaws: dict[str, Flaw] = field(default_factory=dict)
    repairs: dict[str, tuple[Answer, ...]] = field(default_factory=dict)
    hidden: dict[str, Flaw] = field(default_factory=dict)
    saliency_peak: float | None = None
    any_distortion: float | None = None
    in_domain: bool = True
    may_veto: bool = True
    thresholds: Thresholds | None = None
    size_px: int = 32

    def flaw(self, region_id: str) -> Flaw:
        return self.flaws.get(region_id) or self.hidden[region_id]

    def answer(self, region_id: str, try_number: int) -> Answer:
        answers = self.repairs.get(region_id, (Effect(),))
        return answers[min(try_number, len(answers)) - 1]

    def effect_of(self, patch: Patch) -> Effect:
        region_id, _, number = patch.id.rpartition("-t")
        effect = self.answer(region_id, int(number))
        assert isinstance(effect, Effect)
        return effect

    def top_patch(self, canvas: Canvas, region_id: str) -> Patch | None:
        over = [patch for patch in canvas.patches if region_id in patch.region_ids]
        return over[-1] if over else None

    def visible(self, canvas: Canvas) -> dict[str, float | None]:
        """Own evidence of each flaw that exists on the canvas; None where the detector is silent."""
        left = {name for patch in canvas.patches for name in self.effect_of(patch).leaves}
        names = [*self.flaws, *(name for name in self.hidden if name in left)]
        return {name: self.own_evidence(canvas, name) for name in names}

    def own_evidence(self, canvas: Canvas, region_id: str) -> float | None:
        patch = self.top_patch(canvas, region_id)
        if patch is None:
            return self.flaw(region_id).evidence
        effect = self.effect_of(patch)
        if effect.needs and self.top_patch(canvas, effect.needs) is None:
            return self.flaw(region_id).evidence
        return effect.after

    def other_evidence(self, canvas: Canvas, region_id: str) -> dict[str, float]:
        patch = self.top_patch(canvas, region_id)
        changed = self.effect_of(patch).others if patch is not None else {}
        return {**self.flaw(region_id).others, **changed}
