"""`retoucher train reasoning-sft`: what it draws, and what it refuses before anything is written."""

from pathlib import Path

import pytest

pytest.importorskip("skia")

from services.commands.train_reasoning import reasoning_sft
from services.datasets.proposals.propose import Proposing
from services.reasoning.training.data import rendered_data
from shared.errors import BadInput


def test_only_drawn_pictures_are_retold(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="leave out --data, or --retold"):
        reasoning_sft(out=tmp_path / "run", tiny=True, data=tmp_path, retold=2)
    assert not (tmp_path / "run").exists()


def test_what_is_drawn_is_retold_as_often_as_asked() -> None:
    plain, told = (rendered_data(20, 4, 3, mix="prompts", retold=retold) for retold in (0, 2))
    assert "each retold 2 times" in told.description and "retold" not in plain.description
    assert isinstance(told.training, Proposing)
    samples = told.training.samples
    every = [samples[index] for index in range(20)]
    assert max(len(one.retold) for one in every) == 2  # type: ignore[attr-defined]
    prompts = {proposal.prompt for index in range(20) for proposal in told.training[index]}
    assert {one.prompt for sample in every for one in sample.retold} & prompts  # type: ignore[attr-defined]
    assert not plain.training.samples[0].retold  # type: ignore[attr-defined]
    assert told.looking is not None and not told.looking[0].retold
