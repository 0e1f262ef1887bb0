"""Samples that are collated one by one and joined are the batch that they would have been together."""

from pathlib import Path
from typing import Any

import pytest
import torch
from fakes.marked import MarkedSource
from fakes.small_reasoner import write_small_reasoner
from torch import Tensor
from torch.utils.data import Dataset
from transformers import AutoModelForImageTextToText

from services.datasets.proposals.propose import Proposing
from services.datasets.sources import DrawnSamples
from services.reasoning.processors import load_processor
from services.reasoning.prompts import load_prompt
from services.reasoning.training.batches import Batch, Joiner, Places, Prepared, RowJoiner, Rows
from services.reasoning.training.collate import Collator
from services.reasoning.training.examples import Examples, SampleRows
from services.reasoning.training.looks import LookCollator, Looks
from services.reasoning.training.pixels import Pixels

PROMPT = load_prompt("tiny")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_reasoner(tmp_path_factory.mktemp("small") / "model")


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    return load_processor(folder)


def assert_same(joined: dict[str, Tensor], whole: dict[str, Tensor], pixels: Pixels) -> None:
    assert joined.keys() == whole.keys()
    assert joined["pixel_values"].dtype == torch.uint8
    assert torch.allclose(pixels.values(joined["pixel_values"]), whole["pixel_values"], atol=1e-5)
    for name in joined.keys() - {"pixel_values"}:
        assert torch.equal(joined[name], whole[name]) and joined[name].dtype == whole[name].dtype, name


def test_looks_are_joined(processor: Any) -> None:
    looks, collate, pixels = (
        Looks(DrawnSamples(6, 5, labelled=True), PROMPT),
        LookCollator(processor),
        Pixels.of(processor),
    )
    prepared = Prepared(looks, collate, pixels)
    whole = collate([looks[index] for index in range(6)])
    assert (whole["twin_of"] >= 0).sum() > 1
    assert_same(Joiner()([prepared[index] for index in range(6)]), whole, pixels)


def test_regions_with_their_texts_are_joined(folder: Path, processor: Any) -> None:
    model: Any = AutoModelForImageTextToText.from_pretrained(folder)
    rows = SampleRows(Examples(Proposing(MarkedSource(16)), PROMPT, processor), 16, decisions=5)
    collate, pixels = Collator(processor, Places(model.config)), Pixels.of(processor)
    whole = collate([rows[index] for index in range(16)])
    lengths = whole["attention_mask"].sum(dim=1)
    assert lengths.min() < lengths.max() and (whole["twin_of"] >= 0).any()
    table = Rows(Prepared(rows, collate, pixels)).table(16)
    joined = RowJoiner(Joiner(processor.tokenizer.pad_token_id))([table[index] for index in range(16)])
    assert_same(joined, whole, pixels)
    inputs = {name: whole[name] for name in ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")}
    assert torch.equal(joined["places"].transpose(0, 1), model.model.get_rope_index(**inputs)[0])
    pictures = {"pixel_values": whole["pixel_values"]}
    with torch.no_grad():
        own = model(**inputs, **pictures).logits
        placed = model(**inputs, **pictures, position_ids=joined["places"].transpose(0, 1)).logits
    assert torch.equal(own, placed)


def test_what_is_no_picture_of_bytes_is_not_packed(processor: Any) -> None:
    pixels = Pixels.of(processor)
    with pytest.raises(ValueError, match="still pictures"):
        pixels.packed(torch.rand(4, 3 * 2 * 7 * 7))


class Counted(Dataset[Batch]):
    """How often each of three items was made."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Batch:
        self.made.append(index)
        return {"twin_of": torch.tensor([-1, 0])}


def test_a_table_makes_a_row_when_it_is_asked_for() -> None:
    counted = Counted()
    table = Rows(counted).table(3)
    assert not counted.made and len(table) == 3
    batch = RowJoiner(Joiner())(table.__getitems__([2, 0]))
    assert counted.made == [2, 0] and batch["twin_of"].tolist() == [-1, 0, -1, 2]
