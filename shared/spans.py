"""Whether and how the spans of a process are exported: as the standard variables of OpenTelemetry say, `OTEL_…`.

Knows no library of it: that is in one adapter, behind the extra `otel`, which is loaded only where it is switched on.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import ErrorCode, MissingResource
from shared.ports import Span, Spans


class TraceSettings(BaseSettings):
    """What decides whether anything is exported. The library itself reads the rest of `OTEL_…`: headers, sampler.

    Attributes:
        exporter_otlp_endpoint: of a collector, OTLP over HTTP (protobuf): `http://collector:4318`.
        exporter_otlp_traces_endpoint: the same for traces alone, with its path.
        traces_exporter: `none` switches off.
        sdk_disabled: likewise.
    """

    model_config = SettingsConfigDict(env_prefix="OTEL_", env_ignore_empty=True, frozen=True)

    exporter_otlp_endpoint: str | None = None
    exporter_otlp_traces_endpoint: str | None = None
    traces_exporter: Literal["otlp", "none"] = "otlp"
    sdk_disabled: bool = False

    @property
    def on(self) -> bool:
        """Whether spans are exported."""
        named = self.exporter_otlp_endpoint or self.exporter_otlp_traces_endpoint
        return named is not None and self.traces_exporter == "otlp" and not self.sdk_disabled


class NoSpans:
    """`Spans` and `Span` of a process that exports none."""

    traceparent: str | None = None

    @contextmanager
    def span(
        self, name: str, parent: str | None, kind: Literal["server", "internal"], attributes: Mapping[str, str | int]
    ) -> Iterator[Span]:
        """Tells nobody."""
        yield self

    def rename(self, name: str) -> None:
        """Tells nobody."""

    def tell(self, attributes: Mapping[str, str | int]) -> None:
        """Tells nobody."""

    def fail(self, reason: str) -> None:
        """Tells nobody."""

    def close(self) -> None:
        """Has nothing to send."""


NO_SPANS = NoSpans()


def spans_of(settings: TraceSettings, role: str) -> Spans:
    """Where the spans of this process go.

    Args:
        settings: as `TraceSettings` says.
        role: what the process does; names the service where OTEL_SERVICE_NAME does not.

    Raises:
        MissingResource: they are to be exported, and the extra `otel` is not installed.
    """
    if not settings.on:
        return NO_SPANS
    try:
        from shared.adapters.otel_spans import exported
    except ModuleNotFoundError as error:
        message = (
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set and {error.name} is not installed: install the extra otel, "
            "or set OTEL_TRACES_EXPORTER=none"
        )
        raise MissingResource(ErrorCode.MISSING_PACKAGE, message) from error
    return exported(role)
