"""Nine red squares on noise, three of them healthy, as a folder."""

from pathlib import Path

import pytest
from fakes.blob_loop import write_blobs


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blobs(tmp_path_factory.mktemp("data") / "blobs", 9)
