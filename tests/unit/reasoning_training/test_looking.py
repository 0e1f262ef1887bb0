"""The picture encoder's own lessons: targets lie on its tokens, twins share a cut, a run leaves a changed encoder."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes.small_alignment import SQUARES, sft_options
from fakes.small_reasoner import SIZES, write_small_reasoner
from transformers import AutoModelForImageTextToText

from services.datasets.benchmark.parts import LABEL_COUNTS
from services.datasets.sources import DrawnSamples
from services.reasoning.contract import CATEGORY_NAMES
from services.reasoning.processors import load_processor
from services.reasoning.prompts import load_prompt
from services.reasoning.training.data import AlignmentData, rendered_data
from services.reasoning.training.looking import looking_losses
from services.reasoning.training.looks import SOUND, UNTOLD, Look, LookCollator, Looks
from services.reasoning.training.sft import train_sft
from shared.errors import BadInput

PROMPT = load_prompt("tiny")
SAMPLES = DrawnSamples(12, 5, labelled=True, varied=True)
SEEN = sum(LABEL_COUNTS)
COUNTS = SEEN + len(CATEGORY_NAMES)


@pytest.fixture(scope="module")
def looks() -> list[tuple[Look, ...]]:
    source = Looks(SAMPLES, PROMPT)
    return [source[index] for index in range(len(source))]


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_processor(write_small_reasoner(tmp_path_factory.mktemp("small") / "model"))


def test_a_twin_is_the_same_cut_of_the_clean_picture(looks: list[tuple[Look, ...]]) -> None:
    flat = [look for row in looks for look in row]
    twins = [(one, flat[at - 1]) for at, one in enumerate(flat) if one.is_twin]
    assert twins
    for twin, blemished in twins:
        assert not blemished.is_twin and blemished.category not in (SOUND, UNTOLD)
        assert twin.picture.shape == blemished.picture.shape and twin.maps.shape == blemished.maps.shape
        assert (blemished.maps[2] != SOUND).any() and (twin.maps[2] == SOUND).all() and twin.category == SOUND
        assert not np.array_equal(twin.picture, blemished.picture)


def test_what_a_picture_alone_does_not_tell_is_not_taught() -> None:
    source = Looks(DrawnSamples(40, 11, labelled=True), PROMPT)
    told = {look.category for index in range(40) for look in source[index][:-1]}
    of_the_prompt = {CATEGORY_NAMES.index("attribute"), CATEGORY_NAMES.index("count")}
    assert UNTOLD in told and SOUND in told and not told & of_the_prompt


def test_the_whole_picture_is_looked_at_last(looks: list[tuple[Look, ...]]) -> None:
    for index, row in enumerate(looks):
        sample, whole = SAMPLES[index], row[-1]
        assert max(whole.picture.shape) == PROMPT.whole_px and whole.category == UNTOLD and not whole.is_twin
        assert sample.labels is not None and np.array_equal(whole.maps[:2], sample.labels)
        flawed = np.logical_or.reduce([*sample.visible_masks, np.zeros(sample.image.shape[:2], bool)])
        assert ((whole.maps[2] != SOUND) <= flawed).all()


def test_targets_lie_in_the_order_of_the_tokens(processor: Any) -> None:
    """A picture whose patches are told by their grey: what the encoder is given and what is asked agree."""
    grid = np.arange(4 * 8, dtype=np.uint8).reshape(4, 8)
    maps = np.repeat(np.repeat(grid, 14, axis=0), 14, axis=1)
    picture = np.repeat(maps[..., None] * 8, 3, axis=2)
    batch = LookCollator(processor)([(Look(picture, np.stack([maps, maps, np.full_like(maps, SOUND)]), SOUND, False),)])
    assert batch["image_grid_thw"].tolist() == [[1, 4, 8]]
    greys = batch["pixel_values"].mean(dim=1)
    assert torch.equal(greys.argsort(), batch["patches"][..., 0].flatten().argsort())
    assert (batch["patches"][..., 2] == SOUND).all()


def test_a_blemish_thinner_than_a_patch_is_asked_about(processor: Any) -> None:
    maps = np.zeros((3, 112, 112), np.uint8)
    maps[2] = SOUND
    maps[2, 50, 3:40] = 2
    batch = LookCollator(processor)([(Look(np.zeros((112, 112, 3), np.uint8), maps, 2, False),)])
    asked = batch["patches"][..., 2]
    assert (asked == 2).any() and set(asked.unique().tolist()) == {2, SOUND}


def test_the_contrast_falls_as_the_blemished_one_seems_worse() -> None:
    patches = torch.full((8, 4, 3), SOUND)
    patches[..., :2] = 0
    patches[0, 0, 2] = 4
    inputs = {
        "patches": patches,
        "category": torch.tensor([4, SOUND]),
        "twin_of": torch.tensor([-1, 0]),
    }
    owner = torch.tensor([0] * 4 + [1] * 4)

    def contrast(worse: float) -> float:
        cells, whole = torch.zeros(8, 4, COUNTS), torch.zeros(2, len(CATEGORY_NAMES))
        cells[0, 0, SEEN + 4] = worse
        whole[0, 4] = worse
        return float(looking_losses(cells, whole, owner, inputs)["contrast"])

    assert contrast(0) == pytest.approx(2 * np.log(2), abs=1e-5)
    assert contrast(4) < contrast(1) < contrast(0) < contrast(-1)
    alone = {**inputs, "twin_of": torch.tensor([-1, -1])}
    assert float(looking_losses(torch.zeros(8, 4, COUNTS), torch.zeros(2, 13), owner, alone)["contrast"]) == 0


def test_the_contrast_is_that_of_each_pair_by_itself() -> None:
    torch.manual_seed(0)
    sizes, twin_of = [3, 3, 2, 5, 5, 4, 4], torch.tensor([-1, 0, -1, -1, 3, -1, 5])
    owner = torch.repeat_interleave(torch.arange(7), torch.tensor(sizes))
    patches = torch.randint(SOUND - 1, SOUND + 1, (26, 4, 3))
    patches[..., :2] = 0
    patches[owner == 5] = torch.tensor([0, 0, SOUND])  # a twin's flaw that no patch shows
    cells, whole = torch.randn(26, 4, COUNTS), torch.zeros(7, len(CATEGORY_NAMES))
    inputs = {"patches": patches, "category": torch.full((7,), SOUND), "twin_of": twin_of}
    wrong = cells[..., SEEN:]
    odds = wrong[..., torch.arange(len(CATEGORY_NAMES)) != SOUND].logsumexp(dim=-1) - wrong[..., SOUND]
    expected = torch.tensor(math.log(2))
    for clean, flawed in ((1, 0), (4, 3)):
        there = patches[owner == flawed][..., 2] != SOUND
        gap = odds[owner == clean][there] - odds[owner == flawed][there]
        expected = expected + torch.nn.functional.softplus(gap).mean() / 3
    assert float(looking_losses(cells, whole, owner, inputs)["contrast"]) == pytest.approx(float(expected), abs=1e-5)


def test_a_run_looks_first_and_goes_on_from_there(tmp_path: Path) -> None:
    drawn = rendered_data(6, 4, 3)
    data = AlignmentData(SQUARES.training, SQUARES.validation, "coloured squares", drawn.looking)
    options = sft_options(tmp_path / "run", looking_steps=2, steps=1, learning_rate=1e-3, frozen_encoder=True)
    lines: list[str] = []
    train_sft(options, data, report=lines.append, sizes=SIZES)
    begun, looked, spoken = (
        AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float16).state_dict()
        for folder in (options.begin_folder, options.looked_folder, options.out)
    )
    changed = {name for name in begun if not torch.equal(begun[name], looked[name])}
    assert changed and all("visual" in name for name in changed)
    changed = {name for name in looked if not torch.equal(looked[name], spoken[name])}
    assert changed and not any("visual" in name for name in changed)
    assert any("twins_told" in line for line in lines)
    with pytest.raises(BadInput, match="leave out --data"):
        train_sft(sft_options(tmp_path / "other", looking_steps=2), SQUARES, report=lines.append, sizes=SIZES)
