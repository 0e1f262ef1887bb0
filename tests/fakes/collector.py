"""A collector of traces on loopback: takes OTLP over HTTP as OpenTelemetry's own exporters send it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fakes.small_server import Answer, Asked, SmallServer, small_server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Collected:
    """One span; ids in hexadecimal, `parent` empty for a first one."""

    service: str
    name: str
    trace: str
    id: str
    parent: str


@dataclass(frozen=True)
class Collector:
    """Its address, and what has arrived."""

    server: SmallServer

    @property
    def url(self) -> str:
        return self.server.url

    def of_trace(self, trace: str, count: int, within_s: float = 60.0) -> list[Collected]:
        """The spans of a trace once there are so many."""
        give_up_at = time.monotonic() + within_s
        while len(found := [span for span in self._all() if span.trace == trace]) < count:
            assert time.monotonic() < give_up_at, found
            time.sleep(0.1)
        return found

    def _all(self) -> list[Collected]:
        return [span for asked in list(self.server.asked) for span in _spans(asked)]


def _spans(asked: Asked) -> Iterator[Collected]:
    assert (asked.path, asked.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
    for resource in ExportTraceServiceRequest.FromString(asked.body).resource_spans:
        names = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Collected(
                    service=names["service.name"],
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                )


@contextmanager
def collector() -> Iterator[Collector]:
    """Until the block ends."""
    with small_server(lambda asked, number: Answer(200, b"", {"Content-Type": "application/x-protobuf"})) as server:
        yield Collector(server)
