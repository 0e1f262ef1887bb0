"""Plans for tools that draw anew: which comes first for which flaw, what budgets rule out, and what each is told."""

from typing import Any

import numpy as np
import pytest
from fakes.agents import diagnosis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.action.cases import Case, joined
from services.action.choices import Choices, ToolFacts
from services.action.generative_policy import GENERATIVE_TOOLS, MANNERS
from services.action.planner import Plan, plan
from services.action.policy import Situation
from services.action.tools.base import ToolKind
from services.action.wording import LONGEST_SCENE, parts_at_fault, told
from shared.contracts.categories import Category
from shared.contracts.jobs import JobOptions
from shared.contracts.loop import Attempt, Declined, Target
from shared.contracts.values import Patch
from shared.images import Rgb

MASK_TOOLS = ("sd-inpainting", "sdxl-inpainting", "flux-fill")
EDITORS = ("qwen-image-edit", "instruct-pix2pix", "gemini-flash-image")
NATIVE = {"sd-inpainting": 512, "instruct-pix2pix": 512}
FACTS = {
    **{name: ToolFacts(ToolKind.MASK, NATIVE.get(name, 1024)) for name in MASK_TOOLS},
    **{name: ToolFacts(ToolKind.INSTRUCTION, NATIVE.get(name, 1024)) for name in EDITORS},
    "retype": ToolFacts(ToolKind.MASK),
    "opencv": ToolFacts(ToolKind.MASK),
}
THINGS = [category for category in Category if category is not Category.TEXT]


@pytest.fixture
def at(desk: Any, plain_wall: Rgb) -> Any:
    return desk(plain_wall)


def saying(target: Target, description: str, instruction: str = "") -> Target:
    said = target.diagnosis.model_copy(update={"description": description, "instruction": instruction})
    return target.model_copy(update={"diagnosis": said})


def thing(at: Any, category: Category | None, box: tuple[int, int, int, int] = (100, 60, 160, 120)) -> Target:
    return saying(at.thing("r1", box, "saliency", category), "it looks wrong", "redraw it")


def choices(at: Any, *names: str, **more: Any) -> Choices:
    tools = {name: FACTS[name] for name in names} if names else FACTS
    return Choices(tools, scene="two cats on a sofa", size_hw=at.size_hw, **more)


def planned(target: Target, among: Choices, history: tuple[Patch, ...] = ()) -> tuple[Plan, ...]:
    found = plan(target, among, history)
    assert not isinstance(found, Declined), found
    return found


def test_a_misshapen_hand_is_painted_by_the_best_mask_tool_and_told_what_should_be_there(at: Any) -> None:
    first = planned(saying(thing(at, Category.HAND), "the thumb is swollen", "slim the thumb"), choices(at))[0]
    assert (first.tool, first.settings["strength"], first.by_mask) == ("flux-fill", 0.8, True)
    assert first.words.wanted.startswith("a natural human hand") and "two cats" in first.words.wanted
    assert "the thumb is swollen" in first.words.unwanted and "extra fingers" in first.words.unwanted
    assert first.words.instruction == "slim the thumb"
    assert "flux-fill" in first.reason and first.reason.endswith(".")


@pytest.mark.parametrize(
    ("category", "description", "instruction"),
    [
        (Category.HAND, "the hand has six fingers", "redraw the hand"),
        (Category.HAND, "the ring finger is missing entirely", "add the missing ring finger"),
        (Category.LIMB, "the woman has a third arm", "remove the third arm of the woman"),
        (Category.LIMB, "the left arm is missing from the shoulder downwards", ""),
        (Category.BODY, "the dog lacks a tail", ""),
    ],
)
def test_missing_and_extra_parts_widen_the_mask_or_go_to_an_editor(
    at: Any, category: Category, description: str, instruction: str
) -> None:
    target = saying(thing(at, category), description, instruction)
    usual = planned(thing(at, category), choices(at))
    found = planned(target, choices(at))
    assert found[0].tool == "qwen-image-edit" and "part" in found[0].reason
    masked = planned(target, choices(at, *MASK_TOOLS))
    assert masked[0].growth.across > 3 * usual[0].growth.across and "widened" in masked[0].reason
    assert masked[0].settings["strength"] > usual[0].settings["strength"]  # type: ignore[operator]


def test_what_should_not_be_there_is_asked_for_as_background_without_the_scenes_words(at: Any) -> None:
    first = planned(saying(thing(at, Category.OBJECT_REDUNDANCY), "a second sofa floats there"), choices(at))[0]
    assert first.takes_out and "background" in first.words.wanted and "cats" not in first.words.wanted
    assert "a second sofa floats there" in first.words.unwanted
    more = saying(thing(at, Category.COUNT), "three cats instead of two", "remove one cat")
    assert planned(more, choices(at))[0].takes_out
    fewer = saying(thing(at, Category.COUNT), "one cat instead of two", "add one cat")
    assert not planned(fewer, choices(at))[0].takes_out


@pytest.mark.parametrize("category", [*THINGS, None, Category.TEXT])
def test_every_category_has_a_plan_with_every_single_generative_tool(at: Any, category: Category | None) -> None:
    for name in (*MASK_TOOLS, *EDITORS):
        found = planned(thing(at, category), choices(at, name))
        assert {one.tool for one in found} == {name}
        assert all(one.reason and one.words.wanted and one.words.instruction for one in found)


def test_opencv_only_removes(at: Any) -> None:
    named = JobOptions(tools=("opencv",))
    for category in THINGS:
        found = plan(thing(at, category), choices(at, options=named))
        if category is Category.OBJECT_REDUNDANCY:
            assert not isinstance(found, Declined) and found[0].settings["operation"] == "erase"
        else:
            assert isinstance(found, Declined)
    both = planned(thing(at, None), choices(at, options=JobOptions(tools=("opencv", "sd-inpainting"))))
    assert [one.tool for one in both] == ["sd-inpainting", "sd-inpainting", "opencv"]


def test_words_that_cannot_be_set_anew_go_to_an_editor_last(at: Any, quad: Any) -> None:
    target = at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE")
    found = planned(target, choices(at))
    assert [one.tool for one in found] == ["retype"] * 3 + ["qwen-image-edit", "gemini-flash-image"]
    assert "'COFFEE'" in found[3].reason


def test_a_retry_takes_another_tool_then_more_strength_then_a_mirror_image_then_another_seed(at: Any) -> None:
    target, among = thing(at, Category.FACE), choices(at, "sd-inpainting", "instruct-pix2pix")
    seen: list[tuple[str, object, object]] = []
    history: tuple[Patch, ...] = ()
    for seed in range(1, 6):
        tries = tuple(Attempt(tool=patch.tool, seed=patch.seed, outcome="refused") for patch in history)
        first = planned(target.model_copy(update={"attempts": tries, "seed": seed}), among, history)[0]
        seen.append((first.tool, first.settings.get("strength"), first.settings.get("mirrored")))
        patch = Patch(
            id=f"p{seed}", region_ids=("r1",), tool=first.tool, box_xyxy_px=(0, 0, 1, 1), image_ref="i", alpha_ref="a",
            seed=seed, settings=dict(first.settings), reason=first.reason,
        )  # fmt: skip
        history = (*history, patch)
    assert seen[:4] == [
        ("sd-inpainting", 0.8, None),
        ("instruct-pix2pix", None, None),
        ("sd-inpainting", 0.99, None),
        ("instruct-pix2pix", None, True),
    ]
    assert seen[4] == seen[0] and "another seed" in first.reason


def test_a_refused_mirror_image_leaves_the_plain_way_untried(at: Any) -> None:
    among, target = choices(at, "instruct-pix2pix"), thing(at, Category.FACE)
    mirrored = planned(target, among)[1]
    patch = Patch(
        id="p1", region_ids=("r1",), tool=mirrored.tool, box_xyxy_px=(0, 0, 1, 1), image_ref="i", alpha_ref="a",
        seed=1, settings=dict(mirrored.settings), reason=mirrored.reason,
    )  # fmt: skip
    tried = target.model_copy(update={"attempts": (Attempt(tool=patch.tool, seed=1, outcome="refused"),), "seed": 2})
    again = planned(tried, among, (patch,))
    assert [one.settings.get("mirrored") for one in again] == [None, True]
    assert ["another seed" in one.reason for one in again] == [False, True]


def test_an_editor_that_is_told_of_left_or_right_sees_no_mirror_image(at: Any) -> None:
    among = choices(at, "instruct-pix2pix")
    plain = planned(saying(thing(at, Category.LIMB), "bent", "straighten the arm"), among)
    sided = planned(saying(thing(at, Category.LIMB), "bent", "straighten the Left arm"), among)
    assert [one.settings.get("mirrored") for one in plain] == [None, True]
    assert "mirror image" in plain[1].reason
    assert [one.settings.get("mirrored") for one in sided] == [None]


SUPPOSED = ("straighten it", "remove one of its legs")
SUPPOSING = ToolFacts(ToolKind.INSTRUCTION, 512, suppositions=SUPPOSED)


def test_where_nobody_said_what_is_wrong_an_editor_is_told_one_supposition_after_the_other(at: Any) -> None:
    target = saying(at.thing("r1", (100, 60, 160, 120), "saliency"), "it looks wrong", "repair this region")
    history: tuple[Patch, ...] = ()
    said: list[str] = []
    for seed in range(1, 6):
        tries = tuple(Attempt(tool=patch.tool, seed=patch.seed, outcome="refused") for patch in history)
        again = target.model_copy(update={"attempts": tries, "seed": seed})
        first = planned(again, Choices({"instruct-pix2pix": SUPPOSING}), history)[0]
        said.append(first.words.instruction + (" (mirrored)" if first.settings.get("mirrored") else ""))
        assert first.settings.get("supposed", first.words.instruction) == first.words.instruction
        assert (first.words.instruction in first.reason) == ("supposed" in first.settings)
        patch = Patch(
            id=f"p{seed}", region_ids=("r1",), tool=first.tool, box_xyxy_px=(0, 0, 1, 1), image_ref="i", alpha_ref="a",
            seed=seed, settings=dict(first.settings), reason=first.reason,
        )  # fmt: skip
        history = (*history, patch)
    plain = "repair this region"
    assert said == [plain, *SUPPOSED, f"{plain} (mirrored)", plain]


@pytest.mark.parametrize(
    ("detector", "category"), [("saliency", Category.FACE), ("user", None), ("user", Category.HAND)]
)
def test_nothing_is_supposed_where_somebody_spoke(at: Any, detector: str, category: Category | None) -> None:
    target = saying(at.thing("r1", (100, 60, 160, 120), detector, category), "it looks wrong", "redraw it")
    found = planned(target, Choices({"instruct-pix2pix": SUPPOSING}))
    assert not any("supposed" in one.settings for one in found)
    assert {one.words.instruction for one in found} == {"redraw it"}


def test_overlapping_regions_are_told_a_supposition_once(at: Any) -> None:
    targets = [
        saying(at.thing(name, (100 + x, 60, 160 + x, 120), "saliency"), "it looks wrong", "repair this region")
        for name, x in (("r1", 0), ("r2", 20))
    ]
    among = Choices({"instruct-pix2pix": SUPPOSING})
    own = np.ones((60, 60), np.bool_)
    (one,) = joined([Case([target], list(planned(target, among)), own) for target in targets], at.size_hw)
    assert [found.words.instruction for found in one.plans[:3]] == ["repair this region", *SUPPOSED]


def test_a_profiles_steps_stand_above_the_tables(at: Any) -> None:
    few = ToolFacts(ToolKind.INSTRUCTION, 64, steps=6, guidance=1.0)
    found = planned(thing(at, Category.HAND), Choices({"instruct-pix2pix": few}))[0]
    assert (found.settings["steps"], found.settings["guidance"]) == (6, 1.0)
    usual = planned(thing(at, Category.HAND), choices(at, "instruct-pix2pix"))[0]
    assert usual.settings["steps"] == MANNERS["instruct-pix2pix"].steps


def test_what_costs_money_needs_a_sum(at: Any) -> None:
    paid = ToolFacts(ToolKind.INSTRUCTION, 1024, price=0.04)
    target = thing(at, Category.HAND)

    def among(money: float | None, **others: ToolFacts) -> Choices:
        tools = {"gemini-flash-image": paid, **{name.replace("_", "-"): facts for name, facts in others.items()}}
        return Choices(tools, money_left=money)

    without = plan(target, among(None))
    assert isinstance(without, Declined) and "allow it by max_cost" in without.reason
    short = plan(target, among(0.03))
    assert isinstance(short, Declined) and "0.03 are left of max_cost" in short.reason
    assert planned(target, among(0.05))[0].tool == "gemini-flash-image"
    other = planned(saying(target, "a finger is missing"), among(0.03, instruct_pix2pix=FACTS["instruct-pix2pix"]))[0]
    assert other.tool == "instruct-pix2pix" and "Gemini-flash-image costs 0.04" in other.reason


def test_what_takes_too_long_is_left_out(at: Any) -> None:
    slow = ToolFacts(ToolKind.MASK, 1024, seconds=40.0)
    tools = {"flux-fill": slow, "sd-inpainting": FACTS["sd-inpainting"]}
    late = planned(thing(at, Category.HAND), Choices(tools, seconds_left=12.0))
    assert {one.tool for one in late} == {"sd-inpainting"}
    assert "Flux-fill takes about 40 s, and 12 s are left" in late[0].reason
    assert planned(thing(at, Category.HAND), Choices(tools, seconds_left=60.0))[0].tool == "flux-fill"


def test_a_region_larger_than_a_tool_sees_goes_to_one_with_more_pixels(at: Any) -> None:
    big = saying(at.thing("big", (0, 0, 480, 240), "saliency", Category.HAND), "it looks wrong")
    among = Choices({"sd-inpainting": FACTS["sd-inpainting"], "qwen-image-edit": FACTS["qwen-image-edit"]})
    assert planned(big, among)[0].tool == "qwen-image-edit"
    assert planned(thing(at, Category.HAND), among)[0].tool == "sd-inpainting"


def test_a_mask_of_everything_leaves_nothing_to_go_by(at: Any) -> None:
    everything = thing(at, Category.PERSPECTIVE, (0, 0, 480, 240))
    refused = plan(everything, choices(at, *MASK_TOOLS))
    assert isinstance(refused, Declined) and "nothing left to go by" in refused.reason
    assert planned(everything, choices(at))[0].tool in EDITORS


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.sets(st.sampled_from(sorted(FACTS))),
    named=st.none() | st.sets(st.sampled_from(sorted(FACTS)), min_size=1),
    preference=st.sampled_from(["auto", "mask", "instruction"]),
    category=st.sampled_from([*Category, None]),
    money=st.none() | st.floats(0, 1),
    seconds=st.none() | st.floats(-5, 100),
    priced=st.sets(st.sampled_from(sorted(GENERATIVE_TOOLS))),
)
def test_a_plan_never_leaves_what_is_allowed(
    at: Any,
    names: set[str],
    named: set[str] | None,
    preference: str,
    category: Category | None,
    money: float | None,
    seconds: float | None,
    priced: set[str],
) -> None:
    tools = {
        name: ToolFacts(FACTS[name].kind, FACTS[name].native_size_px, seconds=20.0, price=0.5)
        if name in priced
        else FACTS[name]
        for name in names
    }
    tools_option = None if named is None else tuple(sorted(named))
    options = JobOptions.model_validate({"tools": tools_option, "preference": preference})
    found = plan(thing(at, category), Choices(tools, options, money_left=money, seconds_left=seconds))
    if isinstance(found, Declined):
        assert found.reason and "\n" not in found.reason
        return
    used = {one.tool for one in found}
    assert used <= names and (named is None or used <= named)
    assert "opencv" not in used or (named is not None and "opencv" in named)
    if used & priced:
        assert money is not None and money >= 0.5 and (seconds is None or seconds >= 20.0)
    kinds = [tools[one.tool].kind for one in found if tools[one.tool].native_size_px is not None]
    if preference != "auto" and kinds:
        order = [kind.value != preference for kind in kinds]
        assert order == sorted(order)


@given(scene=st.text("ab \n\t,ü", max_size=600), description=st.text("ab \n\r", max_size=600))
@settings(max_examples=30, deadline=None)
def test_what_models_and_callers_say_is_cut_to_one_line(scene: str, description: str) -> None:
    said = diagnosis("r1").model_copy(update={"description": description, "category": Category.FACE})
    words = told(said, Situation.REDRAW, scene)
    assert len(words.wanted) <= LONGEST_SCENE + 80 and len(words.unwanted) <= 260
    assert not set("\n\r\t") & set(words.wanted + words.unwanted)


def test_what_to_do_decides_what_is_at_fault(at: Any) -> None:
    torn = saying(thing(at, Category.HAND), "six fingers, one of them missing its tip", "remove the sixth finger")
    assert str(parts_at_fault(torn.diagnosis)) == "extra_part"
    fused = saying(thing(at, Category.HAND), "the ring and the little finger are fused", "separate the fingers")
    assert parts_at_fault(fused.diagnosis) is None
