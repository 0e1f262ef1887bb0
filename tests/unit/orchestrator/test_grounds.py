"""Each way in which a patch can be refused has its ground, beside the sentence."""

from typing import Any

import pytest

from services.orchestrator.verdicts import Trial, judge
from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import LoopPolicy, Perception
from shared.contracts.loop import Thresholds
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


def grounds(
    after: dict[str, float], *known: str, rejudged: bool = False, silent: tuple[str, ...] = (), **appearance: Any
) -> tuple[Ground, ...]:
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
        silent=frozenset(silent),
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
        (grounds(GOOD | {"a/saliency": 0.5}, silent=("saliency",)), ()),
        (grounds({"a/text": 0.1}, silent=("saliency",)), ()),
        (grounds(GOOD | {"b/saliency": 0.9}, "b/saliency", silent=("saliency",)), ()),
        (grounds(GOOD | {"b/text": 0.9}, "b/text", silent=("saliency",)), (Ground.NEW_FLAW,)),
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


def whole_image(before: float, after: float | None, *left: str, detector: str = "saliency") -> tuple[Ground, ...]:
    """Of a patch for salient region `a`, which does make its own evidence fall; `left` are salient and not on trial."""
    limits = Thresholds(tau_s=0.1, tau_any=0.6, min_gain=0.3, min_any_fall=2.0)
    found = tuple(region(name, detector) for name in ("a", *left))
    checks = (AppearanceCheck(patch_id="p", detail_ratio=1.0, colour_shift=0.0, seam=1.0),)
    seen = {"thresholds": limits, "regions": found}
    trial = Trial(
        policy=LoopPolicy(saliency_detector="saliency"),
        before=perception({f"a/{detector}": 0.9}).model_copy(update=seen | {"any_distortion": before}),
        after=perception({f"a/{detector}": 0.1}, checks).model_copy(update={"any_distortion": after}),
        patches=(patch("p", "a"),),
        known=(region("a", detector),),
        rejudged={},
    )
    (verdict,) = judge(trial)
    return verdict.grounds


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (whole_image(0.9, 0.5), ()),  # log odds 2.2 to 0
        (whole_image(0.9, 0.6), (Ground.WHOLE_IMAGE,)),
        (whole_image(0.9, 0.95), (Ground.WHOLE_IMAGE,)),
        (whole_image(0.9, None), (Ground.WHOLE_IMAGE,)),
        (whole_image(1.0, 0.0), ()),
        (whole_image(0.9, 0.9, "b"), ()),  # another salient region is left: nothing can be said of the whole
        (whole_image(0.5, 0.5), ()),  # the head never doubted the image
        (whole_image(0.9, 0.9, detector="text"), ()),  # and words are not its business
    ],
)
def test_where_nothing_salient_is_left_the_whole_image_has_to_look_sounder(
    found: tuple[Ground, ...], expected: tuple[Ground, ...]
) -> None:
    assert found == expected


def two_patches(*, detail: float, after: float) -> list[tuple[Ground, ...]]:
    """Of two patches, one for each salient region, the first of them with so much fine detail."""
    limits = Thresholds(tau_s=0.1, tau_any=0.6, min_gain=0.3, min_any_fall=2.0)
    seen = {"thresholds": limits, "regions": tuple(region(name, "saliency") for name in "ab"), "any_distortion": 0.9}
    details = {"p": detail, "q": 1.0}
    checks = tuple(
        AppearanceCheck(patch_id=name, detail_ratio=found, colour_shift=0.0, seam=1.0)
        for name, found in details.items()
    )
    trial = Trial(
        policy=LoopPolicy(saliency_detector="saliency"),
        before=perception({"a/saliency": 0.9, "b/saliency": 0.9}).model_copy(update=seen),
        after=perception({"a/saliency": 0.1, "b/saliency": 0.1}, checks).model_copy(update={"any_distortion": after}),
        patches=(patch("p", "a"), patch("q", "b")),
        known=(region("a", "saliency"), region("b", "saliency")),
        rejudged={},
    )
    return [verdict.grounds for verdict in judge(trial)]


def test_what_a_refused_patch_leaves_is_not_held_against_the_others() -> None:
    assert two_patches(detail=1.0, after=0.6) == [(Ground.WHOLE_IMAGE,), (Ground.WHOLE_IMAGE,)]
    assert two_patches(detail=0.1, after=0.6) == [(Ground.SMEAR,), ()]
    assert two_patches(detail=1.0, after=0.5) == [(), ()]


def left_behind(box: BoxXYXY, *, gain: float = 0.5, detector: str = "saliency") -> tuple[Ground, ...]:
    """Of a patch for salient region `a` of 8 x 8 px, after which a region of 0.6 is first seen at `box`."""
    checks = (AppearanceCheck(patch_id="p", detail_ratio=1.0, colour_shift=0.0, seam=1.0),)
    seen = region("b", detector, 0.6).model_copy(update={"box_xyxy_px": box})
    trial = Trial(
        policy=LoopPolicy(saliency_detector="saliency"),
        before=perception({"a/saliency": 0.9}),
        after=perception({"a/saliency": 0.9 - gain, f"b/{detector}": 0.6}, checks),
        patches=(patch("p", "a"),),
        known=(region("a", "saliency"), seen),
        rejudged={},
    )
    (verdict,) = judge(trial)
    return verdict.grounds


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (left_behind((0, 0, 4, 4)), ()),
        (left_behind((4, 0, 12, 8)), ()),  # half of it lies in the region
        (left_behind((5, 0, 13, 8)), (Ground.NEW_FLAW,)),
        (left_behind((0, 0, 4, 4), gain=0.1), (Ground.LITTLE_GAIN,)),  # and still the region has to look better
        (left_behind((0, 0, 4, 4), detector="text"), (Ground.OTHER_DETECTOR,)),
    ],
)
def test_what_is_left_of_a_flaw_is_no_new_one(found: tuple[Ground, ...], expected: tuple[Ground, ...]) -> None:
    assert found == expected


def verified(
    repaired: float | None, *, least: float | None = 0.6, detector: str = "saliency", detail: float = 1.0
) -> tuple[Ground, ...]:
    """Of a patch by which all evidence falls, and that the verifier gives so much of being a repair."""
    limits = Thresholds(tau_s=0.1, tau_any=0.6, min_gain=0.3, min_repaired=least, min_detail_ratio=0.2)
    checks = (AppearanceCheck(patch_id="p", detail_ratio=detail, colour_shift=0.0, seam=1.0, repaired=repaired),)
    trial = Trial(
        policy=LoopPolicy(saliency_detector="saliency"),
        before=perception({f"a/{detector}": 0.9}).model_copy(update={"thresholds": limits}),
        after=perception({f"a/{detector}": 0.1}, checks),
        patches=(patch("p", "a"),),
        known=(region("a", detector),),
        rejudged={},
    )
    (verdict,) = judge(trial)
    if Ground.NO_REPAIR in verdict.grounds:
        assert "0.59 of being a repair, less than 0.60" in verdict.reason
    return verdict.grounds


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (verified(0.6), ()),
        (verified(0.59), (Ground.NO_REPAIR,)),
        (verified(None), ()),  # it could not tell: an image that its checkpoint does not know
        (verified(0.59, least=None), ()),  # nobody has said what is enough
        (verified(0.59, detector="text"), ()),  # words are not its business
        (verified(0.6, detail=0.2), ()),  # it has seen how little detail there is
        (verified(0.6, detail=0.19), (Ground.SMEAR,)),
        (verified(None, detail=0.2), (Ground.SMEAR,)),
    ],
)
def test_the_verifier_refuses_what_is_no_repair(found: tuple[Ground, ...], expected: tuple[Ground, ...]) -> None:
    assert found == expected
