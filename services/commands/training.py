"""What the commands that train have in common: their data, their errors, and the command for a card."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from pydantic import ValidationError

from shared.errors import BadInput, ErrorCode

Data = TypeVar("Data")

OptimizerName = Annotated[
    Literal["adamw", "muon"], typer.Option(help="Muon learns from nothing in fewer steps; not for an adapter.")
]


MixName = Annotated[
    Literal["balanced", "paper", "prompts", "hard"],
    typer.Option(
        help="Of samples drawn on the fly; prompts: more flaws that only the prompt tells; hard: and more hands."
    ),
]
Reuse = Annotated[
    int, typer.Option(min=1, help="How often a sample is learned from: more where a GPU waits for the drawing.")
]
Minutes = Annotated[
    float | None, typer.Option(help="End by then with the schedule walked through, however many steps were taken.")
]


def bad_option(error: ValidationError) -> BadInput:
    """What a run's options were refused for, as the command line names it."""
    first = error.errors()[0]
    name = "--" + str(first["loc"][0]).replace("_", "-") if first["loc"] else "options"
    return BadInput(ErrorCode.BAD_OPTION, f"{name}: {first['msg']}: choose another value")


def data_of(
    data: Path | None,
    validation: Path | None,
    read: Callable[[Path, Path | None], Data],
    draw: Callable[[], Data],
) -> Data:
    """A folder's samples where one is given, else drawn ones.

    Raises:
        BadInput: BAD_OPTION, there are validation samples and none to train on; and as `read` and `draw`.
    """
    if data is not None:
        return read(data, validation)
    if validation is not None:
        raise BadInput(ErrorCode.BAD_OPTION, "--validation goes with --data: give both, or neither to draw samples")
    return draw()


def command_line() -> str:
    """The command as it was given."""
    return "retoucher " + shlex.join(sys.argv[1:])
