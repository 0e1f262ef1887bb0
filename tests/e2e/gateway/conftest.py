"""A real server with agents that do nothing, shared by the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.served import served

from services.commands.speed.servers import NO_LIMITS
from services.commands.speed.submitting import noise_png


@pytest.fixture(scope="session")
def idle_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; it takes more jobs than a server with its ordinary settings would put off."""
    data: Path = tmp_path_factory.mktemp("idle") / "data"
    with served(data, "--profile", "idle", **NO_LIMITS) as url:
        yield url


@pytest.fixture(scope="session")
def picture() -> bytes:
    """Small: its content does not matter here."""
    return noise_png(20_000)
