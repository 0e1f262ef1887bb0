"""A tiny reasoner of the real class, trained for a few steps on coloured squares; built once."""

import pytest
from fakes.small_alignment import SQUARES, sft_options
from fakes.small_reasoner import SIZES

from services.reasoning.training.data import AlignmentData
from services.reasoning.training.finish import Result
from services.reasoning.training.sft import train_sft


@pytest.fixture(scope="session")
def data() -> AlignmentData:
    return SQUARES


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """After SFT."""
    out = tmp_path_factory.mktemp("sft") / "run"
    return train_sft(sft_options(out), SQUARES, report=lambda line: None, sizes=SIZES)
