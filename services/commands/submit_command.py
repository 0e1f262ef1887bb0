"""`retoucher submit` as declared: options, nothing more. Imports nothing heavy: `--help` needs it."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands.options import (
    Deadline,
    ExpectedText,
    Force,
    MaxCost,
    MaxIterations,
    Mode,
    Overwrite,
    Preference,
    Prompt,
    Protect,
    Regions,
    Seed,
    Threshold,
    Tools,
    tool_names,
)


def submit(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="A PNG, JPEG or WebP, or its https address.", show_default=False)
    ],
    prompt: Prompt,
    server: Annotated[str, typer.Option(metavar="URL", help="Of 'retoucher serve', say http://127.0.0.1:8000.")],
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the API key; else RETOUCHER_API_KEY.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder to write; must be new or empty.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the result, or only say where the job is.")] = True,
    mode: Mode = "retouch",
    tools: Tools = None,
    preference: Preference = "auto",
    max_iterations: MaxIterations = None,
    threshold: Threshold = None,
    protect: Protect = None,
    regions: Regions = None,
    expected_text: ExpectedText = None,
    force: Force = False,
    seed: Seed = 0,
    deadline: Deadline = None,
    max_cost: MaxCost = None,
    overwrite: Overwrite = False,
) -> None:
    """As `retouch`, on a server."""
    from services.commands.submit import SubmitArguments, run

    options = {
        "mode": mode,
        "tools": tool_names(tools),
        "preference": preference,
        "max_iterations": max_iterations,
        "threshold": threshold,
        "expected_text": expected_text or None,
        "force": force,
        "seed": seed,
        "deadline_s": deadline,
        "max_cost": max_cost,
    }
    run(SubmitArguments(image, prompt, server, key_file, out, wait, overwrite, protect, regions, options))
