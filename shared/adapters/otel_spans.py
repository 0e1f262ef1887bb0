"""Spans by OpenTelemetry's SDK, sent as OTLP over HTTP on a thread of their own; a collector that is away loses them.

Neither the library's global provider nor its context is used: whose child a span is, `traceparent` says, which jobs
carry from process to process.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.ports import Span

CLOSE_WITHIN_S = 5.0
"""How long the end of a process waits for the collector."""

_KINDS = {"server": SpanKind.SERVER, "internal": SpanKind.INTERNAL}
_HEADER = TraceContextTextMapPropagator()


class _Told:
    """Implements `Span`."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        """Of this span."""
        carrier: dict[str, str] = {}
        _HEADER.inject(carrier, set_span_in_context(self._span, Context()))
        return carrier.get("traceparent")

    def rename(self, name: str) -> None:
        """See `Span.rename`."""
        self._span.update_name(name)

    def tell(self, attributes: Mapping[str, str | int]) -> None:
        """See `Span.tell`."""
        self._span.set_attributes(dict(attributes))

    def fail(self, reason: str) -> None:
        """See `Span.fail`."""
        self._span.set_status(StatusCode.ERROR)
        self._span.set_attribute("error.type", reason)


class OtelSpans:
    """`Spans` by way of a processor of the SDK.

    Args:
        role: names the service, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES does.
        processor: where ended spans go.
    """

    def __init__(self, role: str, processor: SpanProcessor) -> None:
        named = Resource({SERVICE_NAME: f"retoucher-{role}"}).merge(OTELResourceDetector().detect())
        # Closed by whoever made it, in bounded time; the library's own exit handler may wait for half a minute.
        self._provider = TracerProvider(resource=Resource.create(named.attributes), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("retoucher")

    @contextmanager
    def span(
        self, name: str, parent: str | None, kind: Literal["server", "internal"], attributes: Mapping[str, str | int]
    ) -> Iterator[Span]:
        """See `Spans.span`."""
        context = Context() if parent is None else _HEADER.extract({"traceparent": parent}, Context())
        span = self._tracer.start_span(name, context, _KINDS[kind], dict(attributes))
        told = _Told(span)
        try:
            yield told
        except BaseException as error:
            told.fail(type(error).__name__)
            raise
        finally:
            span.end()

    def close(self) -> None:
        """See `Spans.close`."""
        closing = threading.Thread(target=self._provider.shutdown, name="spans-close", daemon=True)
        closing.start()
        closing.join(CLOSE_WITHIN_S)


def exported(role: str) -> OtelSpans:
    """Spans that go to the collector which the environment names, in batches."""
    return OtelSpans(role, BatchSpanProcessor(OTLPSpanExporter()))
