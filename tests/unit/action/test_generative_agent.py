"""The agent with tools that draw anew: words, batches, budgets, registration, bad answers, pictures of odd sizes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.action.agent import ActionAgent
from services.action.answers import Unusable, Usable, usable
from services.action.tools.base import EditRequest, EditResult, Tool, ToolDeclined, ToolKind
from services.action.tools.opencv import OpenCvTool
from shared.contracts.categories import Category
from shared.contracts.loop import Retouch, Retouched, Target
from shared.contracts.values import Canvas
from shared.images import Rgb, compose_canvas, decode_gray, decode_rgb, edited_mask, encode_png
from shared.profiles import ToolModel

PRICED = ToolModel(weights="vendor/model", licence="terms", commercial=True, memory_mb=0, price=0.25)


class Model:
    """Draws grain by the seed into the mask; stands for a diffusion tool."""

    size_multiple_px = 8
    memory_mb = 1
    licence = "MIT"
    third_party: str | None = None

    def __init__(self, name: str = "sd-inpainting", kind: ToolKind = ToolKind.MASK, native: int = 64) -> None:
        self.name, self.kind, self.native_size_px = name, kind, native
        self.max_batch = 4
        self.batches: list[list[EditRequest]] = []

    def warm_up(self) -> None:
        pass

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        self.batches.append(list(batch))
        return [self.answer(request) for request in batch]

    def answer(self, request: EditRequest) -> EditResult | ToolDeclined:
        grain = np.random.default_rng(request.seed).normal(0, 2, request.crop.shape)
        image = request.crop.copy()
        image[request.mask] = np.clip(image.astype(float) - 3 + grain, 0, 255).astype(np.uint8)[request.mask]
        return EditResult(image, np.where(request.mask, 255, 0).astype(np.uint8), {"model": self.name})


class NotANumber(Model):
    """Its numbers have run out of range."""

    def answer(self, request: EditRequest) -> EditResult | ToolDeclined:
        broken: Any = np.full(request.crop.shape, np.nan, np.float32)
        return EditResult(broken, np.where(request.mask, 255, 0).astype(np.uint8))


class AnotherSize(Model):
    """Answers in a size of its own."""

    def answer(self, request: EditRequest) -> EditResult | ToolDeclined:
        return EditResult(np.zeros((64, 80, 3), np.uint8), np.where(request.mask, 255, 0).astype(np.uint8))


class Shifting(Model):
    """An editor whose whole picture moves to the right."""

    by_px = 3

    def answer(self, request: EditRequest) -> EditResult | ToolDeclined:
        made = super().answer(request)
        assert isinstance(made, EditResult)
        return EditResult(np.roll(made.image, self.by_px, axis=1), made.alpha, made.settings)


class Remote(Model):
    """Sends pixels away, and is paid for it."""

    third_party = "Vendor Inc."


def act(desk: Any, targets: Sequence[Target], *tools: Tool, models: dict[str, ToolModel] | None = None,
        canvas: Canvas | None = None, dispatch: int = 1, **job: Any) -> Retouched:  # fmt: skip
    agent = ActionAgent(desk.store, {tool.name: tool for tool in tools}, models=models)
    command = Retouch(step=3, canvas=canvas or desk.canvas, targets=tuple(targets))
    return agent.retouch(desk.job(**job), command, dispatch)


def pixels(desk: Any, answer: Retouched) -> Rgb:
    return compose_canvas(desk.store, desk.canvas.with_patches(answer.patches))


def hand(at: Any, name: str = "r1", box: tuple[int, int, int, int] = (100, 60, 160, 120), seed: int = 1) -> Target:
    target: Target = at.thing(name, box, "saliency", Category.HAND, seed)
    return target


@pytest.fixture
def textured() -> Rgb:
    """A `(240, 480, 3)` wall with clouds, which can be registered."""
    import cv2

    noise = np.random.default_rng(3).normal(0, 1, (240, 480, 3)).astype(np.float32)
    return np.clip(sum(cv2.GaussianBlur(noise, (0, 0), s) * s * 22 for s in (2.0, 6.0)) + 128, 0, 255).astype(np.uint8)


def test_a_mask_tool_is_told_what_should_be_there_and_an_editor_what_to_do(desk: Any, textured: Rgb) -> None:
    at = desk(textured)
    painter, editor = Model(), Model("instruct-pix2pix", ToolKind.INSTRUCTION)
    act(at, [hand(at)], painter)
    act(at, [hand(at)], editor, dispatch=2)
    asked, told = painter.batches[0][0], editor.batches[0][0]
    assert asked.instruction.startswith("a natural human hand") and "a sign" in asked.instruction
    assert "fused fingers" in asked.negative and asked.settings["strength"] == 0.8 and asked.settings["steps"] == 30
    assert told.instruction == "repair r1"


def test_a_mirror_image_is_for_the_tools_eyes_alone(desk: Any, textured: Rgb) -> None:
    class Choosy(Model):
        """Declines what it sees first; of the next it draws a bright spot into the mask's left half."""

        def answer(self, request: EditRequest) -> EditResult | ToolDeclined:
            if len(self.batches) == 1:
                return ToolDeclined("not this way")
            rows, columns = request.mask.nonzero()
            row, column = int(rows.mean()), int((columns.min() + columns.mean()) / 2)
            image = request.crop.copy()
            image[row - 8 : row + 8, column - 8 : column + 8] = 255
            return EditResult(image, np.where(request.mask, 255, 0).astype(np.uint8))

    at, tool = desk(textured), Choosy("instruct-pix2pix", ToolKind.INSTRUCTION)
    answer = act(at, [hand(at)], tool)
    first, second = (batch[0] for batch in tool.batches)
    np.testing.assert_array_equal(first.crop, second.crop[:, ::-1])
    np.testing.assert_array_equal(first.mask, second.mask[:, ::-1])
    (patch,) = answer.patches
    assert patch.settings["mirrored"] is True and "mirror image" in patch.reason
    changed = (np.abs(pixels(at, answer).astype(int) - textured).sum(axis=2) > 60).nonzero()[1]
    assert changed.min() > 130  # the region's middle: its left is the picture's right


def test_all_crops_of_one_way_share_calls_up_to_max_batch(desk: Any, textured: Rgb) -> None:
    at, tool = desk(textured), Model()
    boxes = [(20 + 90 * n, 100, 60 + 90 * n, 130 + n) for n in range(5)]
    answer = act(at, [hand(at, f"r{n}", box, seed=n) for n, box in enumerate(boxes)], tool)
    assert [len(batch) for batch in tool.batches] == [4, 1]
    assert len({json_of(request) for batch in tool.batches for request in batch}) == 1
    assert [patch.seed for patch in answer.patches] == [0, 1, 2, 3, 4]


def json_of(request: EditRequest) -> str:
    return str(sorted(request.settings.items()))


def test_overlapping_flaws_are_one_edit_told_of_both(desk: Any, textured: Rgb) -> None:
    at, tool = desk(textured), Model()
    face = at.thing("r2", (150, 80, 200, 130), "saliency", Category.FACE)
    third = at.thing("r3", (190, 90, 230, 120), "saliency", Category.FACE)
    (patch,) = act(at, [hand(at), third, face], tool).patches
    assert set(patch.region_ids) == {"r1", "r2", "r3"} and "one edit" in patch.reason
    words = tool.batches[0][0].instruction
    assert "hand" in words and "face" in words


def test_a_removal_and_a_repair_do_not_share_a_mask_tools_call(desk: Any, textured: Rgb) -> None:
    at, tool = desk(textured), Model()
    gone = at.thing("r2", (130, 90, 200, 150), "saliency", Category.OBJECT_REDUNDANCY)
    answer = act(at, [hand(at), gone], tool)
    assert [patch.region_ids for patch in answer.patches] == [("r1",), ("r2",)]
    alphas = [decode_gray(at.store.get(patch.alpha_ref)).sum() for patch in answer.patches]
    assert all(alphas)
    editor = Model("instruct-pix2pix", ToolKind.INSTRUCTION)
    assert len(act(at, [hand(at), gone], editor, dispatch=2).patches) == 1
    assert editor.batches[0][0].instruction == "repair r1; repair r2"


@pytest.mark.parametrize(("tool", "reason"), [(NotANumber, "no numbers"), (AnotherSize, "80x64")])
def test_an_answer_that_breaks_the_contract_is_declined_with_the_reason(
    desk: Any, textured: Rgb, tool: type[Model], reason: str
) -> None:
    at = desk(textured)
    answer = act(at, [hand(at)], tool())
    assert not answer.patches and reason in answer.declined[0].reason
    assert answer.declined[0].reason.startswith("sd-inpainting: ")
    # Another tool takes over where there is one.
    answer = act(at, [hand(at)], tool(), Model("instruct-pix2pix", ToolKind.INSTRUCTION), dispatch=2)
    assert [patch.tool for patch in answer.patches] == ["instruct-pix2pix"]


def test_an_editors_shift_is_undone_and_told(desk: Any, textured: Rgb) -> None:
    at = desk(textured)
    answer = act(at, [hand(at)], Shifting("instruct-pix2pix", ToolKind.INSTRUCTION))
    (patch,) = answer.patches
    assert patch.settings["registered_shift_px"][0] == pytest.approx(3, abs=0.5)  # type: ignore[index]
    edited = edited_mask(at.store, at.canvas.with_patches(answer.patches), at.size_hw)
    # What it drew is the crop three levels darker, with grain: laid over the crop, nothing but that has changed.
    assert np.abs(pixels(at, answer).astype(int) - textured)[edited].mean() < 6


def test_a_shift_beyond_the_limit_is_no_patch_and_another_seed_may_try(desk: Any, textured: Rgb) -> None:
    at, tool = desk(textured), Shifting("instruct-pix2pix", ToolKind.INSTRUCTION)
    tool.by_px = 40
    answer = act(at, [hand(at)], tool)
    assert not answer.patches and not answer.declined
    assert answer.warnings[0].startswith("r1: no patch came of it: instruct-pix2pix: it ")


def test_a_border_that_shows_after_blending_is_refused_and_another_seed_may_try(desk: Any, plain_wall: Rgb) -> None:
    at, tool = desk(plain_wall), Model()
    (patch,) = act(at, [hand(at)], tool).patches
    seam = float(patch.settings["seam"])  # type: ignore[arg-type]
    request = tool.batches[0][0]
    answer = tool.answer(request)
    assert isinstance(answer, EditResult)
    assert isinstance(usable(request, answer, ToolKind.MASK, seam + 0.01), Usable)
    refused = usable(request, answer, ToolKind.MASK, seam - 0.01)
    assert isinstance(refused, Unusable) and refused.by_chance
    assert f"a seam of {seam:.1f}" in refused.reason


def test_money_is_counted_never_overspent_and_third_parties_are_named(desk: Any, textured: Rgb) -> None:
    at, tool = desk(textured), Remote("gemini-flash-image", ToolKind.INSTRUCTION)
    targets = [hand(at, f"r{n}", (20 + 150 * n, 100, 60 + 150 * n, 140)) for n in range(3)]
    paid = {"gemini-flash-image": PRICED}
    answer = act(at, targets, tool, models=paid, max_cost=0.6)
    assert answer.cost == 0.5 and len(answer.patches) == 2 and answer.third_parties == ("Vendor Inc.",)
    assert "0.10 are left of max_cost" in answer.declined[0].reason
    none = act(at, targets, Remote("gemini-flash-image", ToolKind.INSTRUCTION), models=paid, dispatch=2)
    assert none.cost == 0 and not none.patches and not none.third_parties
    assert "allow it by max_cost" in none.declined[0].reason


def test_what_was_spent_before_counts(desk: Any, textured: Rgb) -> None:
    at, tool = desk(textured), Remote("gemini-flash-image", ToolKind.INSTRUCTION)
    agent = ActionAgent(at.store, {tool.name: tool}, models={tool.name: PRICED})
    job = at.job(max_cost=0.6).model_copy(update={"cost": 0.5})
    answer = agent.retouch(job, Retouch(step=3, canvas=at.canvas, targets=(hand(at),)), 1)
    assert not answer.patches and not tool.batches and answer.cost == 0


def test_the_same_record_gives_the_same_bits(desk: Any, textured: Rgb) -> None:
    at = desk(textured)
    targets = [hand(at, seed=7), hand(at, "r2", (300, 60, 360, 120), seed=8)]
    first = act(at, targets, Shifting("instruct-pix2pix", ToolKind.INSTRUCTION))
    again = act(at, targets, Shifting("instruct-pix2pix", ToolKind.INSTRUCTION), dispatch=9)
    assert np.array_equal(pixels(at, first), pixels(at, again))
    for one, other in zip(first.patches, again.patches, strict=True):
        assert (one.settings, one.seed, one.tool, one.box_xyxy_px) == (
            other.settings, other.seed, other.tool, other.box_xyxy_px,
        )  # fmt: skip
        assert at.store.get(one.image_ref) == at.store.get(other.image_ref)
        assert at.store.get(one.alpha_ref) == at.store.get(other.alpha_ref)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    h=st.integers(32, 90), w=st.integers(32, 90), x=st.integers(0, 80), y=st.integers(0, 80),
    side=st.integers(1, 90), editor=st.booleans(), seed=st.integers(0, 9),
)  # fmt: skip
def test_nothing_changes_outside_the_alpha_wherever_the_region_lies(
    desk: Any, h: int, w: int, x: int, y: int, side: int, editor: bool, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)
    at = desk(image)
    x0, y0 = min(x, w - 1), min(y, h - 1)
    target = hand(at, "r1", (x0, y0, min(w, x0 + side), min(h, y0 + side)), seed)
    tool = Model("instruct-pix2pix", ToolKind.INSTRUCTION) if editor else Model()
    answer = act(at, [target], tool)
    edited = edited_mask(at.store, at.canvas.with_patches(answer.patches), at.size_hw)
    assert np.array_equal(pixels(at, answer)[~edited], image[~edited])
    if tool.batches:
        assert tool.batches[0][0].mask.shape == tool.batches[0][0].crop.shape[:2]


def test_a_small_region_of_a_large_picture_is_cropped_near_the_tools_size(desk: Any) -> None:
    image = np.full((3000, 4000, 3), 90, np.uint8)
    image[::3] = 120
    at, tool = desk(image), Model(native=1024)
    answer = act(at, [hand(at, "r1", (3970, 1500, 3990, 1520))], tool)
    crop = tool.batches[0][0].crop
    assert crop.shape == (256, 256, 3), "four times enlarged, whole at the picture's edge"
    assert len(answer.patches) == 1 and answer.patches[0].box_xyxy_px[2] <= 4000


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (450, 210, 480, 240), (0, 100, 480, 130)])
def test_a_region_at_the_border_is_edited_to_the_border(desk: Any, textured: Rgb, box: Any) -> None:
    at = desk(textured)
    answer = act(at, [hand(at, "r1", box)], Model())
    x0, y0, x1, y1 = answer.patches[0].box_xyxy_px
    assert (x0 == 0) == (box[0] == 0) and (x1 == 480) == (box[2] == 480)
    assert decode_rgb(at.store.get(answer.patches[0].image_ref)).shape == (y1 - y0, x1 - x0, 3)


def test_a_mask_of_nothing_says_so(desk: Any, textured: Rgb) -> None:
    at = desk(textured)
    target = hand(at)
    empty = at.store.put("job_1/empty.png", encode_png(np.zeros((60, 60), np.uint8)))
    target = target.model_copy(update={"region": target.region.model_copy(update={"mask_ref": empty})})
    answer = act(at, [target], Model())
    assert answer.declined[0].reason == "its mask is empty: there is nothing to edit"


def test_a_picture_of_64_pixels_with_a_mask_of_everything(desk: Any) -> None:
    image = np.random.default_rng(1).integers(60, 180, (64, 64, 3), dtype=np.uint8)
    at = desk(image)
    target = hand(at, "r1", (0, 0, 64, 64))
    refused = act(at, [target], Model())
    assert "nothing left to go by" in refused.declined[0].reason
    (patch,) = act(at, [target], Model("instruct-pix2pix", ToolKind.INSTRUCTION), dispatch=2).patches
    assert patch.box_xyxy_px == (0, 0, 64, 64)


def test_opencv_is_never_the_second_choice_for_a_hand(desk: Any, textured: Rgb) -> None:
    at = desk(textured)
    answer = act(at, [hand(at)], NotANumber(), OpenCvTool(), tools=("sd-inpainting", "opencv"))
    assert not answer.patches and "opencv" not in answer.declined[0].reason
