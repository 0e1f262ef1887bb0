"""Tools on diffusers' pipelines: each with small parts of its real classes, alone and in batches."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.tool_requests import a_crop, a_mask, a_request

from services.action.tools.base import EditRequest, EditResult, ToolDeclined, ToolKind

pytest.importorskip("diffusers")

import torch
from fakes import small_pipelines as small

from services.action.tools.diffusion import DiffusionTool, Limits, Recipe
from services.action.tools.flux_fill import RECIPE as FLUX
from services.action.tools.instruct_pix2pix import RECIPE as PIX2PIX
from services.action.tools.qwen_image_edit import RECIPE as QWEN
from services.action.tools.sd_inpainting import RECIPE as SD
from services.action.tools.sdxl_inpainting import RECIPE as SDXL
from services.action.tools.weights import Placement, Weights

SIDE = small.SIDE_PX


@dataclass(frozen=True)
class Kind:
    """A recipe, and what makes a small pipeline for it; `saved`: loaded from a folder, as a user's would be."""

    recipe: Recipe
    make: Callable[[], Any]
    saved: bool = True


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("qwen")
    return {
        "sd-inpainting": Kind(SD, small.sd),
        "instruct-pix2pix": Kind(PIX2PIX, small.pix2pix),
        "sdxl-inpainting": Kind(SDXL, small.sdxl),
        "flux-fill": Kind(FLUX, small.flux),
        # transformers loads the processor's part for videos with torchvision alone, which has no wheel for a CPU.
        "qwen-image-edit": Kind(QWEN, lambda: small.qwen(folder), saved=False),
        "qwen-image-edit plus": Kind(QWEN, lambda: small.qwen_plus(folder), saved=False),
    }


NAMES = (
    "sd-inpainting",
    "instruct-pix2pix",
    "sdxl-inpainting",
    "flux-fill",
    "qwen-image-edit",
    "qwen-image-edit plus",
)


@pytest.fixture(scope="session")
def tools(kinds: dict[str, Kind], tmp_path_factory: pytest.TempPathFactory) -> dict[str, DiffusionTool]:
    found = {}
    for name, kind in kinds.items():
        limits = Limits(native_size_px=SIDE, steps=2)
        if kind.saved:
            folder = tmp_path_factory.mktemp("weights") / name
            kind.make().save_pretrained(folder)
            found[name] = DiffusionTool(kind.recipe, Weights(str(folder), "MIT"), limits=limits)
        else:
            pipeline = kind.make()
            load = lambda *_, made=pipeline: made  # noqa: E731
            found[name] = DiffusionTool(kind.recipe, Weights("small", "MIT"), limits=limits, load=load)
    return found


@pytest.fixture(autouse=True)
def _small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qwen's pipelines work at a megapixel whatever is asked: minutes on a CPU."""
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit as edit
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as plus

    for module in (edit, plus):
        whole = module.calculate_dimensions
        monkeypatch.setattr(module, "calculate_dimensions", lambda area, ratio, of=whole: of(area / 144, ratio))


def triples() -> list[EditRequest]:
    return [
        a_request(seed=2**40 + at, crop=a_crop((40, 48), shift=12 * at), instruction=words, negative="a sixth finger")
        for at, words in enumerate(small.WORDS)
    ]


def pictures(answers: Any) -> list[np.ndarray]:
    assert all(isinstance(answer, EditResult) for answer in answers), answers
    return [answer.image.astype(int) for answer in answers]


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_single_calls(name: str, tools: dict[str, DiffusionTool]) -> None:
    tool, batch = tools[name], triples()
    together = pictures(tool.edit(batch))
    alone = [pictures(tool.edit([request]))[0] for request in batch]
    for one, other, request in zip(together, alone, batch, strict=True):
        assert one.shape == request.crop.shape
        assert np.abs(one - other).max() <= 2
    assert np.abs(together[0] - together[1]).max() > 20
    assert np.array_equal(pictures(tool.edit(batch[:1]))[0], alone[0])  # the same bits
    other_seed = a_request(seed=9, crop=batch[0].crop, instruction=batch[0].instruction, negative="a sixth finger")
    assert np.abs(pictures(tool.edit([other_seed]))[0] - alone[0]).max() > 2


@pytest.mark.parametrize("name", NAMES)
def test_words_settings_and_masks_reach_the_pipeline(name: str, tools: dict[str, DiffusionTool]) -> None:
    tool = tools[name]
    base = pictures(tool.edit([a_request(steps=4)]))[0]
    changes: dict[str, EditRequest] = {
        "words": a_request(instruction="remove the second handle", steps=4),
        "steps": a_request(steps=3),
        "guidance": a_request(guidance=1.5, steps=4),
    }
    if tool.kind is ToolKind.MASK:
        changes |= {"strength": a_request(strength=0.5, steps=4)}
        changes |= {"mask": a_request(mask=np.ones((64, 64), np.bool_), steps=4)}
    for what, request in changes.items():
        assert np.abs(pictures(tool.edit([request]))[0] - base).max() > 0, what


@pytest.mark.parametrize("name", ["sd-inpainting", "instruct-pix2pix"])
def test_odd_crops_and_masks(name: str, tools: dict[str, DiffusionTool]) -> None:
    tool = tools[name]
    sizes = [(1, 1), (3, 40), (200, 9), (64, 64), (900, 1200)]
    batch = [a_request(crop=a_crop(size), mask=np.ones(size, np.bool_)) for size in sizes]
    for answer, size in zip(tool.edit(batch), sizes, strict=True):
        assert isinstance(answer, EditResult)
        assert answer.image.shape == (*size, 3)
        assert (answer.alpha == 255).all()
    grey = a_request(crop=np.full((30, 30, 3), 128, np.uint8))
    nothing = a_request(mask=np.zeros((64, 64), np.bool_))
    speck = np.zeros((800, 800), np.bool_)
    speck[400, 400] = True
    tiny = a_request(crop=a_crop((800, 800)), mask=speck)
    answers = tool.edit([grey, nothing, tiny])
    assert isinstance(answers[0], EditResult)
    assert isinstance(answers[1], ToolDeclined)
    assert isinstance(answers[2], EditResult)
    assert answers[2].alpha.sum() == 255
    assert tool.edit([]) == []


def test_the_record_says_how_to_do_it_again(tools: dict[str, DiffusionTool]) -> None:
    answer = tools["sd-inpainting"].edit([a_request(seed=7, negative="six", guidance=2.5, steps=2)])[0]
    assert isinstance(answer, EditResult)
    said = dict(answer.settings)
    model = said.pop("model")
    assert Path(str(model)).is_dir()
    assert said == {
        "steps": 2, "guidance": 2.5, "strength": 1.0, "image_guidance": 1.0, "seed": 7, "words": "repair the hand",
        "negative": "six", "revision": None, "dtype": "float32", "size_px": SIDE,
    }  # fmt: skip
    assert np.array_equal(answer.alpha > 0, a_mask())


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name: str, kinds: dict[str, Kind]) -> None:
    recipe = kinds[name].recipe
    on_gpu = DiffusionTool(recipe, Weights("a/b", "OpenRAIL"), Placement(device="cuda"))
    assert (on_gpu.name, on_gpu.kind) == (name.removesuffix(" plus"), recipe.kind)
    assert on_gpu.native_size_px % on_gpu.size_multiple_px == 0
    assert on_gpu.max_batch == recipe.max_batch >= 1
    assert on_gpu.memory_mb > 4000
    assert (on_gpu.licence, on_gpu.third_party) == ("OpenRAIL", None)
    limits = Limits(native_size_px=256, max_batch=3, memory_mb=11)
    changed = DiffusionTool(recipe, Weights("a/b", "MIT"), Placement(device="cuda"), limits)
    assert (changed.native_size_px, changed.max_batch, changed.memory_mb) == (256, 3, 11)
    assert DiffusionTool(recipe, Weights("a/b", "MIT")).max_batch == 1  # on a CPU, so that a replay has the same bits
