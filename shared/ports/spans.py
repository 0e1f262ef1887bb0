"""Spans of traces: who is told what a process did when, and in whose trace."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol


class Span(Protocol):
    """One piece of work while it is done. Attributes hold no prompt, address, key or picture."""

    @property
    def traceparent(self) -> str | None:
        """What to hand on, so that further work is told below this one; None where nothing is told."""
        ...

    def rename(self, name: str) -> None:
        """Gives it the name that was not known when it began."""
        ...

    def tell(self, attributes: Mapping[str, str | int]) -> None:
        """Adds attributes."""
        ...

    def fail(self, reason: str) -> None:
        """Marks the work as failed.

        Args:
            reason: one of few: an error's code or its class, never its message.
        """
        ...


class Spans(Protocol):
    """Takes the spans of a process; safe for threads, and nothing that it does holds the work up or fails it."""

    def span(
        self, name: str, parent: str | None, kind: Literal["server", "internal"], attributes: Mapping[str, str | int]
    ) -> AbstractContextManager[Span]:
        """Tells of the block; one that ends with an exception has failed.

        Args:
            name: of few.
            parent: the `traceparent` (W3C Trace Context) below which it is told; None begins a trace.
            kind: `server` where it answers a request from outside the process.
            attributes: by names with dots.
        """
        ...

    def close(self) -> None:
        """Sends what is still to be sent, for a few seconds at the most."""
        ...
