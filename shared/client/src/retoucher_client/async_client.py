"""The asynchronous client: moves bytes with httpx; what to ask and what follows is in `routes` and `calling`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar

import httpx

from retoucher_client import routes
from retoucher_client.api import ImageSource, LocalSource, Options
from retoucher_client.calling import Calling, OnEvent
from retoucher_client.effects import Effect, Emit, Flow, HangUp, Hear, Listen, Lost, Pause, Reply, Send
from retoucher_client.job import AsyncJob
from retoucher_client.models import Category, Delivery, Event, Feedback, JobView, Tools, Upload
from retoucher_client.retrying import Retrying
from retoucher_client.wire import LOST, lost, prepared, reply_of, settings_of

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

_Result = TypeVar("_Result")


class AsyncRetoucher:
    """A server, in an event loop. Arguments, methods and errors are those of `Retoucher`, to be awaited."""

    def __init__(
        self,
        server: str,
        api_key: str | None = None,
        *,
        timeout_s: float = 60.0,
        retrying: Retrying = Retrying(),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**settings_of(server, api_key, timeout_s), transport=transport)
        self._calling = Calling(server, retrying)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def retouch(
        self,
        image: ImageSource,
        prompt: str,
        *,
        timeout_s: float | None = None,
        on_event: OnEvent | None = None,
        **options: Unpack[Options],
    ) -> AsyncJob:
        """Submits an image and waits for its result."""
        job = await self.submit(image, prompt, **options)
        return (await self.wait(job.id, timeout_s=timeout_s, on_event=on_event)).require_success()

    async def submit(
        self,
        image: ImageSource,
        prompt: str,
        *,
        client_id: str | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> AsyncJob:
        """Submits an image and returns the queued job."""
        flow = routes.submit(
            self._calling, image, prompt, options, client_id=client_id, idempotency_key=idempotency_key
        )
        return self._bound(await self._run(flow))

    async def get(self, job_id: str) -> AsyncJob:
        """The job as it stands."""
        return self._bound(await self._run(self._calling.job(job_id)))

    async def wait(self, job_id: str, *, timeout_s: float | None = None, on_event: OnEvent | None = None) -> AsyncJob:
        """The job once it has ended, whichever way."""
        return self._bound(await self._run(self._calling.wait(job_id, timeout_s, on_event)))

    def events(self, job_id: str, *, after: int = 0) -> AsyncIterator[Event]:
        """The job's events with a higher number than `after`, as they happen, until its last."""
        return self._iterate(self._calling.events(job_id, after))

    async def jobs(self, *, status: str | None = None, page_size: int = 50) -> AsyncIterator[AsyncJob]:
        """All jobs of this key, newest first; the next page is asked for when it is needed."""
        async for view in self._iterate(self._calling.pages(status, page_size)):
            yield self._bound(view)

    async def cancel(self, job_id: str) -> AsyncJob:
        """Asks the job to stop; one that has ended stays as it is."""
        return self._bound(await self._run(routes.cancel(self._calling, job_id)))

    async def delete(self, job_id: str) -> None:
        """Removes the job with its images and events."""
        await self._run(routes.delete(self._calling, job_id))

    async def artifact(self, job_id: str, name: str) -> bytes:
        """An artifact, `result.png` or `masks/r1.png` say."""
        return await self._run(routes.artifact(self._calling, job_id, name))

    async def save_artifact(self, job_id: str, name: str, path: str | PathLike[str]) -> Path:
        """Writes an artifact to a file, whole or not at all, without holding it in memory."""
        with routes.whole_file(Path(path)) as sink:
            await self._run(routes.save_artifact(self._calling, job_id, name, sink))
        return Path(path)

    async def upload(self, image: LocalSource) -> Upload:
        """Leaves an image with the server, to be submitted later or several times."""
        return await self._run(routes.upload(self._calling, image))

    async def deliveries(self, job_id: str) -> tuple[Delivery, ...]:
        """The job's webhooks and how their delivery went."""
        return (await self._run(routes.deliveries(self._calling, job_id))).deliveries

    async def replay(self, job_id: str, delivery_id: str) -> None:
        """Asks for one more try of a webhook."""
        await self._run(routes.replay(self._calling, job_id, delivery_id))

    async def feedback(
        self, job_id: str, region_id: str, verdict: Literal["accept", "reject"], comment: str = ""
    ) -> Feedback:
        """Says whether a region's repair is good."""
        return await self._run(routes.feedback(self._calling, job_id, region_id, verdict, comment))

    async def missed(
        self, job_id: str, box_xyxy_px: Sequence[int], *, category: str | None = None, comment: str = ""
    ) -> Feedback:
        """Says where a flaw was not seen."""
        return await self._run(routes.missed(self._calling, job_id, box_xyxy_px, category, comment))

    async def take_back(self, job_id: str, feedback_id: str) -> None:
        """Takes back what was said; of a region, its id names it."""
        await self._run(routes.take_back(self._calling, job_id, feedback_id))

    async def tools(self) -> Tools:
        """What the server can repair with."""
        return await self._run(routes.tools(self._calling))

    async def categories(self) -> tuple[Category, ...]:
        """The kinds of distortion that the server tells apart."""
        return (await self._run(routes.categories(self._calling))).categories

    def _bound(self, view: JobView) -> AsyncJob:
        return AsyncJob.of(view, self)

    async def _run(self, flow: Flow[_Result]) -> _Result:
        line, answer = _Line(self._http), None
        try:
            while True:
                answer = await line.perform(flow.send(answer))
        except StopIteration as end:
            result: _Result = end.value
            return result
        finally:
            await line.hang_up()

    async def _iterate(self, flow: Flow[None]) -> AsyncIterator[Any]:
        line, answer = _Line(self._http), None
        try:
            while True:
                effect = flow.send(answer)
                answer = None
                if isinstance(effect, Emit):
                    yield effect.item
                else:
                    answer = await line.perform(effect)
        except StopIteration:
            return
        finally:
            await line.hang_up()


class _Line:
    """Performs effects, one after the other, and holds the open stream between them."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._stream: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    async def perform(self, effect: Effect) -> Reply | Lost | bytes | None:
        """What came of it."""
        match effect:
            case Send(request, sink):
                with prepared(self._http, request) as ready:
                    return await self._answer(ready, sink)
            case Listen(request, silence_s):
                with prepared(self._http, request, silence_s) as ready:
                    return await self._answer(ready, keep=True)
            case Hear():
                try:
                    return await anext(self._chunks, b"") if self._chunks is not None else b""
                except LOST as error:
                    return lost(error)
            case HangUp():
                await self.hang_up()
            case Pause(seconds):
                await asyncio.sleep(seconds)
        return None

    async def _answer(self, ready: httpx.Request, sink: BinaryIO | None = None, *, keep: bool = False) -> Reply | Lost:
        try:
            response = await self._http.send(ready, stream=True)
            if keep and response.is_success:
                self._stream, self._chunks = response, response.aiter_bytes()
                return reply_of(response)
            try:
                if sink is None or not response.is_success:
                    return reply_of(response, await response.aread())
                async for chunk in response.aiter_bytes():
                    sink.write(chunk)
                return reply_of(response)
            finally:
                await response.aclose()
        except LOST as error:
            return lost(error)

    async def hang_up(self) -> None:
        """Closes the stream, if one is open."""
        if self._stream is not None:
            await self._stream.aclose()
            self._stream, self._chunks = None, None
