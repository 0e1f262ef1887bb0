"""`retoucher retouch` on everything that can be wrong with a request: exit code 2, one line, nothing written.

The whole program runs, in this process; the last tests run it as a process of its own.
"""

import io
import os
import signal
import subprocess
import sys
import time
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.cli import main

PROMPT = 'a sign that says "OPEN"'


def png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=options.pop("format", "PNG"), **options)
    return buffer.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def declared(width: int, height: int) -> bytes:
    """A small PNG that declares a size, as a decompression bomb does."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    pixels = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def animated(kind: str) -> bytes:
    return png(noise(64, 64), format=kind, save_all=True, append_images=[noise(64, 64).rotate(90)], duration=100)


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64

BAD_IMAGES = {
    "text": (b"once upon a time there was no image", "is not a PNG, JPEG or WebP"),
    "empty": (b"", "is empty"),
    "gif": (png(noise(64, 64).convert("P"), format="GIF"), "only PNG, JPEG and WebP are read"),
    "heic": (HEIC, "only PNG, JPEG and WebP are read"),
    "truncated png": (png(noise(200, 200))[:-4000], "damaged or cut short"),
    "truncated jpeg": (png(noise(200, 200), format="JPEG")[:-4000], "damaged or cut short"),
    "truncated webp": (png(noise(200, 200), format="WEBP")[:-4000], ""),
    "animated png": (animated("PNG"), "2 frames"),
    "animated webp": (animated("WEBP"), "2 frames"),
    "too small": (png(noise(31, 200)), "at least 32 pixels"),
    "too many pixels": (declared(8000, 4001), "more than 32 megapixels"),
    "a bomb": (declared(60_000, 60_000), "scale it down"),
    "too many bytes": (b"\x89PNG\r\n\x1a\n" + b"\0" * (20 * 2**20), "more than 20 MB"),
}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(png(Image.new("RGB", (160, 120), (90, 120, 140))))
    return path


def refused(capsys, tmp_path: Path, *arguments: str, code: int = 2) -> str:
    """Runs `retoucher retouch …`, checks that it is refused properly, and returns the line on stderr."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as ended:
        main(["retouch", *arguments])
    captured = capsys.readouterr()
    assert ended.value.code == code, captured.err
    assert captured.out == ""
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert ":" in captured.err.removeprefix("error: ")  # what is wrong: what to do
    assert sorted(tmp_path.rglob("*")) == before
    return captured.err


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_bad_images(name, capsys, tmp_path):
    data, words = BAD_IMAGES[name]
    path = tmp_path / "given.png"
    path.write_bytes(data)
    line = refused(capsys, tmp_path, str(path), "--prompt", PROMPT, "--out", str(tmp_path / "out"))
    assert words in line and "given.png" in line


@pytest.mark.parametrize(
    ("given", "words"),
    [("missing.png", "there is no file"), (".", "is a directory"), ("missing/deeper.png", "there is no file")],
)
def test_paths_that_are_no_file(given, words, capsys, tmp_path):
    assert words in refused(capsys, tmp_path, str(tmp_path / given), "--prompt", PROMPT, "--out", str(tmp_path / "out"))


def test_a_pipe_is_not_waited_for(capsys, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    line = refused(capsys, tmp_path, str(tmp_path / "pipe"), "--prompt", PROMPT, "--out", str(tmp_path / "out"))
    assert "no ordinary file" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_without_permission(capsys, tmp_path, picture):
    picture.chmod(0)
    assert "may not be read" in refused(
        capsys, tmp_path, str(picture), "--prompt", PROMPT, "--out", str(tmp_path / "out")
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--prompt", ""], "the prompt is empty"),
        (["--prompt", " \n "], "the prompt is empty"),
        (["--prompt", "x" * 2001], "2001 characters"),
        (["--profile", "huge"], "no profile 'huge': choose one of"),
        (["--tools", "photoshop"], "no tool photoshop: choose among"),
        (["--tools", "retype,photoshop"], "no tool photoshop"),
        (["--tools", ","], "(none)"),
        (["--expected-text", " "], "expected text"),
        (["--expected-text", "x" * 201], "expected text"),
        (["--deadline", "0"], "--deadline"),
        (["--deadline", "-3"], "--deadline"),
        (["--deadline", "nan"], "--deadline"),
        (["--deadline", "99999"], "deadline"),
        (["--seed", str(2**63)], "--seed"),
    ],
)
def test_bad_options(options, words, capsys, tmp_path, picture):
    arguments = [str(picture), "--out", str(tmp_path / "out"), *options]
    if "--prompt" not in options:
        arguments += ["--prompt", PROMPT]
    assert words in refused(capsys, tmp_path, *arguments)


@pytest.mark.parametrize("option", ["--protect", "--regions"])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(Image.new("L", (160, 121), 255)), "160x121, the image 160x120"),
        (png(Image.new("L", (160, 120), 0)), "black all over"),
        (b"no mask at all, but long enough", "is not a PNG, JPEG or WebP"),
        (b"", "is empty"),
        (None, "there is no file"),
    ],
)
def test_bad_masks(option, data, words, capsys, tmp_path, picture):
    mask = tmp_path / "mask.png"
    if data is not None:
        mask.write_bytes(data)
    line = refused(
        capsys, tmp_path, str(picture), "--prompt", PROMPT, "--out", str(tmp_path / "out"), option, str(mask)
    )
    assert words in line and "mask" in line


@pytest.mark.parametrize("place", ["taken", "file", "file/below"])
def test_output_that_cannot_be_written(place, capsys, tmp_path, picture):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("x")
    line = refused(capsys, tmp_path, str(picture), "--prompt", PROMPT, "--out", str(tmp_path / place))
    assert "choose another --out" in line
    assert (tmp_path / "taken" / "notes.txt").read_text() == "mine"


def run_process(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "services.cli", "retouch", *arguments]
    # A shell starts what it runs in the background deaf to Ctrl-C, and the process would inherit that.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd(), preexec_fn=heed
    )


def test_as_a_process_of_its_own(tmp_path):
    process = run_process(str(tmp_path / "no.png"), "--prompt", PROMPT, "--out", str(tmp_path / "out"))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == "" and err == f"error: there is no file {tmp_path / 'no.png'}: check the path of the image\n"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_fails_with_one_line(tmp_path, picture):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        process = run_process(str(picture), "--prompt", "a blue square", "--out", str(disk / "out"))
        _, err = process.communicate(timeout=120)
        left = list(disk.iterdir())
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    assert process.returncode == 1
    assert err.splitlines()[-1].startswith("error: the disk of ")
    assert "Traceback" not in err
    assert left == []


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    image = tmp_path / "large.png"
    image.write_bytes(png(noise(2000, 1500)))
    process = run_process(str(image), "--prompt", PROMPT, "--out", str(tmp_path / "results" / "out"))
    results = tmp_path / "results"
    waited_until = time.monotonic() + 60
    while not results.exists() and process.poll() is None and time.monotonic() < waited_until:
        time.sleep(0.02)
    assert results.exists(), process.communicate()
    process.send_signal(2)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == "" and err.splitlines()[-1] == "interrupted: nothing was written" and "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["large.png"]
