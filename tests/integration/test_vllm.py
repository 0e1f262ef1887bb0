"""`retouch` against a real vLLM on the CPU that serves a small reasoner, in an environment of its own."""

import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest
from fakes.vision_server import says
from PIL import Image

from services.cli import main
from services.reasoning.card import ReasonerCalibration
from shared.images import encode_png
from shared.reasoning_settings import ReasoningSettings

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
START_S = 480.0
"""Forty seconds of a core's own; ten times that where others keep the cores busy."""

NO_ROOM = runpy.run_path(str(ROOT / "deploy/vllm/serve_cpu.py"))["complaint"](shutil.disk_usage("/dev/shm").free)
PROMPT = "an empty wall"
BLOCK, OTHER = (90, 60, 140, 100), (10, 10, 40, 40)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PYTHON.is_file(), reason="vLLM has an environment of its own: run `make vllm` first"),
    pytest.mark.skipif(NO_ROOM is not None, reason=str(NO_ROOM)),
]


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grainy wall with a red block, and the mask of a caller who marks it and another place."""
    folder = tmp_path_factory.mktemp("wall")
    pixels = np.random.default_rng(3).normal((150, 146, 138), 4.0, (200, 240, 3))
    mask = np.zeros((200, 240), np.uint8)
    for x0, y0, x1, y1 in (BLOCK, OTHER):
        mask[y0:y1, x0:x1] = 255
    pixels[BLOCK[1] : BLOCK[3], BLOCK[0] : BLOCK[2]] = (200, 40, 40)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / "wall.png")
    Image.fromarray(mask).save(folder / "mask.png")
    return folder


@pytest.fixture(scope="module")
def reasoner(wall: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small Qwen2.5-VL that knows one answer by heart, and a card."""
    from fakes.small_reasoner import teach, write_small_reasoner

    from services.reasoning.prompts import load_prompt
    from services.reasoning.request import Marked, questions
    from shared.contracts.values import Region

    folder = write_small_reasoner(tmp_path_factory.mktemp("reasoner") / "small-vlm")
    x0, y0, x1, y1 = BLOCK
    place = Region(id="r1", box_xyxy_px=BLOCK, mask_ref="m", detector="user", evidence=1.0)
    marked = Marked(place, np.full((y1 - y0, x1 - x0), 255, np.uint8))
    image = np.asarray(Image.open(wall / "wall.png"))
    teach(folder, questions(load_prompt("tiny"), image, PROMPT, [marked])[0], says())
    ReasonerCalibration(
        prompt="tiny", split="none", regions=1, accuracy=0, distorted_recall=0, healthy_recall=0, json_valid=1,
        may_veto=False,
    ).save(folder)  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def server(reasoner: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address, without `/v1`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    arguments = ["--model", reasoner, "--served-model-name", reasoner.name, "--host", "127.0.0.1", "--port", str(port)]
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


def test_it_heeds_the_file_of_settings(reasoner: Path, server: str) -> None:
    """Which allows two pictures; without it any number is taken."""
    picture = encode_png(np.zeros((56, 56, 3), np.uint8))
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64encode(picture).decode()}"}}
    for count, status in ((2, 200), (3, 400)):
        asked = {"messages": [{"role": "user", "content": [part] * count}], "max_tokens": 1, "model": reasoner.name}
        answer = httpx.post(f"{server}/v1/chat/completions", json=asked, timeout=120)
        assert answer.status_code == status, answer.text


def test_retouch_is_told_by_a_model_that_vllm_serves(
    wall: Path, reasoner: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ReasoningSettings.model_fields:
        monkeypatch.delenv(f"RETOUCHER_REASONING_{name.upper()}", raising=False)
    monkeypatch.setenv("RETOUCHER_REASONING_URL", f"{server}/v1")
    monkeypatch.setenv("RETOUCHER_REASONING_MODEL", str(reasoner))
    arguments = ["retouch", str(wall / "wall.png"), "--prompt", PROMPT, "--regions", str(wall / "mask.png")]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--tools", "opencv", "--max-iterations", "1", "--out", str(tmp_path / "out")])
    assert ended.value.code == 0
    record = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    said = {tuple(region["box_xyxy_px"]): region["id"] for region in record["regions"]}
    diagnoses = {one["region_id"]: one for one in record["diagnoses"]}
    assert {one["source"] for one in diagnoses.values()} == {reasoner.name}
    # Of the other place it may say anything that fits the schema; what cannot be used is reported.
    unusable = {warning.partition(":")[0] for warning in record["warnings"] if f"answer of {reasoner.name}" in warning}
    assert set(diagnoses) | unusable == set(said.values()) and len(said) == 2
    block = diagnoses[said[BLOCK]]
    assert block["description"] == json.loads(says())["description"]
    assert block["description"] in (tmp_path / "out" / "report.html").read_text(encoding="utf-8").lower()
    # It says the same of whatever it sees, so its second look refuses the repair.
    assert record["verdicts"] and all(one["rejudged"] and not one["accepted"] for one in record["verdicts"])
    assert _counted(server, "prefix_cache_hits_total") > 0
