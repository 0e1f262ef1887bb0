"""What a killed worker held is taken up by another within 20 s, with the lease of production: the promise itself.

A lease of 10 s and the sweeper's half second leave nine seconds for a machine that is busy with other things.
"""

import time

import pytest
from fakes.installation import Installation

from shared.contracts.leases import LeaseRules

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("told")]

PROMISED_S = 20.0


def test_the_work_of_a_killed_worker_is_begun_by_another_in_time(tmp_path_factory: pytest.TempPathFactory) -> None:
    roles = ("orchestrator", "perception", "perception", "sweeper")
    rules = LeaseRules()
    with Installation(tmp_path_factory.mktemp("two"), lease_s=rules.lease_s, roles=roles) as installation:
        killing = installation.submit("kill", "perceive", times=1)
        begun_s = first_seen(installation, killing, times=1)
        recovered_s = first_seen(installation, killing, times=2) - begun_s
        assert installation.deaths[("perception", -9)] == 1
    assert rules.lease_s / 2 < recovered_s <= PROMISED_S


def first_seen(installation: Installation, job_id: str, times: int, within_s: float = 120.0) -> float:
    """When the first step of the job had been begun so often."""
    give_up_at = time.monotonic() + within_s
    while installation.calls().get((job_id, 1), 0) < times:
        assert time.monotonic() < give_up_at, "the work is not begun again"
        time.sleep(0.05)
    return time.monotonic()
