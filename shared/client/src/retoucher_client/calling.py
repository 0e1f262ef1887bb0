"""What follows on what: retries, pages, and waiting for a job by its events. Shared by both clients, without any IO.

Each function is a flow (see `effects.py`). A stream that breaks is opened again after the last event that was heard, so
that none is lost and none comes twice.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from retoucher_client.api import ApiRequest, job_path
from retoucher_client.effects import Emit, Flow, HangUp, Hear, Listen, Lost, Pause, Reply, Send, problem_of
from retoucher_client.errors import ConnectionFailed, ServerFailed, WaitTimeout
from retoucher_client.models import Event, JobPage, JobView
from retoucher_client.retrying import Retrying
from retoucher_client.sse import EventStream

SILENCE_S = 45.0
"""A stream is taken for dead after three heartbeats (one every 15 s) that did not come."""

Answer = TypeVar("Answer", bound=BaseModel)
OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Calling:
    """How calls are made: with what patience, against which clock (seconds, any origin), with what chance in [0, 1)."""

    server: str
    retrying: Retrying = Retrying()
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def exchange(self, request: ApiRequest, sink: BinaryIO | None = None) -> Flow[Reply]:
        """One request with its retries; returns a success or raises."""
        tried = 0
        while True:
            if sink is not None:
                sink.seek(0)
                sink.truncate()
            heard = yield Send(request, sink)
            tried += 1
            if isinstance(heard, Reply) and heard.ok:
                return heard
            pause_s = self.retrying.pause_s(heard, tried, repeatable=request.repeatable, chance=self.chance())
            if pause_s is None:
                raise self._given_up(heard)
            yield Pause(pause_s)

    def ask(self, kind: type[Answer], request: ApiRequest) -> Flow[Answer]:
        """One request whose answer is a `kind`."""
        reply = yield from self.exchange(request)
        return parsed(kind, reply)

    def job(self, job_id: str) -> Flow[JobView]:
        """The job as it stands."""
        return (yield from self.ask(JobView, ApiRequest("GET", job_path(job_id))))

    def pages(self, status: str | None, page_size: int) -> Flow[None]:
        """Emits each of the caller's jobs, newest first, a page at a time."""
        params = {"limit": str(page_size), **({"status": status} if status else {})}
        while True:
            page = yield from self.ask(JobPage, ApiRequest("GET", "v1/jobs", params=params))
            for view in page.jobs:
                yield Emit(view)
            if page.next_cursor is None:
                return
            params = {**params, "cursor": page.next_cursor}

    def wait(self, job_id: str, timeout_s: float | None, on_event: OnEvent | None) -> Flow[JobView]:
        """The job once it has ended; each event goes to `on_event` first."""
        events = self.events(job_id, 0, timeout_s)
        answer = None
        while True:
            try:
                effect = events.send(answer)
            except StopIteration:
                break
            answer = None
            if not isinstance(effect, Emit):
                answer = yield effect
            elif on_event is not None:
                on_event(effect.item)
        return (yield from self.job(job_id))

    def events(self, job_id: str, after: int, timeout_s: float | None = None) -> Flow[None]:
        """Emits each event with a higher number than `after`, until the job's last one."""
        until = math.inf if timeout_s is None else self.clock() + timeout_s
        listening = _Listening(job_id, after)
        failures = 0
        while True:
            left_s = until - self.clock()
            if left_s <= 0:
                raise WaitTimeout(job_id, timeout_s or 0.0)
            heard = yield from self._listen(listening, min(SILENCE_S, left_s), until)
            if listening.done:
                return
            if listening.hung_up or self.clock() >= until:
                continue
            if heard is None:
                # A proper end without a last event: that one came before `after`, or the server is going down.
                if (yield from self.job(job_id)).ended and not listening.heard:
                    return
                heard = Lost("the stream of events ended before the job did")
            failures = 1 if listening.heard else failures + 1
            pause_s = self.retrying.pause_s(heard, failures, repeatable=True, chance=self.chance())
            if pause_s is None:
                raise self._given_up(heard)
            yield Pause(max(0.0, min(pause_s, until - self.clock())))

    def _listen(self, listening: _Listening, silence_s: float, until: float) -> Flow[Reply | Lost | None]:
        """One connection, and how it ended: refused, lost, or (None) properly or by us."""
        listening.heard = listening.hung_up = False
        opened: Reply | Lost = yield Listen(listening.request(), silence_s)
        if isinstance(opened, Lost) or not opened.ok:
            return opened
        stream = EventStream()
        while True:
            chunk: bytes | Lost = yield Hear()
            if isinstance(chunk, Lost) or not chunk:
                yield HangUp()
                return chunk or None
            listening.heard = True
            messages = stream.feed(chunk)
            for message in messages:
                event = listening.event(message.data)
                if event is not None:
                    yield Emit(event)
            # Heartbeats must not carry the wait past its end: the next connection is told how little time is left.
            left_s = until - self.clock()
            listening.hung_up = left_s <= 0 or (not messages and left_s < silence_s)
            if listening.done or listening.hung_up:
                yield HangUp()
                return None

    def _given_up(self, heard: Reply | Lost) -> Exception:
        if isinstance(heard, Reply):
            return problem_of(heard)
        return ConnectionFailed(f"no answer from {self.server} ({heard.reason}): check the address and the server")


@dataclass
class _Listening:
    """How far the events of a job have been heard; `heard` and `hung_up` are of the last connection."""

    job_id: str
    after: int
    done: bool = False
    heard: bool = False
    hung_up: bool = False

    def request(self) -> ApiRequest:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self.after)}
        return ApiRequest("GET", job_path(self.job_id, "events"), headers=headers)

    def event(self, data: str) -> Event | None:
        """The event, unless it was heard before."""
        try:
            event = Event.model_validate_json(data)
        except ValidationError as error:
            raise unintelligible("event") from error
        if event.seq <= self.after:
            return None
        self.after = event.seq
        self.done = event.last
        return event


def parsed(kind: type[Answer], reply: Reply) -> Answer:
    """The body as a `kind`.

    Raises:
        ServerFailed: it is something else; the address is another server's, say.
    """
    try:
        return kind.model_validate(json.loads(reply.body))
    except ValueError as error:
        raise unintelligible(kind.__name__, reply.status) from error


def unintelligible(what: str, status: int = 200) -> ServerFailed:
    """The server does not speak this API."""
    message = f"the server's answer is no {what}: check that the address is an Agentic Retoucher's"
    return ServerFailed(status, "", message, retryable=False)
