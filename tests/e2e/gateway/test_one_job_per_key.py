"""Several clients send the same submission under the same key at the same moment: one job comes of it, every time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from retoucher_client import RequestRejected, Retoucher, Retrying

ROUNDS = 25
RACERS = 4


def race(racers, act):
    """`act` by each racer at once; what each returned."""
    barrier = threading.Barrier(racers)

    def run(number):
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(run, range(racers)))


def jobs_of(server: str) -> int:
    with Retoucher(server) as client:
        return sum(1 for _ in client.jobs())


def test_raw_requests_on_one_key(idle_server, picture):
    """Every answer is the job, or 409 while the first request is unfinished; all jobs named are the same one."""
    before = jobs_of(idle_server)
    with httpx.Client(base_url=idle_server, timeout=60) as http:
        for number in range(ROUNDS):

            def submit(_, key=f"race-{number}"):
                return http.post(
                    "/v1/jobs",
                    headers={"Idempotency-Key": key},
                    files={"image": ("a.png", picture)},
                    data={"prompt": "a race"},
                )

            answers = race(RACERS, submit)
            accepted = [answer for answer in answers if answer.status_code in (200, 202)]
            refused = [answer for answer in answers if answer.status_code not in (200, 202)]
            assert len({answer.json()["id"] for answer in accepted}) == 1
            assert [answer.headers.get("Idempotent-Replayed") for answer in accepted].count(None) <= 1
            for answer in refused:
                assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
            again = submit(0)
            assert again.json()["id"] == accepted[0].json()["id"] and again.headers["Idempotent-Replayed"] == "true"
    assert jobs_of(idle_server) - before == ROUNDS


@pytest.mark.parametrize("named", [True, False])
def test_clients_that_race_all_get_the_same_job(idle_server, picture, named):
    """The client's own retries turn the 409 into the job."""
    before = jobs_of(idle_server)
    clients = [Retoucher(idle_server, retrying=Retrying(tries=8, first_pause_s=0.05)) for _ in range(RACERS)]
    for number in range(ROUNDS):
        key = f"{'name' if named else 'key'}-{number}"
        which = {"client_id": key} if named else {"idempotency_key": key}
        jobs = race(RACERS, lambda racer, which=which: clients[racer].submit(picture, "a race", **which))
        assert len({job.id for job in jobs}) == 1
    for client in clients:
        client.close()
    assert jobs_of(idle_server) - before == ROUNDS


def test_another_body_under_the_same_key_is_refused(idle_server, picture):
    with Retoucher(idle_server) as client:
        for which in ({"client_id": "taken"}, {"idempotency_key": "taken"}):
            first = client.submit(picture, "a picture", **which)
            assert client.submit(picture, "a picture", **which).id == first.id
            with pytest.raises(RequestRejected) as caught:
                client.submit(picture, "another prompt", **which)
            assert caught.value.code == "idempotency_mismatch"
