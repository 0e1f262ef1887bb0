"""ASGI middleware that tells of each request as a span, and puts it between the caller's trace and the job's.

What follows from the request is told below its span: the request goes on with that span's `traceparent` in place of
the caller's, and a job keeps it. Probes and metrics are asked every few seconds and not told.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.ports import Spans
from shared.traces import traceparent_of

UNTOLD = frozenset({"/livez", "/readyz", "/metrics"})
METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD"})


class TracedRequests:
    """Wraps the app."""

    def __init__(self, app: ASGIApp, spans: Spans) -> None:
        self._app = app
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in UNTOLD:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        parent = traceparent_of(Headers(scope=scope).get("traceparent"))
        with self._spans.span(method, parent, "server", {"http.request.method": method}) as span:

            async def send_and_tell(message: Message) -> None:
                if message["type"] == "http.response.start":
                    # The route's pattern, not its path: names of spans are to be few.
                    route = getattr(scope.get("route"), "path", None)
                    if route is not None:
                        span.rename(f"{method} {route}")
                        span.tell({"http.route": route})
                    span.tell({"http.response.status_code": message["status"]})
                    if message["status"] >= 500:
                        span.fail(str(message["status"]))
                await send(message)

            if span.traceparent is not None:
                MutableHeaders(scope=scope)["traceparent"] = span.traceparent
            await self._app(scope, receive, send_and_tell)
