"""`retoucher submit` as declared: options, nothing more. Imports nothing heavy: `--help` needs it."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def submit(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="A PNG, JPEG or WebP, or its https address.", show_default=False)
    ],
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="The prompt that the image was made from.")],
    server: Annotated[str, typer.Option(metavar="URL", help="Of 'retoucher serve', say http://127.0.0.1:8000.")],
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the API key; else RETOUCHER_API_KEY.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder to write; must be new or empty.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the result, or only say where the job is.")] = True,
    mode: Annotated[Literal["retouch", "analyze"], typer.Option(help="analyze only says what is wrong.")] = "retouch",
    tools: Annotated[str | None, typer.Option(metavar="A,B", help="Use these tools only.")] = None,
    preference: Annotated[
        Literal["auto", "mask", "instruction"], typer.Option(help="Which kind of tool you would rather have.")
    ] = "auto",
    max_iterations: Annotated[int | None, typer.Option(min=1, max=10, help="Rounds of repair at the most.")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave flaws with less evidence than this alone.")
    ] = None,
    protect: Annotated[
        Path | None, typer.Option(metavar="MASK", help="Bright where nothing may change; of the image's size.")
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(metavar="MASK", help="Bright where you see a flaw; of the image's size.")
    ] = None,
    expected_text: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Words that must be there; repeat it for more.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also edit images that a detector does not know.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")] = 0,
    deadline: Annotated[float | None, typer.Option(metavar="SECONDS", help="Stop then, with the best so far.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace DIR if an earlier run of this command wrote it.")
    ] = False,
) -> None:
    """As `retouch`, on a server."""
    from services.commands.submit import SubmitArguments, run

    options = {
        "mode": mode,
        "tools": None if tools is None else [name.strip() for name in tools.split(",") if name.strip()],
        "preference": preference,
        "max_iterations": max_iterations,
        "threshold": threshold,
        "expected_text": expected_text or None,
        "force": force,
        "seed": seed,
        "deadline_s": deadline,
    }
    run(SubmitArguments(image, prompt, server, key_file, out, wait, overwrite, protect, regions, options))
