"""The synchronous client: moves bytes with httpx; what to ask and what follows is in `routes` and `calling`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar

import httpx

from retoucher_client import routes
from retoucher_client.api import ImageSource, LocalSource, Options
from retoucher_client.calling import Calling, OnEvent
from retoucher_client.effects import Effect, Emit, Flow, HangUp, Hear, Listen, Lost, Pause, Reply, Send
from retoucher_client.job import Job
from retoucher_client.models import Category, Delivery, Event, Feedback, JobView, Tools, Upload
from retoucher_client.retrying import Retrying
from retoucher_client.wire import LOST, lost, prepared, reply_of, settings_of

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

_Result = TypeVar("_Result")


class Retoucher:
    """A server, for one thread or many.

    Args:
        server: its address, `https://retoucher.example.org` say.
        api_key: `rt_…`; None where the server asks for none. It is sent to that server alone and never logged.
        timeout_s: of one answer; a wait for a job is not bounded by it.
        retrying: what is tried again, and how often.
        transport: of httpx, for proxies and certificates of your own.

    Raises:
        ValueError: the address or the key cannot be used.
    """

    def __init__(
        self,
        server: str,
        api_key: str | None = None,
        *,
        timeout_s: float = 60.0,
        retrying: Retrying = Retrying(),
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(**settings_of(server, api_key, timeout_s), transport=transport)
        self._calling = Calling(server, retrying)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def retouch(
        self,
        image: ImageSource,
        prompt: str,
        *,
        timeout_s: float | None = None,
        on_event: OnEvent | None = None,
        **options: Unpack[Options],
    ) -> Job:
        """Submits an image and waits for its result.

        Args:
            image: a path, an `https://` address, the encoded bytes, or an upload.
            prompt: that the image was made from.
            timeout_s: to wait at the most; the job goes on after that.
            on_event: called with each event as it happens.
            options: see `Options`.

        Raises:
            JobFailed: it ended without a result.
            WaitTimeout: it has not ended in time.
            ApiError, ConnectionFailed: see there.
        """
        job = self.submit(image, prompt, **options)
        return self.wait(job.id, timeout_s=timeout_s, on_event=on_event).require_success()

    def submit(
        self,
        image: ImageSource,
        prompt: str,
        *,
        client_id: str | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> Job:
        """Submits an image and returns the queued job; tried again safely, for the same key is the same job.

        Args:
            image: as of `retouch`.
            prompt: as of `retouch`.
            options: as of `retouch`.
            client_id: your own name for the job, `[A-Za-z0-9_-]{1,64}`, good in place of its id from then on.
            idempotency_key: of your own; without one (and without a name) a new one is made.
        """
        flow = routes.submit(
            self._calling, image, prompt, options, client_id=client_id, idempotency_key=idempotency_key
        )
        return self._bound(self._run(flow))

    def get(self, job_id: str) -> Job:
        """The job as it stands."""
        return self._bound(self._run(self._calling.job(job_id)))

    def wait(self, job_id: str, *, timeout_s: float | None = None, on_event: OnEvent | None = None) -> Job:
        """The job once it has ended, whichever way."""
        return self._bound(self._run(self._calling.wait(job_id, timeout_s, on_event)))

    def events(self, job_id: str, *, after: int = 0) -> Iterator[Event]:
        """The job's events with a higher number than `after`, as they happen, until its last."""
        return self._iterate(self._calling.events(job_id, after))

    def jobs(self, *, status: str | None = None, page_size: int = 50) -> Iterator[Job]:
        """All jobs of this key, newest first; the next page is asked for when it is needed."""
        return (self._bound(view) for view in self._iterate(self._calling.pages(status, page_size)))

    def cancel(self, job_id: str) -> Job:
        """Asks the job to stop; one that has ended stays as it is."""
        return self._bound(self._run(routes.cancel(self._calling, job_id)))

    def delete(self, job_id: str) -> None:
        """Removes the job with its images and events."""
        self._run(routes.delete(self._calling, job_id))

    def artifact(self, job_id: str, name: str) -> bytes:
        """An artifact, `result.png` or `masks/r1.png` say."""
        return self._run(routes.artifact(self._calling, job_id, name))

    def save_artifact(self, job_id: str, name: str, path: str | PathLike[str]) -> Path:
        """Writes an artifact to a file, whole or not at all, without holding it in memory."""
        with routes.whole_file(Path(path)) as sink:
            self._run(routes.save_artifact(self._calling, job_id, name, sink))
        return Path(path)

    def upload(self, image: LocalSource) -> Upload:
        """Leaves an image with the server, to be submitted later or several times."""
        return self._run(routes.upload(self._calling, image))

    def deliveries(self, job_id: str) -> tuple[Delivery, ...]:
        """The job's webhooks and how their delivery went."""
        return self._run(routes.deliveries(self._calling, job_id)).deliveries

    def replay(self, job_id: str, delivery_id: str) -> None:
        """Asks for one more try of a webhook."""
        self._run(routes.replay(self._calling, job_id, delivery_id))

    def feedback(
        self, job_id: str, region_id: str, verdict: Literal["accept", "reject"], comment: str = ""
    ) -> Feedback:
        """Says whether a region's repair is good."""
        return self._run(routes.feedback(self._calling, job_id, region_id, verdict, comment))

    def missed(
        self, job_id: str, box_xyxy_px: Sequence[int], *, category: str | None = None, comment: str = ""
    ) -> Feedback:
        """Says where a flaw was not seen."""
        return self._run(routes.missed(self._calling, job_id, box_xyxy_px, category, comment))

    def take_back(self, job_id: str, feedback_id: str) -> None:
        """Takes back what was said; of a region, its id names it."""
        self._run(routes.take_back(self._calling, job_id, feedback_id))

    def tools(self) -> Tools:
        """What the server can repair with."""
        return self._run(routes.tools(self._calling))

    def categories(self) -> tuple[Category, ...]:
        """The kinds of distortion that the server tells apart."""
        return self._run(routes.categories(self._calling)).categories

    def _bound(self, view: JobView) -> Job:
        return Job.of(view, self)

    def _run(self, flow: Flow[_Result]) -> _Result:
        line, answer = _Line(self._http), None
        try:
            while True:
                answer = line.perform(flow.send(answer))
        except StopIteration as end:
            result: _Result = end.value
            return result
        finally:
            line.hang_up()

    def _iterate(self, flow: Flow[None]) -> Iterator[Any]:
        line, answer = _Line(self._http), None
        try:
            while True:
                effect = flow.send(answer)
                answer = None
                if isinstance(effect, Emit):
                    yield effect.item
                else:
                    answer = line.perform(effect)
        except StopIteration:
            return
        finally:
            line.hang_up()


class _Line:
    """Performs effects, one after the other, and holds the open stream between them."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._stream: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def perform(self, effect: Effect) -> Reply | Lost | bytes | None:
        """What came of it."""
        match effect:
            case Send(request, sink):
                with prepared(self._http, request) as ready:
                    return self._answer(ready, sink)
            case Listen(request, silence_s):
                with prepared(self._http, request, silence_s) as ready:
                    return self._answer(ready, keep=True)
            case Hear():
                try:
                    return next(self._chunks, b"")
                except LOST as error:
                    return lost(error)
            case HangUp():
                self.hang_up()
            case Pause(seconds):
                time.sleep(seconds)
        return None

    def _answer(self, ready: httpx.Request, sink: BinaryIO | None = None, *, keep: bool = False) -> Reply | Lost:
        try:
            response = self._http.send(ready, stream=True)
            if keep and response.is_success:
                self._stream, self._chunks = response, response.iter_bytes()
                return reply_of(response)
            try:
                if sink is None or not response.is_success:
                    return reply_of(response, response.read())
                for chunk in response.iter_bytes():
                    sink.write(chunk)
                return reply_of(response)
            finally:
                response.close()
        except LOST as error:
            return lost(error)

    def hang_up(self) -> None:
        """Closes the stream, if one is open."""
        if self._stream is not None:
            self._stream.close()
            self._stream, self._chunks = None, iter(())
