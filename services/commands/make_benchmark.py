"""`retoucher benchmark make`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Split = Literal[
    "train",
    "test",
    "test-kinds",
    "unseen-backdrops",
    "unseen-poses",
    "unseen-garments",
    "unseen-hair",
    "unseen-words",
    "unseen-palettes",
]


def make_benchmark(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; an interrupted run is continued.")],
    count: Annotated[int, typer.Option(min=1, help="How many samples.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    size: Annotated[int, typer.Option(metavar="256|512", help="Side in pixels.")] = 256,
    split: Annotated[
        Split,
        typer.Option(
            metavar="SPLIT",
            help="train; test: unseen backdrops, palettes, fonts, words, poses, garments, hair; test-kinds: unseen "
            "flaws, too; unseen-backdrops, -poses, -garments, -hair, -words, -palettes: of these alone.",
        ),
    ] = "train",
    mix: Annotated[
        Literal["balanced", "paper"], typer.Option(help="paper: as many flaws of each kind as the paper's data has.")
    ] = "balanced",
) -> None:
    """Draws scenes with flaws, their clean twins, masks and words, as a Hugging Face imagefolder."""
    from services.datasets.benchmark import write_benchmark

    written = write_benchmark(out, count, seed=seed, size=size, split=split, mix=mix)
    typer.echo(f"{out}: {count} samples, {written} of them drawn now")
