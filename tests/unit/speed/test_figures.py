"""Percentiles, and a reader that does not spare a server that stalls."""

import time

import pytest
from fakes.small_server import Answer, small_server
from hypothesis import given
from hypothesis import strategies as st

from services.commands.speed.figures import latency, percentile
from services.commands.speed.reading import EVERY_S, Reader


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.001, 1)],
)
def test_nearest_rank_of_a_hundred(share, value):
    assert percentile(list(range(100, 0, -1)), share) == value


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)


def test_milliseconds():
    row = latency("GET", [0.001, 0.003])
    assert (row.count, row.p50_ms, row.worst_ms) == (2, 1.0, 3.0)


def test_a_stall_counts_for_every_read_that_was_due():
    """The server answers nothing for a second: all reads due then are late, not the few that happened to be asked."""
    begin_s = time.perf_counter()
    stall_s = begin_s + 0.5

    def answer(asked, count):
        now_s = time.perf_counter()
        if stall_s < now_s < stall_s + 1.0:
            time.sleep(stall_s + 1.0 - now_s)
        return Answer(200, b"{}")

    with small_server(answer) as server:
        reader = Reader(f"{server.url}/v1/jobs/job_1")
        with reader.reading():
            time.sleep(2.0)
    assert not reader.failures
    late = [seconds for seconds in reader.seconds if seconds > 0.2]
    assert len(late) >= 0.5 * (0.8 / EVERY_S)  # 0.8 s of the stall; half of it, for a busy machine


def test_what_is_no_200_is_a_failure():
    with small_server(lambda asked, count: Answer(503)) as server:
        reader = Reader(server.url + "/livez")
        with reader.reading():
            time.sleep(0.3)
    assert reader.failures and set(reader.failures) == {"status 503"}
