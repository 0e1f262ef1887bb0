"""What a flow asks of the client that drives it, and what it hears back. A flow itself touches no socket and no clock.

A flow is a generator that yields effects; the synchronous and the asynchronous client perform the same ones.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

from retoucher_client.api import ApiRequest
from retoucher_client.errors import ApiError, FieldProblem, RequestRejected, ServerBusy, ServerFailed


@dataclass(frozen=True)
class Send:
    """Send the request and answer with a `Reply` or `Lost`; the body of a success goes into `sink`, if there is one."""

    request: ApiRequest
    sink: BinaryIO | None = None


@dataclass(frozen=True)
class Listen:
    """Open a stream; answer as `Send`, a success before its body. Silence longer than `silence_s` is `Lost`."""

    request: ApiRequest
    silence_s: float


@dataclass(frozen=True)
class Hear:
    """Answer with the next bytes of the open stream, with `Lost`, or with empty bytes at its end."""


@dataclass(frozen=True)
class HangUp:
    """Close the stream, if one is open."""


@dataclass(frozen=True)
class Pause:
    """Sleep."""

    seconds: float


@dataclass(frozen=True)
class Emit:
    """Hand this to the caller."""

    item: Any


Effect = Send | Listen | Hear | HangUp | Pause | Emit
_Result = TypeVar("_Result")
Flow = Generator[Effect, Any, _Result]


@dataclass(frozen=True)
class Reply:
    """An answer of the server; header names in lower case. `body` is empty where it went into a sink or is a stream."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the server did as asked."""
        return 200 <= self.status < 300

    @property
    def retry_after_s(self) -> float | None:
        """Seconds that the server asks to wait; a date, which nothing of this server sends, counts as none."""
        value = self.headers.get("retry-after", "")
        return float(value) if value.isascii() and value.isdigit() else None


@dataclass(frozen=True)
class Lost:
    """No answer, or a part of one. `unsent`: the server cannot have seen the request."""

    reason: str
    unsent: bool = False


def problem_of(reply: Reply) -> ApiError:
    """The error that a refusal stands for; a proxy's page without problem details is told by its status."""
    try:
        said = json.loads(reply.body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        said = {}
    kind: type[ApiError] = RequestRejected if reply.status < 500 else ServerFailed
    if reply.status in (429, 503):
        kind = ServerBusy
    return kind(
        reply.status,
        str(said.get("code", "")),
        str(said.get("detail") or said.get("title") or f"the server answered {reply.status} without saying why"),
        retryable=bool(said.get("retryable", reply.status in (429, 502, 503, 504))),
        errors=tuple(
            FieldProblem(str(item.get("field", "")), str(item.get("message", "")))
            for item in said.get("errors") or ()
            if isinstance(item, dict)
        ),
        retry_after_s=reply.retry_after_s,
    )
