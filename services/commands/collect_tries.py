"""`retoucher dataset collect-tries`: what the product's tools make of known flaws, for the verifier to learn from."""

from pathlib import Path

import typer
from rich.console import Console

from services.commands.counting import counting
from services.datasets.schema import read_records
from services.datasets.tries import TriesWriter, read_try_records
from services.evaluation.retouch.pictures import folder_pictures, healthy_twin
from services.evaluation.retouch.sabotage import scrap_of
from services.evaluation.retouch.tries import tries_at
from services.local import Local
from shared.errors import BadInput, ErrorCode


def run(
    data: Path, out: Path, profile: str, first: int, limit: int | None, seed: int, *, clean_twins: bool = False
) -> None:
    """Collects, then says how many tries of which kind there are, and how many of them are repairs.

    Args:
        data: the data set.
        out: folder to write.
        profile: whose tools try.
        first: the first image.
        limit: so many images.
        seed: of the jobs.
        clean_twins: each picture is its clean twin, at which no try is right.

    Raises:
        BadInput: the data set cannot be read or lacks clean twins, or the folder holds tries already.
        MissingResource: the profile or what it names is not there.
    """
    records = tuple(read_records(data))[first:]
    records = records if limit is None else records[:limit]
    if any(not record.healthy and record.clean_file_name is None for record in records):
        raise BadInput(
            ErrorCode.BAD_OPTION, f"{data} has flawed images without a clean twin: nobody could say what repairs them"
        )
    local = Local.in_memory(profile)
    scrap = None
    with TriesWriter(out) as writer, counting(Console(highlight=False, stderr=True), len(records), "trying") as advance:
        pictures = folder_pictures(data, records)
        for picture in map(healthy_twin, pictures) if clean_twins else pictures:
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
