"""The probe port: alive, ready, metrics, and what it says when it is not so."""

import json

import pytest
import urllib3
from prometheus_client import CollectorRegistry, Counter

from shared.errors import Unavailable
from shared.probes import Probes


def get(probes: Probes, path: str) -> tuple[int, bytes]:
    response = urllib3.PoolManager(retries=False).request("GET", f"http://127.0.0.1:{probes.port}{path}")
    return response.status, response.data


def test_ready_once_it_is_said_and_alive_while_its_checks_are() -> None:
    alive = [True]
    probes = Probes(CollectorRegistry(), 0, "127.0.0.1", live={"heart": lambda: alive[0]})
    assert get(probes, "/readyz") == (503, b'{"ready": false, "checks": {}}')
    probes.ready.set()
    assert get(probes, "/readyz?now")[0] == 200
    assert json.loads(get(probes, "/livez")[1]) == {"live": True, "checks": {"heart": True}}
    alive[0] = False
    assert get(probes, "/livez")[0] == 503
    assert get(probes, "/")[0] == 404
    probes.close()


def test_metrics_are_those_of_the_registry() -> None:
    registry = CollectorRegistry()
    Counter("retoucher_things", "Things.", registry=registry).inc(3)
    probes = Probes(registry, 0, "127.0.0.1")
    status, body = get(probes, "/metrics")
    assert status == 200
    assert b"retoucher_things_total 3.0" in body
    probes.close()


def test_a_port_that_is_taken_is_said_in_a_sentence() -> None:
    probes = Probes(CollectorRegistry(), 0, "127.0.0.1")
    with pytest.raises(Unavailable, match="choose another probe port"):
        Probes(CollectorRegistry(), probes.port, "127.0.0.1")
    probes.close()
