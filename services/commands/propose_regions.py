"""`retoucher dataset propose-regions`: regions as detectors propose them, of a data set in the project's schema."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from services.commands.counting import counting
from services.datasets.proposals.folder import write_proposals
from services.datasets.proposals.propose import Finder, Proposing
from services.datasets.schema import read_records
from services.datasets.sources import FolderSamples
from shared.geometry import Mask
from shared.images import Rgb


def run(data: Path, out: Path, seed: int, checkpoint: Path | None, device: str) -> None:
    """Proposes, then says how many regions of which sort there are.

    Raises:
        BadInput: the data set cannot be read, or the folder not be written.
        MissingResource: the checkpoint is not there.
    """
    samples = FolderSamples(data, tuple(read_records(data)))
    source = Proposing(samples, seed, _finder(checkpoint, device) if checkpoint is not None else None)
    with counting(Console(highlight=False, stderr=True), len(source), "proposing") as advance:
        written = write_proposals(source, out, advance)
    ways = ", ".join(f"{way} {count}" for way, count in sorted(written.ways.items()))
    typer.echo(
        f"{out}: {written.distorted} distorted and {written.healthy} healthy regions of {written.samples} images "
        f"({ways})"
    )


def _finder(folder: Path, device: str) -> Finder:
    """The saliency network's regions at its own threshold."""
    import numpy as np

    from services.perception.saliency.checkpoint import load_checkpoint
    from services.perception.saliency.predictor import predict
    from services.perception.saliency.regions import RegionSettings, salient_regions

    checkpoint = load_checkpoint(folder, device)
    settings = RegionSettings(tau=checkpoint.calibration.tau)

    def find(image: Rgb, prompt: str) -> Sequence[Mask]:
        masks = []
        for region in salient_regions(predict(checkpoint, [image], [prompt])[0].saliency, settings):
            x0, y0, x1, y1 = region.box_xyxy_px
            mask = np.zeros(image.shape[:2], np.bool_)
            mask[y0:y1, x0:x1] = region.mask
            masks.append(mask)
        return masks

    return find
