"""The README's section "The API": every command and every program of it, run as written against a server."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.served import ROOT, served

from services.commands.doctor import sign

WRITTEN_PORT = 8000


@dataclass(frozen=True)
class Example:
    """A block of the section; `language` is that of its fence."""

    language: str
    text: str


def examples() -> list[Example]:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## The API\n")[1].split("\n## ")[0]
    return [Example(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)]


SERVE, *OTHERS = examples()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("caller")
    (made / "photo.png").write_bytes(sign())
    return made


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server started by the command that the section begins with, on another port and folder."""
    command = SERVE.text.split()
    assert command[:2] == [".venv/bin/retoucher", "serve"] and command[2:] == [
        *("--port", str(WRITTEN_PORT)),
        *("--data-dir", ".retoucher"),
    ]
    with served(tmp_path_factory.mktemp("server") / "data") as url:
        yield url


def run(example: Example, address: str, folder: Path) -> str:
    text = example.text.replace(f"http://127.0.0.1:{WRITTEN_PORT}", address)
    shell = ["bash", "-euo", "pipefail", "-c", text.replace("curl ", "curl -sS --fail-with-body --noproxy '*' ")]
    command = shell if example.language == "sh" else [sys.executable, "-W", "error", "-c", text]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "shared/client/src")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_section_holds_what_it_should():
    assert [example.language for example in OTHERS].count("sh") >= 2
    assert [example.language for example in OTHERS].count("python") >= 3


@pytest.mark.slow
def test_every_example_works_as_written(address, folder):
    said = ""
    for example in OTHERS:
        for made in folder.glob("repaired.png"):
            made.unlink()
        said += run(example, address, folder)
        if "repaired.png" in example.text:
            assert (folder / "repaired.png").read_bytes().startswith(b"\x89PNG")
    assert "event: job.succeeded" in said and '"analyzed"' in said
    assert re.search(r"repaired [\d.]+ -> [\d.]+\nCOFFE should be COFFEE at \(", said), said
    assert "job.succeeded {'outcome': 'repaired'" in said
