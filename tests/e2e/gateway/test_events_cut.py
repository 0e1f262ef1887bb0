"""The client's events over a network that breaks, from a real server: none is lost, none comes twice."""

import pytest
from fakes.cutting_proxy import cutting_proxy

from retoucher_client import Retoucher, Retrying

QUICK = Retrying(first_pause_s=0.01)


@pytest.fixture(scope="module")
def finished(idle_server, picture):
    """A job that has ended, and its events."""
    with Retoucher(idle_server) as client:
        job = client.retouch(picture, "a picture")
        yield job.id, list(client.events(job.id))


def test_events_are_numbered_from_one_and_end(finished):
    _, events = finished
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[-1].type == "job.succeeded" and len(events) >= 4


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
def test_a_stream_cut_anywhere_is_resumed(idle_server, finished, share):
    job_id, events = finished
    size = sum(len(event.model_dump_json()) for event in events)
    cut = max(1, round(share * size))
    with (
        cutting_proxy(idle_server, lambda streams: cut if streams == 0 else None) as proxy,
        Retoucher(proxy, retrying=QUICK) as client,
    ):
        assert list(client.events(job_id)) == events


def test_a_stream_cut_again_and_again_is_resumed(idle_server, finished):
    """Each connection lasts for about one event and a half."""
    job_id, events = finished
    longest = max(len(event.model_dump_json()) for event in events) + 80
    with (
        cutting_proxy(idle_server, lambda streams: round(1.5 * longest)) as proxy,
        Retoucher(proxy, retrying=QUICK) as client,
    ):
        assert list(client.events(job_id)) == events


def test_a_job_is_waited_for_over_a_network_that_breaks(idle_server, picture):
    told = []
    with (
        cutting_proxy(idle_server, lambda streams: 700) as proxy,
        Retoucher(proxy, retrying=QUICK) as client,
    ):
        job = client.retouch(picture, "another picture", on_event=lambda event: told.append(event.seq))
        assert job.status == "succeeded"
    assert told == list(range(1, len(told) + 1))


def test_after_a_number_come_the_later_ones(idle_server, finished):
    job_id, events = finished
    with Retoucher(idle_server) as client:
        assert list(client.events(job_id, after=2)) == events[2:]
        assert list(client.events(job_id, after=len(events))) == []
