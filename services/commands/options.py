"""Options that commands share, as typer declares them. Imports nothing heavy: `--help` needs it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Prompt = Annotated[str, typer.Option(metavar="TEXT", help="The prompt that the image was made from.")]
Mode = Annotated[Literal["retouch", "analyze"], typer.Option(help="analyze only says what is wrong.")]
Tools = Annotated[str | None, typer.Option(metavar="A,B", help="Use these tools only.")]
Preference = Annotated[
    Literal["auto", "mask", "instruction"], typer.Option(help="Which kind of tool you would rather have.")
]
MaxIterations = Annotated[int | None, typer.Option(min=1, max=10, help="Rounds of repair at the most.")]
Threshold = Annotated[float | None, typer.Option(min=0, max=1, help="Leave flaws with less evidence than this alone.")]
Protect = Annotated[
    Path | None, typer.Option(metavar="MASK", help="Bright where nothing may change; of the image's size.")
]
Regions = Annotated[Path | None, typer.Option(metavar="MASK", help="Bright where you see a flaw; of the image's size.")]
ExpectedText = Annotated[
    list[str] | None, typer.Option(metavar="TEXT", help="Words that must be there; repeat it for more.")
]
Force = Annotated[bool, typer.Option("--force", help="Also edit images that a detector does not know.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")]
Deadline = Annotated[float | None, typer.Option(metavar="SECONDS", help="Stop then, with the best so far.")]
MaxCost = Annotated[
    float | None,
    typer.Option(min=0, metavar="DOLLARS", help="What tools with a price may cost; without it they are not used."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace DIR if an earlier run of this command wrote it.")]


def tool_names(tools: str | None) -> list[str] | None:
    """The names in `A,B`; None where the option was not given."""
    return None if tools is None else [name.strip() for name in tools.split(",") if name.strip()]


JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here, too.")]
