"""A folder that the benchmark drew, and a checkpoint of one step: it works and knows nothing."""

from pathlib import Path

import pytest
import torch
from fakes.blobs import BlobSource

from services.datasets.benchmark import write_benchmark
from services.perception.training.options import TrainingOptions
from services.perception.training.run import TrainingData, train_perception


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "test-split"
    write_benchmark(folder, 12, seed=3, split="test")
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    options = TrainingOptions(
        out=tmp_path_factory.mktemp("run") / "one-step",
        steps=1,
        batch_size=4,
        image_size_px=64,
        width=40,
        vocab_size=600,
        evaluate_every=10,
        validation_count=8,
        calibration_count=24,
        domain_count=24,
    )
    train_perception(options, TrainingData(BlobSource(48), BlobSource(24, seed=1), "blobs"), report=lambda line: None)
    return options.out
