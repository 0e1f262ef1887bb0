"""Declares `retoucher keys`; imports nothing heavy."""

from pathlib import Path
from typing import Annotated

import typer

keys = typer.Typer(help="API keys of a server: made, listed, revoked.", no_args_is_help=True)

DataDir = Annotated[Path, typer.Option("--data-dir", metavar="DIR", help="The server's data folder.")]


@keys.command("create")
def create(
    data_dir: DataDir,
    owner: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose jobs it sees; keys of one owner see the same. Else a new owner."),
    ] = None,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What you call it.")] = "",
) -> None:
    """Makes a key and prints it, this once."""
    from services.commands import keys as work

    work.create(data_dir, owner, label)


@keys.command("list")
def listed(data_dir: DataDir) -> None:
    """Lists the keys, without their secrets."""
    from services.commands import keys as work

    work.listed(data_dir)


@keys.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, or the key.", show_default=False)],
    data_dir: DataDir,
) -> None:
    """Has the server refuse a key from now on."""
    from services.commands import keys as work

    work.revoke(data_dir, key_id)
