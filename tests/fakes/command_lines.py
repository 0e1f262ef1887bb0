"""Whether the command line `retoucher` takes given arguments, without running anything."""

import typer
from typer.core import TyperGroup

from services.cli import app

UsageError = typer.BadParameter.__mro__[1]
"""Typer exports of its errors of usage only this child."""


def takes(arguments: list[str]) -> bool:
    """Whether the arguments name a command and fit its options."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="retoucher")
    rest = list(arguments)
    try:
        while isinstance(command, TyperGroup):
            _, command, rest = command.resolve_command(context, rest)
        command.make_context(command.name, rest, parent=context)
    except UsageError:
        return False
    return True
