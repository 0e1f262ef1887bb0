"""`retoucher dataset export-chats`: proposed regions as chats for other training frameworks."""

from pathlib import Path

import typer
from rich.console import Console

from services.commands.counting import counting
from services.datasets.proposals.opening import open_regions
from services.reasoning.export import write_chats
from services.reasoning.prompts import load_prompt


def run(data: Path, out: Path, prompt: str, seed: int) -> None:
    """Writes, then says how many chats there are.

    Raises:
        BadInput: the data cannot be read, or the folder not be written.
        MissingResource: there is no such prompt.
    """
    words = load_prompt(prompt)
    source = open_regions(data, seed)
    with counting(Console(highlight=False, stderr=True), len(source), "writing chats") as advance:
        count = write_chats(source, words, out, advance)
    typer.echo(f"{out}: {count} chats")
