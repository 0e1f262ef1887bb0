"""Spans as OpenTelemetry's own exporter into memory has them."""

from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.adapters.otel_spans import OtelSpans


@dataclass(frozen=True)
class Seen:
    """One span; `trace`, `id` and `parent` in hexadecimal, `parent` empty for a first one."""

    name: str
    trace: str
    id: str
    parent: str
    failed: bool
    attributes: dict[str, Any]
    service: str


class SpanRecorder:
    """Spans that go into memory, and what they were."""

    def __init__(self, role: str = "test") -> None:
        self._exporter = InMemorySpanExporter()
        self.spans = OtelSpans(role, SimpleSpanProcessor(self._exporter))

    def seen(self) -> list[Seen]:
        """In the order in which they ended."""
        return [
            Seen(
                name=span.name,
                trace=f"{span.context.trace_id:032x}",
                id=f"{span.context.span_id:016x}",
                parent=f"{span.parent.span_id:016x}" if span.parent is not None else "",
                failed=not span.status.is_unset and not span.status.is_ok,
                attributes=dict(span.attributes or {}),
                service=str(span.resource.attributes["service.name"]),
            )
            for span in self._exporter.get_finished_spans()
        ]
