"""When spans are exported, whose children they are, and what they tell."""

import sys

import pytest
from fakes.spans import SpanRecorder

from shared.adapters.otel_spans import OtelSpans
from shared.errors import ErrorCode, MissingResource
from shared.spans import NO_SPANS, TraceSettings, spans_of

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)


def test_spans_are_children_of_what_they_are_told_below() -> None:
    recorder = SpanRecorder("gateway")
    with recorder.spans.span("outer", CALLER, "server", {"a.b": "c"}) as outer:
        with recorder.spans.span("inner", outer.traceparent, "internal", {}) as inner:
            inner.fail("unavailable")
        outer.rename("renamed")
        outer.tell({"d.e": 5})
    with recorder.spans.span("other", None, "internal", {}):
        pass
    inner_seen, outer_seen, other_seen = recorder.seen()
    assert (outer_seen.trace, outer_seen.parent) == (CALLER[3:35], CALLER[36:52])
    assert (inner_seen.trace, inner_seen.parent) == (CALLER[3:35], outer_seen.id)
    assert (other_seen.parent, other_seen.trace == CALLER[3:35]) == ("", False)
    assert (outer_seen.name, outer_seen.attributes, outer_seen.failed) == ("renamed", {"a.b": "c", "d.e": 5}, False)
    assert (inner_seen.failed, inner_seen.attributes) == (True, {"error.type": "unavailable"})
    assert outer_seen.service == "retoucher-gateway"


def test_an_exception_is_told_by_its_class_alone() -> None:
    recorder = SpanRecorder()
    with pytest.raises(ValueError), recorder.spans.span("work", None, "internal", {}):
        raise ValueError("the secret is rt_abc_def")
    (seen,) = recorder.seen()
    assert (seen.failed, seen.attributes) == (True, {"error.type": "ValueError"})


def test_a_caller_who_samples_nothing_is_heeded_and_its_trace_goes_on() -> None:
    recorder = SpanRecorder()
    with recorder.spans.span("work", CALLER[:-2] + "00", "server", {}) as span:
        assert span.traceparent is not None
        assert (span.traceparent[3:35], span.traceparent[-2:]) == (CALLER[3:35], "00")
    assert recorder.seen() == []


def test_the_operator_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "pictures")
    recorder = SpanRecorder("gateway")
    with recorder.spans.span("work", None, "internal", {}):
        pass
    assert recorder.seen()[0].service == "pictures"


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        ({}, False),
        ({"EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, True),
        ({"EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"}, True),
        ({"EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "TRACES_EXPORTER": "none"}, False),
        ({"EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "SDK_DISABLED": "true"}, False),
    ],
)
def test_they_are_exported_where_a_collector_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], on: bool
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"OTEL_{name}", value)
    spans = spans_of(TraceSettings(), "test")
    try:
        assert isinstance(spans, OtelSpans) is on
        assert (spans is NO_SPANS) is not on
    finally:
        spans.close()


def test_without_the_extra_a_collector_that_is_named_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delitem(sys.modules, "shared.adapters.otel_spans", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(MissingResource, match="install the extra otel, or set OTEL_TRACES_EXPORTER=none") as refusal:
        spans_of(TraceSettings(), "test")
    assert refusal.value.code is ErrorCode.MISSING_PACKAGE
