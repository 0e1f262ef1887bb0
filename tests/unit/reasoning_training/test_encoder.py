"""The picture encoder for all pictures at once: the library's results and gradients, and nothing of it is saved."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes.small_reasoner import SIZES, write_small_reasoner
from torch import Tensor

from services.reasoning.training.encoder import Layout, encode_together
from services.reasoning.training.models import load_model, save_servable

MIXED, EQUAL = [[1, 12, 12], [1, 4, 12], [1, 12, 10], [1, 2, 2]], [[1, 12, 12]] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_reasoner(tmp_path_factory.mktemp("small") / "model")


def results(model: Any, grids: list[list[int]]) -> list[Tensor]:
    """The tokens, and the gradients of what is asked of them."""
    torch.manual_seed(0)
    grid = torch.tensor(grids)
    patches = torch.randn(int(grid.prod(dim=1).sum()), 3 * 2 * SIZES.patch_px**2)
    tokens = model.model.visual(patches, grid).pooler_output
    (tokens.tanh() * torch.randn_like(tokens)).sum().backward()
    return [tokens.detach(), *(weight.grad for weight in model.model.visual.parameters())]


@pytest.mark.parametrize("grids", [MIXED, EQUAL])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_it_gives_what_the_library_gives(folder: Path, grids: list[list[int]], attention: str) -> None:
    own, _ = load_model(folder)
    together, _ = load_model(folder)
    own.set_attn_implementation(attention)
    encode_together(together)
    for expected, found in zip(results(own, grids), results(together, grids), strict=True):
        assert torch.allclose(expected, found, rtol=1e-4, atol=1e-5)


def test_a_picture_that_comes_again_is_encoded_once(folder: Path) -> None:
    own: Any = load_model(folder)[0]
    once: Any = load_model(folder)[0]
    encode_together(once)
    whole, crop = (torch.randn(count, 3 * 2 * SIZES.patch_px**2) for count in (144, 48))
    patches, grid = torch.cat([whole, crop, whole]), torch.tensor([[1, 12, 12], [1, 4, 12], [1, 12, 12]])
    met: list[int] = []
    once.model.visual.patch_embed.register_forward_pre_hook(lambda module, given: met.append(len(given[0])))
    expected, found = (one.model.visual(patches, grid).pooler_output for one in (own, once))
    assert torch.allclose(expected, found, rtol=1e-4, atol=1e-5)
    # Of one shape alone, or of one content, they are two.
    once.model.visual(torch.cat([whole, -whole]), torch.tensor([[1, 12, 12]] * 2))
    once.model.visual(torch.cat([whole, whole]), torch.tensor([[1, 12, 12], [1, 6, 24]]))
    assert met == [144 + 48, 288, 288]


def test_the_saved_folder_knows_nothing_of_it(folder: Path, tmp_path: Path) -> None:
    model, processor = load_model(folder)
    save_servable(model, processor, tmp_path / "before", half=False)
    encode_together(model)
    save_servable(model, processor, tmp_path / "after", half=False)
    before, after = (json.loads((tmp_path / name / "config.json").read_text()) for name in ("before", "after"))
    assert before == after and "attn" not in (tmp_path / "after" / "config.json").read_text()
    files = [{one.name for one in (tmp_path / name).iterdir()} for name in ("before", "after")]
    assert files[0] == files[1]
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("before", "after")]
    assert weights[0] == weights[1]


def test_an_encoder_with_windows_stays_as_it_is(folder: Path) -> None:
    model, _ = load_model(folder)
    named: Any = model
    named.model.visual.fullatt_block_indexes = [0]
    encode_together(model)
    assert "forward" not in vars(named.model.visual)


def test_pictures_are_filled_up_and_taken_out_again() -> None:
    patches = torch.arange(9.0)[:, None, None].expand(9, 2, 3)
    layout = Layout.of([4, 5], torch.device("cpu"))
    assert (layout.pictures, layout.longest) == (2, 8) and layout.mask is not None
    assert layout.mask.flatten(1).sum(dim=1).tolist() == [4, 5]
    assert torch.equal(layout.taken(layout.filled(patches)), patches.flatten(1))
    assert Layout.of([3, 3, 3], torch.device("cpu")).mask is None
