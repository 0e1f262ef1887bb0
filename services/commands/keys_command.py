"""Declares `retoucher keys`; imports nothing heavy."""

from pathlib import Path
from typing import Annotated

import typer

keys = typer.Typer(help="API keys of a server: made, listed, revoked.", no_args_is_help=True)

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="The standalone server's data folder.", show_default=False),
]
Shared = Annotated[
    bool, typer.Option("--shared", help="Of many machines: in the Redis of RETOUCHER_BACKEND_REDIS_URL.")
]


def _where(data_dir: Path | None, shared: bool) -> Path | None:
    if (data_dir is None) != shared:
        raise typer.BadParameter("say where the keys are: --data-dir DIR or --shared")
    return data_dir


@keys.command("create")
def create(
    data_dir: DataDir = None,
    shared: Shared = False,
    owner: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose jobs it sees; keys of one owner see the same. Else a new owner."),
    ] = None,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What you call it.")] = "",
) -> None:
    """Makes a key and prints it, this once."""
    from services.commands import keys as work

    work.create(_where(data_dir, shared), owner, label)


@keys.command("list")
def listed(data_dir: DataDir = None, shared: Shared = False) -> None:
    """Lists the keys, without their secrets."""
    from services.commands import keys as work

    work.listed(_where(data_dir, shared))


@keys.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, or the key.", show_default=False)],
    data_dir: DataDir = None,
    shared: Shared = False,
) -> None:
    """Has the server refuse a key from now on."""
    from services.commands import keys as work

    work.revoke(_where(data_dir, shared), key_id)
