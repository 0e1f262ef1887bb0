"""The action agent: what it leaves alone, what it stores, how it batches, and what it does when a tool declines."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.action.agent import ActionAgent
from services.action.tools.base import EditRequest, EditResult, Tool, ToolDeclined, ToolKind
from services.action.tools.opencv import OpenCvTool
from shared.contracts.base import QuadXY
from shared.contracts.categories import Category
from shared.contracts.loop import Attempt, Retouch, Retouched, Target
from shared.contracts.values import Canvas, TextFault
from shared.errors import StageError
from shared.images import Rgb, compose_canvas, edited_mask, largest_outside_difference

Quad = Callable[[float, float, float, float], QuadXY]


class Painter:
    """Fills the mask with one colour; declines the requests whose settings agree with `declines`."""

    kind = ToolKind.MASK
    native_size_px = None
    size_multiple_px = 1
    memory_mb = 0
    licence = "Apache-2.0"
    third_party: str | None = None

    def warm_up(self) -> None:
        """Nothing to load."""

    def __init__(self, name: str = "retype", max_batch: int = 8, declines: dict[str, Any] | None = None) -> None:
        self.name, self.max_batch, self.declines = name, max_batch, declines
        self.batches: list[list[EditRequest]] = []

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        self.batches.append(list(batch))
        return [self._one(request) for request in batch]

    def _one(self, request: EditRequest) -> EditResult | ToolDeclined:
        if self.declines is not None and self.declines.items() <= request.settings.items():
            return ToolDeclined(f"cannot do {request.settings['extent']}")
        alpha = np.where(request.mask, 200, 0).astype(np.uint8)
        return EditResult(np.full_like(request.crop, 40), alpha, {"ink": 40}, ("painted",))


class Shrugging(Painter):
    """Answers as if all were well, and changes nothing."""

    def _one(self, request: EditRequest) -> EditResult | ToolDeclined:
        return EditResult(request.crop, np.zeros_like(request.mask, np.uint8))


class Reckless(Painter):
    """Paints the whole crop, mask or not."""

    def _one(self, request: EditRequest) -> EditResult | ToolDeclined:
        return EditResult(np.zeros_like(request.crop), np.full(request.mask.shape, 255, np.uint8))


class Forgetful(Painter):
    """Breaks the contract: one answer too few."""

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        return []


def run(desk: Any, targets: Sequence[Target], *tools: Tool, canvas: Canvas | None = None, **job: Any) -> Retouched:
    agent = ActionAgent(desk.store, {tool.name: tool for tool in tools})
    command = Retouch(step=3, canvas=canvas or desk.canvas, targets=tuple(targets))
    return agent.retouch(desk.job(**job), command, dispatch=2)


def result_of(desk: Any, answer: Retouched, canvas: Canvas | None = None) -> Rgb:
    return compose_canvas(desk.store, (canvas or desk.canvas).with_patches(answer.patches))


def test_a_patch_is_stored_under_job_step_and_dispatch_and_says_why(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    answer = run(at, [at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE", seed=9)], Painter())
    (patch,) = answer.patches
    assert (patch.id, patch.region_ids, patch.tool, patch.seed) == ("p3-1", ("r1",), "retype", 9)
    assert patch.image_ref.startswith("job_1/s3-d2/") and patch.alpha_ref.startswith("job_1/s3-d2/")
    assert patch.settings["extent"] == "line" and patch.settings["ink"] == 40
    assert "COFFEE" in patch.reason
    assert answer.step == 3 and answer.warnings == ("r1: painted",)


def test_nothing_changes_outside_the_alpha(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    answer = run(at, [at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE")], Reckless())
    result = result_of(at, answer)
    edited = edited_mask(at.store, at.canvas.with_patches(answer.patches), at.size_hw)
    assert largest_outside_difference(plain_wall, result, edited) == 0
    assert edited[115, 240] and not edited[20, 20]
    assert (result[edited] != plain_wall[edited]).any()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=st.integers(0, 440), y=st.integers(0, 200), w=st.integers(1, 120), h=st.integers(1, 60))
def test_protected_pixels_never_change(desk: Any, plain_wall: Rgb, quad: Quad, x: int, y: int, w: int, h: int) -> None:
    at = desk(plain_wall)
    protected = np.zeros(at.size_hw, np.uint8)
    protected[y : y + h, x : x + w] = 255
    targets = [
        at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE"),
        at.thing("r2", (60, 60, 110, 90)),
        at.thing("r3", (400, 10, 440, 40)),
    ]
    answer = run(at, targets, Reckless(), OpenCvTool(), protected=protected, tools=("retype", "opencv"))
    result = result_of(at, answer)
    assert (result[protected > 0] == plain_wall[protected > 0]).all()
    assert {i for p in answer.patches for i in p.region_ids} | {d.region_id for d in answer.declined} == {
        "r1",
        "r2",
        "r3",
    }


def test_a_mostly_protected_region_is_declined_with_the_reason(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    protected = np.zeros(at.size_hw, np.uint8)
    protected[:, 230:] = 1
    answer = run(at, [at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE")], Painter(), protected=protected)
    assert not answer.patches
    assert "protected" in answer.declined[0].reason and "62%" in answer.declined[0].reason


def test_edits_of_one_tool_and_settings_share_calls_up_to_max_batch(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at, tool = desk(plain_wall), Painter(max_batch=2)
    targets = [at.text(f"r{n}", quad(20 + 150 * n, 100, 80 + 150 * n, 120), "TEH", "THE") for n in range(3)]
    answer = run(at, targets, tool)
    assert [len(batch) for batch in tool.batches] == [2, 1]
    assert [patch.region_ids for patch in answer.patches] == [("r0",), ("r1",), ("r2",)]


def test_a_declining_tool_leads_to_the_next_row_at_once(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at, tool = desk(plain_wall), Painter(declines={"extent": "word"})
    line = (quad(100, 100, 300, 130), "FRESH COFFE", "FRESH COFFEE")
    answer = run(at, [at.text("r1", quad(220, 100, 300, 130), "COFFE", "COFFEE", line=line)], tool)
    assert [batch[0].settings["extent"] for batch in tool.batches] == ["word", "line"]
    assert answer.patches[0].settings["extent"] == "line" and not answer.declined


def test_when_every_row_declines_the_tools_own_words_are_the_reason(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    answer = run(at, [at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE")], Painter(declines={}))
    assert answer.declined[0].reason == "retype: cannot do line"


def test_a_result_that_changes_nothing_is_declined(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    answer = run(at, [at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE")], Shrugging())
    assert not answer.patches and answer.declined[0].reason == "retype: it changed nothing"


def test_a_tool_that_breaks_its_contract_fails_the_stage(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    with pytest.raises(StageError, match="0 answers to 1"):
        run(at, [at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE")], Forgetful())


def test_two_wrong_words_side_by_side_become_one_edit_of_the_line(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at, tool = desk(plain_wall), Painter()
    line = (quad(100, 100, 300, 130), "FERSH COFFE", "FRESH COFFEE")
    targets = [
        at.text("r1", quad(100, 100, 190, 130), "FERSH", "FRESH", line=line),
        at.text("r2", quad(205, 100, 300, 130), "COFFE", "COFFEE", line=line),
    ]
    (patch,) = run(at, targets, tool).patches
    assert patch.region_ids == ("r1", "r2") and patch.settings["extent"] == "line"
    assert tool.batches[0][0].mask.shape == tool.batches[0][0].crop.shape[:2]


def test_words_of_neighbouring_lines_stay_apart_and_share_no_pixel(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    targets = [
        at.text("r1", quad(100, 60, 220, 90), "FERSH", "FRESH"),
        at.text("r2", quad(100, 92, 220, 122), "COFFE", "COFFEE"),
    ]
    answer = run(at, targets, Painter())
    assert [patch.region_ids for patch in answer.patches] == [("r1",), ("r2",)]
    alphas = [edited_mask(at.store, at.canvas.with_patches((patch,)), at.size_hw) for patch in answer.patches]
    assert not (alphas[0] & alphas[1]).any()
    assert alphas[0][61:89, 101:219].all() and alphas[1][93:121, 101:219].all()
    assert not alphas[0][93:121, 101:219].any()


def test_overlapping_things_are_removed_together(desk: Any, plain_wall: Rgb) -> None:
    at = desk(plain_wall)
    targets = [at.thing("u1", (100, 100, 140, 140)), at.thing("u2", (130, 110, 170, 150))]
    (patch,) = run(at, targets, OpenCvTool(), tools=("opencv",)).patches
    assert patch.region_ids == ("u1", "u2")
    x0, y0, x1, y1 = patch.box_xyxy_px
    assert x0 <= 100 and y0 <= 100 and x1 >= 170 and y1 >= 150


def test_a_patch_names_the_patches_it_lies_on_and_no_others(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    first = run(
        at,
        [at.text("r1", quad(100, 60, 220, 90), "FERSH", "FRESH"), at.text("r9", quad(400, 200, 460, 220), "A", "B")],
        Painter(),
    )
    canvas = at.canvas.with_patches(first.patches)
    agent = ActionAgent(at.store, {"retype": Painter()})
    again = Retouch(step=5, canvas=canvas, targets=(at.text("r2", quad(100, 70, 220, 100), "FERSH", "FRESH"),))
    (patch,) = agent.retouch(at.job(), again, 1).patches
    assert patch.base_patch_ids == ("p3-1",)


def test_the_same_command_twice_gives_the_same_pixels(desk: Any, plain_wall: Rgb) -> None:
    at = desk(plain_wall)
    target = at.thing("u1", (100, 100, 140, 140), seed=5)
    results = [result_of(at, run(at, [target], OpenCvTool(), tools=("opencv",))) for _ in range(2)]
    assert (results[0] == results[1]).all()
    other = at.thing("u1", (100, 100, 140, 140), seed=6)
    agent = ActionAgent(at.store, {"opencv": OpenCvTool()})
    answer = agent.retouch(at.job(tools=("opencv",)), Retouch(step=4, canvas=at.canvas, targets=(other,)), 1)
    assert (result_of(at, answer) != results[0]).any()


def test_a_hand_is_declined_with_what_it_would_take(desk: Any, plain_wall: Rgb) -> None:
    at = desk(plain_wall)
    answer = run(at, [at.thing("r1", (10, 10, 60, 60), "saliency", Category.HAND)], Painter(), OpenCvTool())
    assert not answer.patches and "hand" in answer.declined[0].reason and "generative" in answer.declined[0].reason


def test_a_retry_takes_another_row(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at, tool = desk(plain_wall), Painter()
    target = at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE", seed=4)
    again = target.model_copy(update={"attempts": (Attempt(tool="retype", seed=1, outcome="refused"),)})
    (patch,) = run(at, [again], tool).patches
    assert patch.settings["typeface_rank"] == 1 and patch.seed == 4


def test_a_doubled_word_is_erased(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    at.image[100:130, 200:280:4] = 20
    at = desk(at.image)
    line = (quad(100, 100, 280, 130), "THE THE", "THE")
    doubled = at.text("r1", quad(200, 100, 280, 130), "THE", "", TextFault.DOUBLED, line)
    answer = run(at, [doubled], Painter(), OpenCvTool())
    (patch,) = answer.patches
    assert patch.tool == "opencv" and patch.settings["operation"] == "erase"
    assert result_of(at, answer)[105:125, 205:275].min() > 180


def test_each_tools_call_is_told_with_its_time(desk: Any, plain_wall: Rgb, quad: Quad) -> None:
    at = desk(plain_wall)
    calls: list[tuple[str, float]] = []
    agent = ActionAgent(at.store, {"retype": Painter()}, lambda name, seconds: calls.append((name, seconds)))
    targets = (at.text("r1", quad(200, 100, 280, 130), "COFFE", "COFFEE"),)
    agent.retouch(at.job(), Retouch(step=3, canvas=at.canvas, targets=targets), dispatch=2)
    assert [name for name, _ in calls] == ["retype"]
    assert all(0.0 <= seconds < 60.0 for _, seconds in calls)
