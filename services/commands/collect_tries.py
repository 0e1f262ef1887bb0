"""`retoucher dataset collect-tries`: what the product's tools make of known flaws, for the verifier to learn from."""

from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console

from services.commands.counting import counting
from services.datasets.schema import read_records
from services.datasets.sources import DrawnSamples
from services.datasets.tries import TriesWriter, read_try_records
from services.evaluation.retouch.pictures import Picture, drawn_twins, folder_pictures, healthy_twin
from services.evaluation.retouch.sabotage import scrap_of
from services.evaluation.retouch.tries import tries_at
from services.local import Local
from shared.errors import BadInput, ErrorCode


def run(
    data: Path | None,
    out: Path,
    profile: str,
    first: int,
    limit: int | None,
    seed: int,
    *,
    clean_twins: bool = False,
    drawn: tuple[int, int] | None = None,
) -> None:
    """Collects, then says how many tries of which kind there are, and how many of them are repairs.

    Args:
        data: the data set; None where pictures are drawn.
        out: folder to write.
        profile: whose tools try.
        first: the first image.
        limit: so many images.
        seed: of the jobs.
        clean_twins: each picture is its clean twin, at which no try is right.
        drawn: how many clean twins to draw, on other backdrops and in other tones than any data set has, and the seed
            of the drawing.

    Raises:
        BadInput: both a data set and a drawing are asked for, or neither; the data set cannot be read or lacks clean
            twins; or the folder holds tries already.
        MissingResource: the profile or what it names is not there.
    """
    if data is not None and drawn is None:
        count, pictures = _of_folder(data, first, limit, clean_twins)
    elif drawn is not None and data is None:
        count, pictures = _drawn(drawn, first, limit)
    else:
        raise BadInput(
            ErrorCode.BAD_OPTION, "tries are made at a data set or at drawn pictures: give --data or --drawn"
        )
    local = Local.in_memory(profile)
    scrap = None
    with TriesWriter(out) as writer, counting(Console(highlight=False, stderr=True), count, "trying") as advance:
        for picture in pictures:
            writer.write(tries_at(local, picture, scrap, seed))
            scrap = scrap_of(picture) or scrap
            advance(1)
    counts: dict[str, list[int]] = {}
    for record in read_try_records(out):
        row = counts.setdefault(record.kind, [0, 0])
        row[0] += 1
        row[1] += record.right
    parts = ", ".join(f"{kind} {made} ({right} right)" for kind, (made, right) in sorted(counts.items()))
    typer.echo(f"{out}: {parts or 'no tries'}")


def _of_folder(data: Path, first: int, limit: int | None, clean_twins: bool) -> tuple[int, Iterator[Picture]]:
    records = tuple(read_records(data))[first:]
    records = records if limit is None else records[:limit]
    if any(not record.healthy and record.clean_file_name is None for record in records):
        raise BadInput(
            ErrorCode.BAD_OPTION, f"{data} has flawed images without a clean twin: nobody could say what repairs them"
        )
    pictures = folder_pictures(data, records)
    return len(records), map(healthy_twin, pictures) if clean_twins else pictures


def _drawn(asked: tuple[int, int], first: int, limit: int | None) -> tuple[int, Iterator[Picture]]:
    count, seed = asked
    last = count if limit is None else min(count, first + limit)
    samples = DrawnSamples(last, seed, labelled=True, varied=True)
    return max(0, last - first), drawn_twins(samples, first)
