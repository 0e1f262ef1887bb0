"""Each way in which a patch can be refused has its ground, beside the sentence."""

from typing import Any

import pytest

from services.orchestrator.verdicts import Trial, judge
from shared.contracts.jobs import LoopPolicy, Perception
from shared.contracts.values import AppearanceCheck, Canvas, Evidence, Ground, Patch, Region

BOX = (0, 0, 8, 8)
EMPTY = Canvas(original_ref="o")


def region(name: str, detector: str = "text", evidence: float = 0.9) -> Region:
    return Region(id=name, box_xyxy_px=BOX, mask_ref="m", detector=detector, evidence=evidence)


def patch(name: str, region_id: str, on: tuple[str, ...] = ()) -> Patch:
    return Patch(
        id=name, region_ids=(region_id,), tool="retype", box_xyxy_px=BOX, image_ref="i", alpha_ref="m",
        base_patch_ids=on, seed=7, reason="",
    )  # fmt: skip


def perception(evidence: dict[str, float], checks: tuple[AppearanceCheck, ...] = ()) -> Perception:
    values = tuple(
        Evidence(region_id=name.split("/")[0], detector=name.split("/")[1], value=value)
        for name, value in evidence.items()
    )
    return Perception(canvas=EMPTY, regions=(), evidence=values, checks=checks)


def grounds(after: dict[str, float], *known: str, rejudged: bool = False, **appearance: Any) -> tuple[Ground, ...]:
    """Of a patch for region `a`, which the text detector rates 0.9 and another 0.2 before."""
    check = {"patch_id": "p", "detail_ratio": 1.0, "colour_shift": 0.0, "seam": 1.0, **appearance}
    checks = () if appearance.get("patch_id") == "" else (AppearanceCheck.model_validate(check),)
    trial = Trial(
        policy=LoopPolicy(),
        before=perception({"a/text": 0.9, "a/saliency": 0.2}),
        after=perception(after, checks),
        patches=(patch("p", "a"),),
        known=(region("a"), *(region(*name.split("/")) for name in known)),
        rejudged={"a": rejudged},
    )
    (verdict,) = judge(trial)
    assert verdict.accepted is (verdict.grounds == ())
    assert verdict.reason
    return verdict.grounds


GOOD = {"a/text": 0.1, "a/saliency": 0.2}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (grounds(GOOD), ()),
        (grounds({"a/saliency": 0.2}), (Ground.NO_EVIDENCE,)),
        (grounds(GOOD | {"a/text": 0.9}), (Ground.NO_GAIN,)),
        (grounds(GOOD | {"a/text": 0.8}), (Ground.LITTLE_GAIN,)),
        (grounds({"a/text": 0.1}), (Ground.NO_EVIDENCE,)),
        (grounds(GOOD | {"a/saliency": 0.5}), (Ground.OTHER_DETECTOR,)),
        (grounds(GOOD, rejudged=True), (Ground.STILL_DISTORTED,)),
        (grounds(GOOD | {"b/text": 0.9}, "b/text"), (Ground.NEW_FLAW,)),
        (grounds(GOOD | {"b/saliency": 0.9}, "b/saliency"), (Ground.OTHER_DETECTOR,)),
        (grounds(GOOD, patch_id=""), (Ground.NOT_CHECKED,)),
        (grounds(GOOD, detail_ratio=0.1), (Ground.SMEAR,)),
        (grounds(GOOD, colour_shift=40.0), (Ground.COLOUR,)),
        (grounds(GOOD, seam=9.0, detail_ratio=0.1), (Ground.SMEAR, Ground.SEAM)),
    ],
)
def test_a_refusal_names_its_grounds(found: tuple[Ground, ...], expected: tuple[Ground, ...]) -> None:
    assert found == expected


def test_a_patch_on_a_refused_one_says_so() -> None:
    checks = tuple(AppearanceCheck(patch_id=name, detail_ratio=1.0, colour_shift=0.0, seam=1.0) for name in ("p", "q"))
    trial = Trial(
        policy=LoopPolicy(),
        before=perception({"a/text": 0.9, "b/text": 0.9}),
        after=perception({"a/text": 0.9, "b/text": 0.1}, checks),
        patches=(patch("p", "a"), patch("q", "b", on=("p",))),
        known=(region("a"), region("b")),
        rejudged={},
    )
    assert [verdict.grounds for verdict in judge(trial)] == [(Ground.NO_GAIN,), (Ground.BASE_REFUSED,)]
