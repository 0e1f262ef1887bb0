"""Waiting by events, flow by flow: what is asked, after which event, and when it gives up. No socket, no sleeping."""

import json
from dataclasses import dataclass, field

import pytest

from retoucher_client import ConnectionFailed, RequestRejected, Retrying, ServerFailed, WaitTimeout
from retoucher_client.calling import SILENCE_S, Calling
from retoucher_client.effects import Emit, HangUp, Hear, Listen, Lost, Pause, Reply, Send

OPEN = Reply(200, {})
END = b""
BEAT = b": beat\n\n"


def event(seq: int, kind: str = "stage.started") -> bytes:
    data = json.dumps({"seq": seq, "job_id": "job_1", "type": kind, "at_s": 1.0, "data": {}})
    return f"id: {seq}\nevent: {kind}\ndata: {data}\n\n".encode()


def job(status: str) -> Reply:
    return Reply(200, {}, json.dumps({"id": "job_1", "status": status}).encode())


@dataclass
class Driver:
    """Answers effects from a script; time passes only by pauses and by what the script says."""

    script: list
    now_s: float = 0.0
    asked: list = field(default_factory=list)
    heard: list = field(default_factory=list)
    pauses_s: list = field(default_factory=list)
    open: bool = False

    def run(self, flow):
        answer = None
        try:
            while True:
                answer = self.perform(flow.send(answer))
        except StopIteration as end:
            return end.value

    def perform(self, effect):
        if isinstance(effect, Emit):
            self.heard.append(effect.item.seq)
        elif isinstance(effect, Pause):
            self.pauses_s.append(effect.seconds)
            self.now_s += effect.seconds
        elif isinstance(effect, HangUp):
            assert self.open
            self.open = False
        elif isinstance(effect, Hear):
            assert self.open
            return self.next_answer()
        else:
            assert isinstance(effect, Send | Listen) and not self.open
            self.asked.append((effect.request.path, effect.request.headers.get("Last-Event-ID")))
            answer = self.next_answer()
            self.open = isinstance(effect, Listen) and isinstance(answer, Reply) and answer.ok
            return answer
        return None

    def next_answer(self):
        answer = self.script.pop(0)
        if isinstance(answer, float):
            self.now_s += answer
            return self.next_answer()
        return answer

    def calling(self, tries: int = 3) -> Calling:
        retrying = Retrying(tries=tries, first_pause_s=1.0)
        return Calling("http://server", retrying, clock=lambda: self.now_s, chance=lambda: 0.0)


EVENTS, JOB = "v1/jobs/job_1/events", "v1/jobs/job_1"


def test_events_until_the_last():
    driver = Driver([OPEN, event(1), BEAT + event(2), event(3, "job.succeeded")])
    driver.run(driver.calling().events("job_1", 0))
    assert driver.heard == [1, 2, 3]
    assert driver.asked == [(EVENTS, "0")] and not driver.open


def test_a_cut_stream_goes_on_after_the_last_whole_event_without_doubles():
    driver = Driver(
        [
            *(OPEN, event(1), event(2) + event(3)[:20], Lost("reset")),
            *(Lost("refused"),),
            *(OPEN, event(2) + event(3), event(4, "job.failed")),
        ]
    )
    driver.run(driver.calling().events("job_1", 0))
    assert driver.heard == [1, 2, 3, 4]
    assert [after for _, after in driver.asked] == ["0", "2", "2"]
    assert driver.pauses_s == [1.0, 2.0]


def test_progress_renews_the_patience():
    cut = [OPEN, BEAT, Lost("reset")]
    driver = Driver([*cut * 9, OPEN, event(1, "job.canceled")])
    driver.run(driver.calling(tries=2).events("job_1", 0))
    assert driver.heard == [1] and driver.pauses_s == [1.0] * 9


def test_it_gives_up_where_nothing_is_heard():
    driver = Driver([Lost("refused")] * 3)
    with pytest.raises(ConnectionFailed, match="no answer from http://server \\(refused\\): check"):
        driver.run(driver.calling().events("job_1", 0))
    assert driver.pauses_s == [1.0, 2.0]


def test_a_refusal_is_raised_at_once_and_a_passing_one_is_waited_for():
    with pytest.raises(RequestRejected):
        driver = Driver([Reply(404, {}, b"{}")])
        driver.run(driver.calling().events("job_1", 0))
    driver = Driver([Reply(503, {"retry-after": "5"}), OPEN, event(1, "job.succeeded")])
    driver.run(driver.calling().events("job_1", 0))
    assert driver.pauses_s == [5.0]


def test_a_server_that_goes_down_properly_is_asked_again():
    driver = Driver([OPEN, event(1), END, job("running"), OPEN, event(2, "job.succeeded")])
    driver.run(driver.calling().events("job_1", 0))
    assert driver.heard == [1, 2] and [path for path, _ in driver.asked] == [EVENTS, JOB, EVENTS]


def test_after_the_last_event_there_is_nothing():
    driver = Driver([OPEN, END, job("succeeded")])
    driver.run(driver.calling().events("job_1", 9))
    assert driver.heard == []


def test_wait_returns_the_job_and_tells_each_event():
    told = []
    driver = Driver([OPEN, event(1), event(2, "job.succeeded"), job("succeeded")])
    view = driver.run(driver.calling().wait("job_1", None, lambda item: told.append(item.type)))
    assert view.status == "succeeded" and told == ["stage.started", "job.succeeded"]


def test_the_wait_is_bounded_though_heartbeats_come():
    driver = Driver([OPEN, 15.0, BEAT, OPEN, 5.0, Lost("silence")])
    with pytest.raises(WaitTimeout, match="job_1 has not ended within 20 s") as caught:
        driver.run(driver.calling().wait("job_1", 20.0, None))
    assert driver.now_s == 20.0 and not driver.open and caught.value.job_id == "job_1"


def test_the_wait_is_bounded_though_events_come():
    driver = Driver([OPEN, 3.0, event(1), 4.0, event(2)])
    with pytest.raises(WaitTimeout):
        driver.run(driver.calling().wait("job_1", 6.0, None))


def test_a_silent_connection_is_taken_for_dead_after_a_while():
    flow = Calling("http://server").events("job_1", 0)
    assert flow.send(None).silence_s == SILENCE_S
    flow = Calling("http://server", clock=lambda: 0.0).events("job_1", 0, 7.0)
    assert flow.send(None).silence_s == 7.0


def test_another_servers_answer_is_said():
    driver = Driver([OPEN, b"data: hello\n\n"])
    with pytest.raises(ServerFailed, match="no event: check that the address"):
        driver.run(driver.calling().events("job_1", 0))
    driver = Driver([Reply(200, {}, b"<html>")])
    with pytest.raises(ServerFailed, match="no JobView"):
        driver.run(driver.calling().job("job_1"))
