"""The standalone server as a process: real agents, real SQLite, killed and stopped at any moment."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fakes.server_process import ServerProcess

from services.commands.doctor import sign

PROMPT = 'a shop front with a sign that says "COFFEE HOUSE"'


@pytest.fixture(scope="module")
def picture() -> bytes:
    return sign()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data", log=tmp_path / "log")
    yield server
    server.close()


def submit(server: ServerProcess, picture: bytes, client_id: str) -> httpx.Response:
    return server.client.put(f"/v1/jobs/{client_id}", files={"image": picture}, data={"prompt": PROMPT})


@pytest.mark.slow
def test_a_real_job_from_upload_to_report(server: ServerProcess, picture: bytes) -> None:
    answer = submit(server, picture, "real")  # the models need not be loaded for that
    assert answer.status_code == 202
    with server.client.stream("GET", "/v1/jobs/real/events", timeout=240) as stream:
        types = [line.removeprefix("event: ") for line in stream.iter_lines() if line.startswith("event: ")]
    assert types[0] == "job.started" and types[-1] == "job.succeeded"
    view = server.job("real")
    assert (view["outcome"], view["largest_outside_difference"]) == ("repaired", 0)
    result = server.client.get(view["artifacts"]["result.png"])
    assert result.headers["content-type"] == "image/png" and result.content[:4] == b"\x89PNG"
    report = server.client.get(view["artifacts"]["report.html"])
    assert "COFFEE" in report.text and "sandbox" in report.headers["content-security-policy"]
    assert all(tool["available"] for tool in server.client.get("/v1/tools").json()["tools"])
    assert server.ready().client.get("/readyz").json()["ready"]
    assert server.stop() == 0


@pytest.mark.slow
def test_a_second_server_on_the_same_folder_is_refused(server: ServerProcess, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "services.cli", "serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.splitlines()[-1].startswith("error: another server uses the data folder")


@pytest.mark.slow
def test_a_stop_ends_streams_and_leaves_jobs_to_the_next_start(tmp_path: Path, picture: bytes) -> None:
    server = ServerProcess(tmp_path / "data", log=tmp_path / "log").ready()
    for number in range(3):
        assert submit(server, picture, f"n{number}").status_code == 202
    ended: list[str] = []

    def watch() -> None:
        with httpx.stream("GET", f"{server.url}/v1/jobs/n2/events", timeout=120) as stream:
            ended.append(stream.read().decode())

    watcher = threading.Thread(target=watch)
    watcher.start()
    while not server.client.get("/metrics").text.count("retoucher_event_streams 1.0"):
        time.sleep(0.05)
    assert server.stop() == 0
    watcher.join(60)
    assert ended and "job.succeeded" not in ended[0]
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/livez", timeout=5)
    again = ServerProcess(tmp_path / "data", log=tmp_path / "log")
    try:
        for number in range(3):
            assert again.ended(f"n{number}")["outcome"] == "repaired"
    finally:
        again.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_again_and_again_every_accepted_job_ends_once(tmp_path: Path, picture: bytes) -> None:
    chance = random.Random(20261125)
    data, log = tmp_path / "data", tmp_path / "log"
    accepted: dict[str, str] = {}
    kills = 6
    for life in range(kills):
        server = ServerProcess(data, log=log)
        sending = threading.Event()

        def send(server: ServerProcess = server, life: int = life, sending: threading.Event = sending) -> None:
            for number in range(2):
                try:
                    sending.set()
                    answer = submit(server, picture, f"l{life}-{number}")
                except (httpx.TransportError, RuntimeError):
                    return  # killed before the answer: the client sends the same again, see below
                assert answer.status_code == 202, answer.text
                accepted[f"l{life}-{number}"] = answer.json()["id"]

        if life % 2:
            server.ready()  # half of the lives see jobs being run, the others die while models load
        sender = threading.Thread(target=send)
        sender.start()
        sending.wait()
        time.sleep(chance.uniform(0.0, 4.0 if life % 2 else 1.0))
        server.kill()
        sender.join(60)
    assert accepted
    server = ServerProcess(data, log=log)
    try:
        for life in range(kills):
            for number in range(2):
                name = f"l{life}-{number}"
                made = submit(server, picture, name)
                assert made.status_code == 202
                assert made.json()["id"] == accepted.setdefault(name, made.json()["id"]), "accepted, and then lost"
        views = {name: server.ended(job_id) for name, job_id in accepted.items()}
        assert {view["outcome"] for view in views.values()} == {"repaired"}
        listed = [job["id"] for job in server.client.get("/v1/jobs?limit=100").json()["jobs"]]
        assert sorted(listed) == sorted(accepted.values())
        for view in views.values():
            text = server.client.get(view["urls"]["events"]).text
            assert text.count("event: job.succeeded") == 1 and text.count("event: job.started") == 1
            numbers = [int(line[4:]) for line in text.splitlines() if line.startswith("id: ")]
            assert numbers == list(range(1, len(numbers) + 1))
        assert server.stop() == 0
    finally:
        server.close()
