"""Tests of reasoners in process; they need torch and transformers, which `make test` brings."""

from pathlib import Path

import pytest

pytest.importorskip("transformers")


@pytest.fixture(scope="session")
def small_reasoner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained reasoner of the real class."""
    from fakes.small_reasoner import write_small_reasoner

    return write_small_reasoner(tmp_path_factory.mktemp("reasoner") / "small")
