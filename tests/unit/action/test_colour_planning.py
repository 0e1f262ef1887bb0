"""Plans for a wrong colour: recolouring first, with what detector and reasoner know; then tools that draw anew."""

from typing import Any

import pytest

from services.action.choices import Choices, ToolFacts
from services.action.planner import Plan, plan
from services.action.tools.base import ToolKind
from shared.contracts.categories import Category
from shared.contracts.loop import Attempt, Declined, Target
from shared.contracts.values import ColourFault, Patch
from shared.images import Rgb

RECOLOUR = {"recolour": ToolFacts(ToolKind.MASK)}
TOOLS = {**RECOLOUR, "instruct-pix2pix": ToolFacts(ToolKind.INSTRUCTION, 512), "opencv": ToolFacts(ToolKind.MASK)}
FAULT = ColourFault(seen="yellow", asked=("red", "blue"), phrase="red ball")


@pytest.fixture
def at(desk: Any, plain_wall: Rgb) -> Any:
    return desk(plain_wall)


def wrong(
    at: Any, instruction: str, fault: ColourFault | None = FAULT, category: Category = Category.ATTRIBUTE
) -> Target:
    target = at.thing("r1", (100, 60, 160, 120), "saliency", category)
    return Target(
        region=target.region.model_copy(update={"colour": fault}),
        diagnosis=target.diagnosis.model_copy(update={"instruction": instruction}),
        seed=1,
    )


def ways(found: tuple[Plan, ...] | Declined) -> list[tuple[str, object, object]]:
    assert not isinstance(found, Declined), found
    return [(one.tool, one.settings.get("seen"), one.settings.get("colour")) for one in found]


def test_the_colours_that_may_be_asked_for_are_tried_before_anything_is_drawn(at: Any) -> None:
    found = plan(wrong(at, "change its colour from yellow to red"), Choices(TOOLS))
    assert ways(found)[:2] == [("recolour", "yellow", "red"), ("recolour", "yellow", "blue")]
    assert {one[0] for one in ways(found)[2:]} == {"instruct-pix2pix"}
    assert isinstance(found, tuple)
    assert "red" in found[0].reason and "blue" in found[1].reason and "{" not in found[0].reason + found[1].reason


def test_a_reasoner_that_names_another_colour_is_believed(at: Any) -> None:
    found = plan(wrong(at, "make the ball green"), Choices(RECOLOUR))
    assert ways(found) == [("recolour", "", "green")]


def test_a_reasoner_that_names_the_second_colour_puts_it_first(at: Any) -> None:
    found = plan(wrong(at, "change the ball to blue"), Choices(RECOLOUR))
    assert ways(found) == [("recolour", "yellow", "blue"), ("recolour", "yellow", "red")]


def test_a_reasoner_alone_is_enough(at: Any) -> None:
    found = plan(wrong(at, "change the ball from yellow to red", None), Choices(RECOLOUR))
    assert ways(found) == [("recolour", "yellow", "red")]


@pytest.mark.parametrize(
    ("instruction", "category"),
    [("make the shirt striped", Category.ATTRIBUTE), ("remove the red ball", Category.COUNT)],
)
def test_what_is_no_matter_of_colour_is_not_recoloured(at: Any, instruction: str, category: Category) -> None:
    found = plan(wrong(at, instruction, None, category), Choices(TOOLS))
    assert "recolour" not in {one[0] for one in ways(found)}


def test_no_colour_is_tried_twice(at: Any) -> None:
    target, history = wrong(at, "change its colour from yellow to red"), []
    for seed in (1, 2):
        found = plan(target, Choices(RECOLOUR), history)
        assert isinstance(found, tuple)
        history.append(
            Patch(
                id=f"p{seed}",
                region_ids=("r1",),
                tool="recolour",
                box_xyxy_px=(0, 0, 1, 1),
                image_ref="i",
                alpha_ref="a",
                seed=seed,
                settings=dict(found[0].settings),
                reason="",
            )
        )
        attempts = tuple(Attempt(tool="recolour", seed=one.seed, outcome="refused") for one in history)
        target = target.model_copy(update={"attempts": attempts})
    assert [one.settings["colour"] for one in history] == ["red", "blue"]
    declined = plan(target, Choices(RECOLOUR), history)
    assert isinstance(declined, Declined) and "was tried" in declined.reason
    drawn = plan(target, Choices(TOOLS), history)
    assert {one[0] for one in ways(drawn)} == {"instruct-pix2pix"}
