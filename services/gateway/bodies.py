"""Request bodies: capped while they stream in, all together and each alone, before anything is parsed."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.problems import Overloaded, response_to
from shared.errors import BadInput, ErrorCode

SMALL_BODY_BYTES = 64 * 2**10
"""Of every request that carries no image."""

WITH_IMAGES = ("/v1/jobs", "/v1/uploads")


class BodyLimits:
    """ASGI middleware: answers 413 as soon as a body passes its cap, 503 where all bodies together pass theirs.

    Args:
        app: what comes next.
        max_bytes: of a request that may carry images.
        budget_bytes: of all bodies that are being received or worked on.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, budget_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._budget_bytes = budget_bytes
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        counted = _CountedBody(self, receive, self._cap(scope))
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            counted.announced(_content_length(scope))
            await self._app(scope, counted, send_and_note)
        except (BadInput, Overloaded) as error:
            if started:
                raise
            await response_to(error)(scope, receive, send)
        finally:
            self._in_flight -= counted.total

    def take(self, count: int) -> None:
        """Counts bytes against the budget.

        Raises:
            Overloaded: there is no room for them now.
        """
        if self._in_flight + count > self._budget_bytes:
            raise Overloaded("too many large requests at one time: try again in a few seconds", retry_after_s=5)
        self._in_flight += count

    def _cap(self, scope: Scope) -> int:
        path = scope["path"]
        submits = path in WITH_IMAGES or (scope["method"] == "PUT" and path.count("/") == 3)
        return self._max_bytes if submits else SMALL_BODY_BYTES


class _CountedBody:
    """`receive` that counts."""

    def __init__(self, limits: BodyLimits, receive: Receive, cap: int) -> None:
        self._limits = limits
        self._receive = receive
        self._cap = cap
        self.total = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            count = len(message.get("body", b""))
            self.announced(self.total + count)
            self._limits.take(count)
            self.total += count
        return message

    def announced(self, total: int) -> None:
        """Raises where a body of `total` bytes would be too large."""
        if total > self._cap:
            size = f"{self._cap / 2**20:.0f} MB" if self._cap >= 2**20 else f"{self._cap // 2**10} KB"
            raise BadInput(ErrorCode.REQUEST_TOO_LARGE, f"the request has more than {size}: send less")


def _content_length(scope: Scope) -> int:
    value: bytes = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() else 0
