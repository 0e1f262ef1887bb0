"""The policy table by scenario: which way comes first, what a retry changes, and why a target is declined."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from services.action.choices import Choices, ToolFacts
from services.action.planner import ALL_ROWS, Plan, gaps_beside, plan
from services.action.policy import NEEDED, POLICY, Row, Situation
from services.action.tools.base import ToolKind
from shared.contracts.base import QuadXY
from shared.contracts.categories import Category
from shared.contracts.jobs import JobOptions
from shared.contracts.loop import Attempt, Declined, Target
from shared.contracts.values import Patch, TextFault
from shared.images import Rgb

Quad = Callable[[float, float, float, float], QuadXY]
MASK, INSTRUCTION = ToolFacts(ToolKind.MASK), ToolFacts(ToolKind.INSTRUCTION)
TOOLS = {"retype": MASK, "opencv": MASK}


@pytest.fixture
def at(desk: Any, plain_wall: Rgb) -> Any:
    return desk(plain_wall)


def plans(target: Target, history: tuple[Patch, ...] = ()) -> tuple[Plan, ...]:
    found = plan(target, Choices(TOOLS), history)
    assert not isinstance(found, Declined), found
    return found


def refusal(target: Target, tools: Mapping[str, ToolFacts] = TOOLS) -> str:
    found = plan(target, Choices(tools))
    assert isinstance(found, Declined) and found.region_id == target.region.id
    return found.reason


def ways(found: tuple[Plan, ...]) -> list[tuple[str, str, object]]:
    return [(p.tool, p.extent.value, p.settings.get("typeface_rank")) for p in found]


def patch_of(region_id: str, way: Plan, seed: int) -> Patch:
    return Patch(
        id=f"p{seed}",
        region_ids=(region_id,),
        tool=way.tool,
        box_xyxy_px=(0, 0, 1, 1),
        image_ref="i",
        alpha_ref="a",
        seed=seed,
        settings={**way.settings, "typeface": "Lora-Bold"},
        reason=way.reason,
    )


def tried(target: Target, *seeds: int) -> Target:
    return target.model_copy(
        update={"attempts": tuple(Attempt(tool="retype", seed=seed, outcome="refused") for seed in seeds)}
    )


@pytest.mark.parametrize(
    "fault", [TextFault.MISSPELT, TextFault.GARBLED, TextFault.MIRRORED, TextFault.WRONG, TextFault.ILLEGIBLE]
)
def test_a_wrong_word_in_a_line_is_set_alone_first(at: Any, quad: Quad, fault: TextFault) -> None:
    line = (quad(100, 100, 300, 130), "FRESH COFFE", "FRESH COFFEE")
    found = plans(at.text("r1", quad(220, 100, 300, 130), "COFFE", "COFFEE", fault, line))
    assert ways(found) == [("retype", "run", 0), ("retype", "line", 0), ("retype", "run", 1)]
    assert [p.settings["extent"] for p in found] == ["word", "line", "word"]
    assert "'COFFE'" in found[0].reason and found[0].reason.endswith(".")


def test_without_the_lines_wording_only_the_word_can_be_set(at: Any, quad: Quad) -> None:
    line = (quad(100, 100, 300, 130), "FRESH COFFE", None)
    found = plans(at.text("r1", quad(220, 100, 300, 130), "COFFE", "COFFEE", line=line))
    assert ways(found) == [("retype", "run", 0), ("retype", "run", 1)]


def test_a_line_that_is_all_wrong_varies_its_typeface(at: Any, quad: Quad) -> None:
    found = plans(at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE"))
    assert ways(found) == [("retype", "line", 0), ("retype", "line", 1), ("retype", "line", 2)]


def test_a_missing_word_takes_the_whole_line(at: Any, quad: Quad) -> None:
    line = (quad(100, 100, 300, 130), "FRESH", "FRESH COFFEE")
    found = plans(at.text("r1", quad(220, 100, 300, 130), "", "COFFEE", TextFault.MISSING, line))
    assert ways(found) == [("retype", "line", 0), ("retype", "line", 1)]
    assert "'COFFEE'" in found[0].reason


@pytest.mark.parametrize(("x0", "x1", "first"), [(230, 300, "opencv"), (100, 160, "opencv"), (165, 225, "retype")])
def test_a_doubled_word_is_erased_at_an_edge_and_set_out_of_a_line(
    at: Any, quad: Quad, x0: int, x1: int, first: str
) -> None:
    line = (quad(100, 100, 300, 130), "THE THE CAT", "THE CAT")
    found = plans(at.text("r1", quad(x0, 100, x1, 130), "THE", "", TextFault.DOUBLED, line))
    assert found[0].tool == first and {p.tool for p in found} == {"opencv", "retype"}


def test_a_doubled_word_inside_a_line_of_unknown_wording_is_erased(at: Any, quad: Quad) -> None:
    line = (quad(100, 100, 300, 130), "A THE THE CAT", None)
    found = plans(at.text("r1", quad(165, 100, 225, 130), "THE", "", TextFault.DOUBLED, line))
    assert [p.tool for p in found] == ["opencv"]


def test_a_line_that_should_not_be_there_is_erased(at: Any, quad: Quad) -> None:
    found = plans(at.text("r1", quad(100, 100, 200, 130), "SHUTTERSTOCK", "", TextFault.WRONG))
    assert [p.tool for p in found] == ["opencv"] and found[0].settings["operation"] == "erase"


def test_nothing_says_what_it_should_read(at: Any, quad: Quad) -> None:
    target = at.text("r1", quad(100, 100, 200, 130), "C0FF#", None, TextFault.ILLEGIBLE)
    assert refusal(target) == "nothing says what it should read: send expected_text"


@pytest.mark.parametrize("category", [c for c in Category if c is not Category.TEXT])
def test_every_other_category_says_what_it_would_take(at: Any, category: Category) -> None:
    reason = refusal(at.thing("r1", (10, 10, 40, 40), "saliency", category))
    assert reason.startswith(NEEDED[category]) and "generative tool" in reason


def test_opencv_never_removes_a_users_hand(at: Any) -> None:
    target = at.thing("u1", (10, 10, 40, 40), "user", Category.HAND)
    named = plan(target, Choices(TOOLS, JobOptions(tools=("opencv",))))
    assert isinstance(named, Declined) and "redrawing a hand" in named.reason
    assert refusal(target) == named.reason


def test_a_users_region_is_removed_only_when_opencv_is_named(at: Any) -> None:
    target = at.thing("u1", (10, 10, 40, 40))
    assert "name `opencv`" in refusal(target)
    named = plan(target, Choices(TOOLS, JobOptions(tools=("opencv",))))
    assert not isinstance(named, Declined) and [p.tool for p in named] == ["opencv"]


def test_a_retry_takes_the_row_that_was_not_tried(at: Any, quad: Quad) -> None:
    line = (quad(100, 100, 300, 130), "FRESH COFFE", "FRESH COFFEE")
    target = at.text("r1", quad(220, 100, 300, 130), "COFFE", "COFFEE", line=line)
    first = plans(target)
    by_count = plans(tried(target, 1))
    assert ways(by_count)[0] == ("retype", "line", 0)
    # The tool declined the word and the line was made at once: the patch says so, the attempt does not.
    by_patch = plans(tried(target, 1), (patch_of("r1", first[1], 1),))
    assert ways(by_patch) == [("retype", "run", 0), ("retype", "run", 1), ("retype", "line", 0)]
    another = plans(tried(target, 1), (patch_of("r2", first[1], 1),))
    assert ways(another) == ways(by_count)


def test_when_all_rows_were_tried_it_is_another_seed_and_says_so(at: Any, quad: Quad) -> None:
    target = tried(at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE"), 1, 2, 3)
    found = plans(target)
    assert len(found) == 3 and all("another seed" in p.reason for p in found)


def test_the_callers_tools_are_respected(at: Any, quad: Quad) -> None:
    target = at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE")
    found = plan(target, Choices(TOOLS, JobOptions(tools=("opencv",))))
    assert isinstance(found, Declined)
    assert found.reason == "this needs retype, which the caller's tools leave out: add one of them"
    assert refusal(target, tools={"opencv": MASK}) == "this needs retype, which the profile does not have"


def test_a_preference_orders_tools_of_that_kind_first(at: Any, quad: Quad) -> None:
    target = at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE")
    editor = Row(Situation.WHOLE_LINE, "editor", POLICY[3].extent, POLICY[3].growth, "Told in words.")
    tools = {**TOOLS, "editor": INSTRUCTION}

    def order(preference: str) -> list[str]:
        choices = Choices(tools, JobOptions.model_validate({"preference": preference}))
        found = plan(target, choices, policy=(*POLICY, editor))
        assert not isinstance(found, Declined)
        return [p.tool for p in found]

    assert order("instruction") == ["editor", "retype", "retype", "retype"]
    assert order("auto") == order("mask") == ["retype", "retype", "retype", "editor"]


def test_braces_in_what_was_read_stay_what_they_are(at: Any, quad: Quad) -> None:
    line = (quad(100, 100, 300, 130), "a {text} b", "a {expected} b")
    found = plans(at.text("r1", quad(220, 100, 300, 130), "{expected}", "{0}", line=line))
    assert "'{expected}'" in found[0].reason and "'{0}'" in found[1].reason


def test_gaps_are_measured_along_a_slanted_line() -> None:
    line: QuadXY = ((0, 0), (300, 400), (292, 406), (-8, 6))
    run: QuadXY = ((60, 80), (120, 160), (112, 166), (52, 86))
    before, after = gaps_beside(run, line)
    assert before == pytest.approx(100, abs=0.1) and after == pytest.approx(300, abs=0.1)


def test_the_table_tells_its_rows_apart_and_every_situation_has_one() -> None:
    keys = [(row.situation, row.tool, tuple(sorted(row.settings.items()))) for row in ALL_ROWS]
    assert len(set(keys)) == len(keys)
    assert {row.situation for row in ALL_ROWS} == set(Situation)
    assert all(row.reason.endswith(".") for row in ALL_ROWS)
    assert set(NEEDED) == set(Category)


def test_what_looks_wrong_is_taken_out_only_when_opencv_is_named(at: Any) -> None:
    target = at.thing("r1", (10, 10, 40, 40), "saliency")
    assert "generative tool" in refusal(target) and "name `opencv`" in refusal(target)
    named = plan(target, Choices(TOOLS, JobOptions(tools=("opencv",))))
    assert not isinstance(named, Declined) and [p.tool for p in named] == ["opencv"]
    assert "taken out" in named[0].reason
