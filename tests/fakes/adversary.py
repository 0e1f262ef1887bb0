"""An agent that answers every command with whatever chance brings: missing, contradicting, stale and foreign things."""

import random

from fakes.agents import diagnosis

from services.orchestrator.selection import USER_DETECTOR
from shared.contracts.loop import (
    CancelRequested,
    Command,
    DeadlinePassed,
    Declined,
    Diagnose,
    Diagnosed,
    Event,
    Finalize,
    Finalized,
    Perceive,
    Perceived,
    Retouch,
    Retouched,
    StageFailed,
)
from shared.contracts.values import AppearanceCheck, Evidence, Patch, Region
from shared.errors import ErrorCode

DETECTORS = {"r0": "text", "r1": "text", "r2": "saliency", "r3": "saliency", "r4": USER_DETECTOR, "r5": "text"}
PATCHES_AT_MOST = 4


class Adversary:
    """Draws everything from `chance`, so that a failure can be shrunk and replayed.

    `kindness` is how often a look at patches on trial finds them good, so that jobs get far enough to be spoilt.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.kindness = chance.random()
        self.patches = 0

    def interruption(self, step: int) -> Event | None:
        draw = self.chance.random()
        if draw < 0.03:
            return CancelRequested(step=step, at_s=1.0)
        return DeadlinePassed(step=step, at_s=1.0) if draw < 0.06 else None

    def noise(self, command: Command) -> Event:
        """An event that must change nothing: of another step, or of the wrong kind."""
        wrong_step = self.chance.choice([command.step - 1, command.step + 1, 0])
        if self.chance.random() < 0.5:
            return self.answer(command.model_copy(update={"step": wrong_step}))
        others = [event for event in (Perceived, Diagnosed, Retouched) if not _answers(event, command)]
        return self.chance.choice(others)(step=command.step, at_s=1.0)

    def answer(self, command: Command) -> Event:
        if self.chance.random() < 0.12:
            return StageFailed(
                step=command.step,
                at_s=1.0,
                code=ErrorCode.STAGE_FAILED,
                message="by chance",
                retryable=self.chance.random() < 0.8,
            )
        match command:
            case Perceive():
                return self._perceived(command)
            case Diagnose():
                return self._diagnosed(command)
            case Retouch():
                return self._retouched(command)
            case Finalize():
                return Finalized(
                    step=command.step,
                    at_s=1.0,
                    artifacts={"result.png": "job_1/result.png"},
                    largest_outside_difference=0 if self.chance.random() < 0.95 else 3,
                )

    def _perceived(self, command: Perceive) -> Perceived:
        kind = bool(command.on_trial) and self.chance.random() < self.kindness
        regions = tuple(self._region(name) for name in DETECTORS if self.chance.random() < (0.1 if kind else 0.4))
        watched = [*(region.id for region in command.watch), *(region.id for region in regions), "stray"]
        evidence = tuple(
            Evidence(region_id=name, detector=detector, value=self.chance.choice([0.0, 0.1]) if kind else self._level())
            for name in watched
            for detector in ("text", "saliency", USER_DETECTOR)
            if kind or self.chance.random() < 0.85
        )
        checks = tuple(
            AppearanceCheck(
                patch_id=name,
                detail_ratio=self.chance.choice([0.8, 1.0] if kind else [0.1, 0.8]),
                colour_shift=self.chance.choice([1.0, 2.0] if kind else [1.0, 40.0]),
                seam=1.0,
            )
            for name in (*command.on_trial, "stray")
            if self.chance.random() < 0.95
        )
        return Perceived(
            step=command.step,
            at_s=1.0,
            regions=regions,
            evidence=evidence,
            checks=checks,
            saliency_peak=self.chance.choice([None, 0.2, 0.9]),
            any_distortion=self.chance.choice([None, 0.2, 0.9]),
            in_domain=self.chance.random() < 0.9,
        )

    def _diagnosed(self, command: Diagnose) -> Diagnosed:
        names = [*(region.id for region in command.regions), "stray", self.chance.choice(list(DETECTORS))]
        said = [diagnosis(name, self.chance.random() < 0.6) for name in names if self.chance.random() < 0.9]
        may_veto = self.chance.random() < 0.5
        return Diagnosed(step=command.step, at_s=1.0, diagnoses=tuple(said), may_veto=may_veto)

    def _retouched(self, command: Retouch) -> Retouched:
        targets = [target.region.id for target in command.targets]
        present = [patch.id for patch in command.canvas.patches]
        patches: list[Patch] = []
        for _ in range(self.chance.randint(0, PATCHES_AT_MOST)):
            self.patches += 1
            name = f"p{self.patches}" if self.chance.random() < 0.9 else "p1"
            over = self.chance.sample(targets, self.chance.randint(1, min(2, len(targets))))
            if self.chance.random() < 0.1:
                over.append(self.chance.choice(list(DETECTORS)))
            below = [other for other in [*present, "nowhere"] if self.chance.random() < 0.15]
            patches.append(self._patch(name, tuple(over), tuple(below)))
            present.append(name)
        declined = [*targets, "stray"]
        return Retouched(
            step=command.step,
            at_s=1.0,
            patches=tuple(patches),
            declined=tuple(Declined(region_id=n, reason="no") for n in declined if self.chance.random() < 0.15),
        )

    def _region(self, name: str) -> Region:
        return Region(
            id=name,
            box_xyxy_px=self._box(),
            mask_ref=f"job_1/{name}.png",
            detector=DETECTORS[name],
            evidence=self._level(),
            protected_share=self.chance.choice([0.0, 0.0, 0.5, 1.0]),
        )

    def _patch(self, name: str, region_ids: tuple[str, ...], below: tuple[str, ...]) -> Patch:
        return Patch(
            id=name,
            region_ids=region_ids,
            tool="chance",
            box_xyxy_px=self._box(),
            image_ref=f"job_1/{name}.png",
            alpha_ref=f"job_1/{name}.alpha.png",
            base_patch_ids=below,
            seed=1,
            reason="by chance",
        )

    def _box(self) -> tuple[int, int, int, int]:
        x, y = self.chance.randrange(0, 24, 8), self.chance.randrange(0, 24, 8)
        return x, y, x + self.chance.choice([6, 12]), y + self.chance.choice([6, 12])

    def _level(self) -> float:
        return self.chance.choice([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])


def _answers(event: type[Perceived] | type[Diagnosed] | type[Retouched], command: Command) -> bool:
    pairs = {Perceived: Perceive, Diagnosed: Diagnose, Retouched: Retouch}
    return isinstance(command, pairs[event])
