"""One real server and one real browser for all tests of the page; a warning or error in its console fails the test."""

import io
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from services.demo.photographs import SCENES, set_scene
from shared.images import encode_png

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 200_000
"""Generous: a busy machine is slow, and no test here is about speed."""

expect.set_options(timeout=PATIENCE_MS)

WIDTH_PX = 800
"""Of the picture that most tests send: the real demo's, smaller, so that a job takes a second or two."""


@pytest.fixture(scope="session")
def misspelt() -> tuple[bytes, str]:
    """A photograph with a misspelt card as a PNG, and its prompt."""
    scene = next(scene for scene in SCENES if scene.folder == "misspelt")
    whole = Image.fromarray(set_scene(scene))
    small = whole.resize((WIDTH_PX, whole.height * WIDTH_PX // whole.width), Image.Resampling.LANCZOS)
    png = io.BytesIO()
    small.save(png, "PNG")
    return png.getvalue(), scene.prompt


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`retoucher serve` on a free port, in a process of its own; its address."""
    folder = tmp_path_factory.mktemp("server")
    log = (folder / "log").open("w")
    command = [sys.executable, "-m", "services.cli", "serve", "--port", "0", "--data-dir", str(folder / "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        address = next((line.strip() for line in process.stdout if line.startswith("http")), None)
        assert address is not None, f"the server did not start: {(folder / 'log').read_text()}"
        _until(lambda: httpx.get(f"{address}/readyz", timeout=60).status_code == 200, "the server to be ready")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
        log.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: its event loop runs in this thread while it lives, and others' tests want their own."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip("the Debian package chromium is not here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Console:
    """What the browser complained of; a test names the complaints that it provokes."""

    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(part in text for part in self.expected)]


@pytest.fixture
def console() -> Console:
    return Console()


@pytest.fixture
def context(browser: Browser, server: str, console: Console) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=server, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    context.on("console", lambda message: _note(console, message.type, message.text))
    context.on("weberror", lambda error: console.complaints.append(str(error.error)))
    yield context
    context.close()
    assert console.unexpected() == []


def _note(console: Console, kind: str, text: str) -> None:
    if kind in ("warning", "error", "assert"):
        console.complaints.append(f"{kind}: {text}")


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="session")
def repaired(server: str, misspelt: tuple[bytes, str]) -> str:
    """Id of a job that has been repaired, sent by the API."""
    return finished(server, *misspelt)


@pytest.fixture(scope="session")
def healthy(server: str) -> str:
    """Id of a job in which there was nothing to fix."""
    scene = next(scene for scene in SCENES if scene.folder == "correct")
    return finished(server, encode_png(set_scene(scene)[::2, ::2].copy()), scene.prompt)


def finished(server: str, image: bytes, prompt: str) -> str:
    answer = httpx.post(
        f"{server}/v1/jobs", files={"image": ("picture.png", image)}, data={"prompt": prompt}, timeout=60
    )
    assert answer.status_code == 202, answer.text
    url = f"{server}/v1/jobs/{answer.json()['id']}"
    _until(lambda: httpx.get(url, timeout=60).json()["status"] == "succeeded", "the job to succeed")
    job_id: str = answer.json()["id"]
    return job_id


def _until(holds: object, what: str) -> None:
    assert callable(holds)
    end = time.monotonic() + PATIENCE_MS / 1000
    while not holds():
        assert time.monotonic() < end, f"waited too long for {what}"
        time.sleep(0.1)


@pytest.fixture
def picture_file(misspelt: tuple[bytes, str], tmp_path: Path) -> Path:
    path = tmp_path / "card.png"
    path.write_bytes(misspelt[0])
    return path
