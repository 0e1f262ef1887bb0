"""`retouch` against a real vLLM on the CPU that serves the shipped reasoner, in an environment of its own."""

import html
import json
import os
import runpy
import shutil
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fakes.flawed_scene import flawed_scene

from services.cli import main
from services.commands.speed.servers import free_port
from services.reasoning.reasoners import CHECKPOINTS
from shared.images import encode_png
from shared.reasoning_settings import ReasoningSettings

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
START_S = 480.0
"""Forty seconds of a core's own; ten times that where others keep the cores busy."""

NO_ROOM = runpy.run_path(str(ROOT / "deploy/vllm/serve_cpu.py"))["complaint"](shutil.disk_usage("/dev/shm").free)
REASONER = CHECKPOINTS / "reasoner-tiny"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PYTHON.is_file(), reason="vLLM has an environment of its own: run `make vllm` first"),
    pytest.mark.skipif(NO_ROOM is not None, reason=str(NO_ROOM)),
]


@dataclass(frozen=True)
class Drawn:
    """A picture, a mask of some of its places, and its prompt."""

    picture: Path
    mask: Path
    prompt: str


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A scene with flaws of a split that the reasoner never saw, and a caller's mask of where they are."""
    scene, folder = flawed_scene(), tmp_path_factory.mktemp("drawn")
    (folder / "scene.png").write_bytes(scene.picture)
    (folder / "mask.png").write_bytes(scene.marks)
    return Drawn(folder / "scene.png", folder / "mask.png", scene.prompt)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address, without `/v1`."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    arguments = ["--model", REASONER, "--served-model-name", REASONER.name, "--host", "127.0.0.1", "--port", str(port)]
    # One thread, wherever the system puts it: on busy cores several wait for one another.
    threads = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    environment = {**os.environ, **threads, "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PYTHON, ROOT / "deploy/vllm/serve_cpu.py", *arguments], stdout=output, stderr=output, env=environment,
            start_new_session=True,
        )  # fmt: skip
        try:
            until_s = time.monotonic() + START_S
            while not _healthy(address):
                assert process.poll() is None and time.monotonic() < until_s, _told(log)
                time.sleep(0.5)
            yield address
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            # Whatever it left, its engine and workers too.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _told(log: Path) -> str:
    """Its errors, for tracebacks of those who only waited for it come last, and the end."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([*[line for line in lines if "Error: " in line][:10], "...", *lines[-20:]])


def _healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _counted(address: str, name: str) -> float:
    lines = httpx.get(f"{address}/metrics", timeout=30).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"vllm:{name}"))


def retouched(drawn: Drawn, out: Path) -> dict[str, Any]:
    """The record of one round over the marked places."""
    arguments = ["retouch", str(drawn.picture), "--prompt", drawn.prompt, "--regions", str(drawn.mask)]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--tools", "opencv", "--max-iterations", "1", "--out", str(out)])
    assert ended.value.code == 0
    record: dict[str, Any] = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return record


def test_it_heeds_the_file_of_settings(server: str) -> None:
    """Which allows two pictures; without it any number is taken."""
    picture = encode_png(np.zeros((56, 56, 3), np.uint8))
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64encode(picture).decode()}"}}
    for count, status in ((2, 200), (3, 400)):
        asked = {"messages": [{"role": "user", "content": [part] * count}], "max_tokens": 1, "model": REASONER.name}
        answer = httpx.post(f"{server}/v1/chat/completions", json=asked, timeout=120)
        assert answer.status_code == status, answer.text


def test_vllm_says_of_the_shipped_model_what_the_laptop_says(
    drawn: Drawn, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ReasoningSettings.model_fields:
        monkeypatch.delenv(f"RETOUCHER_REASONING_{name.upper()}", raising=False)
    monkeypatch.setenv("RETOUCHER_REASONING_MODEL", REASONER.name)
    here = retouched(drawn, tmp_path / "here")
    monkeypatch.setenv("RETOUCHER_REASONING_URL", f"{server}/v1")
    there = retouched(drawn, tmp_path / "there")
    said = [{one["region_id"]: one for one in record["diagnoses"]} for record in (here, there)]
    assert len(said[0]) >= 2 and said[0].keys() == said[1].keys()
    for own, servers in ((said[0][region], said[1][region]) for region in said[0]):
        assert servers["source"] == REASONER.name and servers["category"] == own["category"]
        assert servers["description"] == own["description"]
    report = html.unescape((tmp_path / "there" / "report.html").read_text(encoding="utf-8")).lower()
    assert all(one["description"].lower() in report for one in said[1].values() if one["distorted"])
    # Both look again at the repair, and refuse one in which they still see the flaw.
    verdicts = [[(one["accepted"], one["rejudged"]) for one in record["verdicts"]] for record in (here, there)]
    assert verdicts[0] == verdicts[1] and (False, True) in verdicts[1]
    assert _counted(server, "prefix_cache_hits_total") > 0
