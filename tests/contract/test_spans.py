"""What all takers of spans promise: they hold nothing up, whatever becomes of the work."""

import pytest
from fakes.spans import SpanRecorder

from shared.ports import Spans
from shared.spans import NO_SPANS
from shared.traces import traceparent_of

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(params=["none", "otel"])
def spans(request: pytest.FixtureRequest) -> Spans:
    return NO_SPANS if request.param == "none" else SpanRecorder().spans


class TestSpans:
    def test_an_exception_goes_through(self, spans: Spans) -> None:
        with pytest.raises(ZeroDivisionError), spans.span("work", CALLER, "internal", {}):
            raise ZeroDivisionError

    def test_what_is_handed_on_is_a_traceparent_of_the_same_trace_or_nothing(self, spans: Spans) -> None:
        with spans.span("work", CALLER, "server", {"a.b": 1}) as span:
            span.rename("works")
            span.tell({"c.d": "e"})
            span.fail("reason")
            handed = span.traceparent
        assert handed is None or (traceparent_of(handed) == handed and handed[3:35] == CALLER[3:35])

    @pytest.mark.parametrize("parent", ["nonsense", "", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
    def test_a_parent_that_is_none_does_no_harm(self, spans: Spans, parent: str) -> None:
        with spans.span("work", parent, "internal", {}) as span:
            assert span.traceparent is None or traceparent_of(span.traceparent) is not None

    def test_what_comes_after_the_end_is_ignored(self, spans: Spans) -> None:
        spans.close()
        spans.close()
        with spans.span("late", None, "internal", {}):
            pass
