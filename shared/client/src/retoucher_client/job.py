"""A job with the client that it came from, so that its result is one call away."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import PrivateAttr

from retoucher_client.calling import OnEvent
from retoucher_client.errors import JobFailed
from retoucher_client.models import JobView

if TYPE_CHECKING:
    from typing_extensions import Self

    from retoucher_client.async_client import AsyncRetoucher
    from retoucher_client.client import Retoucher

RESULT = "result.png"


class _BoundJob(JobView):
    """What both kinds share."""

    def require_success(self) -> Self:
        """Itself, where there is a result.

        Raises:
            JobFailed: it ended without one, or has not ended.
        """
        if self.status != "succeeded":
            raise JobFailed(self)
        return self


class Job(_BoundJob):
    """A job of a `Retoucher`: a picture of its state, which does not change by itself; `refresh` gives a new one."""

    _client: Retoucher = PrivateAttr()

    @classmethod
    def of(cls, view: JobView, client: Retoucher) -> Job:
        """The view with its client."""
        job = cls.model_construct(view.model_fields_set, **dict(view))
        job._client = client
        return job

    def refresh(self) -> Job:
        """The job as it stands now."""
        return self._client.get(self.id)

    def wait(self, *, timeout_s: float | None = None, on_event: OnEvent | None = None) -> Job:
        """The job once it has ended."""
        return self._client.wait(self.id, timeout_s=timeout_s, on_event=on_event)

    def result(self) -> bytes:
        """The repaired picture, a PNG."""
        return self._client.artifact(self.require_success().id, RESULT)

    def save(self, path: str | PathLike[str], name: str = RESULT) -> Path:
        """Writes the repaired picture, or another artifact, to a file."""
        return self._client.save_artifact(self.require_success().id, name, path)

    def cancel(self) -> Job:
        """Asks it to stop."""
        return self._client.cancel(self.id)


class AsyncJob(_BoundJob):
    """A job of an `AsyncRetoucher`; as `Job`, to be awaited."""

    _client: AsyncRetoucher = PrivateAttr()

    @classmethod
    def of(cls, view: JobView, client: AsyncRetoucher) -> AsyncJob:
        """The view with its client."""
        job = cls.model_construct(view.model_fields_set, **dict(view))
        job._client = client
        return job

    async def refresh(self) -> AsyncJob:
        """The job as it stands now."""
        return await self._client.get(self.id)

    async def wait(self, *, timeout_s: float | None = None, on_event: OnEvent | None = None) -> AsyncJob:
        """The job once it has ended."""
        return await self._client.wait(self.id, timeout_s=timeout_s, on_event=on_event)

    async def result(self) -> bytes:
        """The repaired picture, a PNG."""
        return await self._client.artifact(self.require_success().id, RESULT)

    async def save(self, path: str | PathLike[str], name: str = RESULT) -> Path:
        """Writes the repaired picture, or another artifact, to a file."""
        return await self._client.save_artifact(self.require_success().id, name, path)

    async def cancel(self) -> AsyncJob:
        """Asks it to stop."""
        return await self._client.cancel(self.id)
