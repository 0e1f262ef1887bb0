"""An installation for the processes that are killed."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.installation import Installation


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    with Installation(folder, RETOUCHER_WORKER_STAGE_TIMEOUT_S="10") as installation:
        yield installation


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prints how long the test took to get over its fault; read it with `pytest -s`."""
    began = time.monotonic()
    yield
    sys.stderr.write(f"\n{request.node.name}: {time.monotonic() - began:.1f} s\n")
