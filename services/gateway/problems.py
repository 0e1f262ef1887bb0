"""Errors as RFC 9457 problem details. The only place that knows which error is which HTTP status."""

import math
from collections.abc import Sequence

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException

from services.gateway.auth import CHALLENGE
from services.gateway.limiting import PROBLEM_TYPE
from shared.contracts.base import Contract
from shared.errors import (
    BadInput,
    Conflict,
    ErrorCode,
    LimitExceeded,
    MissingResource,
    NotFound,
    RetoucherError,
    Unauthorized,
    Unavailable,
)

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
"""Of an outage whose length nobody knows."""

STATUS_OF_CODE = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.IMAGE_TOO_LARGE: 413,
    ErrorCode.REQUEST_TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_FORMAT: 415,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.IDEMPOTENCY_MISMATCH: 422,
    ErrorCode.OVERLOADED: 503,
    ErrorCode.DISK_FULL: 507,
    # The server of the URL fails, not this one; a 503 would have clients send the same again by themselves.
    ErrorCode.URL_UNREACHABLE: 422,
}
STATUS_OF_KIND: tuple[tuple[type[RetoucherError], int], ...] = (
    (BadInput, 422),
    (NotFound, 404),
    (Conflict, 409),
    (MissingResource, 503),
    (Unauthorized, 401),
    (LimitExceeded, 429),
    (Unavailable, 503),
)
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Cannot be processed",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available now",
    507: "Storage full",
}
CODE_OF_STATUS = {
    400: ErrorCode.BAD_REQUEST,
    404: ErrorCode.ROUTE_NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.REQUEST_TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    422: ErrorCode.BAD_OPTION,
    503: ErrorCode.OVERLOADED,
}


class FieldProblem(Contract):
    """What is wrong with one field of the request; `field` is its path, `regions.0` say."""

    field: str
    message: str


class Problem(Contract):
    """Problem details. `code` is stable and made for programs, `detail` ends in what to do next."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    retryable: bool = False
    errors: tuple[FieldProblem, ...] = Field(default=())
    violated_policies: tuple[str, ...] = Field(default=(), serialization_alias="violated-policies")


class InvalidFields(BadInput):
    """A request whose fields do not hold what they may."""

    def __init__(self, errors: Sequence[FieldProblem]) -> None:
        first = errors[0]
        where = f"{first.field}: " if first.field else ""
        more = f" (and {len(errors) - 1} more, see errors)" if len(errors) > 1 else ""
        super().__init__(ErrorCode.BAD_OPTION, f"{where}{first.message}{more}")
        self.errors = tuple(errors)


class Overloaded(Unavailable):
    """Put off for a while, to keep what is accepted bearable."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(ErrorCode.OVERLOADED, message)
        self.retry_after_s = retry_after_s


def fields_of(error: ValidationError, within: str = "") -> tuple[FieldProblem, ...]:
    """Pydantic's findings by field, as sentences; nothing of the input is repeated."""
    return tuple(_field(entry["loc"], entry["type"], entry["msg"], within) for entry in error.errors(include_url=False))


def _field(location: tuple[int | str, ...], kind: str, message: str, within: str = "") -> FieldProblem:
    path = ".".join(str(part) for part in ((within,) if within else ()) + tuple(location))
    if kind == "extra_forbidden":
        message = "there is no such field: check the spelling, or leave it out"
    elif kind == "missing":
        message = "this field is missing: send it"
    message = message.removeprefix("Value error, ")
    return FieldProblem(field=path, message=message[:1].lower() + message[1:])


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The answer that carries a problem."""
    empty = {name for name, value in problem if value == ()}
    content = problem.model_dump_json(by_alias=True, exclude=empty)
    return Response(content, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def response_to(error: RetoucherError) -> Response:
    """The answer to one of the project's errors."""
    status = STATUS_OF_CODE.get(error.code)
    if status is None:
        status = next((number for kind, number in STATUS_OF_KIND if isinstance(error, kind)), 500)
    limit = error if isinstance(error, LimitExceeded) else None
    problem = Problem(
        type=PROBLEM_TYPE if limit else "about:blank",
        title=TITLES[status],
        status=status,
        detail=error.message,
        code=error.code.value,
        retryable=error.retryable,
        errors=error.errors if isinstance(error, InvalidFields) else (),
        violated_policies=limit.policies if limit else (),
    )
    return problem_response(problem, _headers(error, status))


def _headers(error: RetoucherError, status: int) -> dict[str, str]:
    if isinstance(error, Unauthorized):
        return dict(CHALLENGE)
    if isinstance(error, Overloaded | LimitExceeded):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after_s)))}
    return {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}


def add_problem_handlers(app: FastAPI) -> None:
    """Turns every error that routes raise on purpose into a problem; what they do not is `response_to_crash`'s."""

    @app.exception_handler(RetoucherError)
    async def of_the_project(request: Request, error: RetoucherError) -> Response:
        response = response_to(error)
        if response.status_code >= 500:
            log.warning("request_failed", path=request.url.path, code=error.code, message=error.message)
        return response

    @app.exception_handler(RequestValidationError)
    async def of_validation(_: Request, error: RequestValidationError) -> Response:
        entries = error.errors()
        if any(entry["type"] == "json_invalid" for entry in entries):
            return response_to(BadInput(ErrorCode.BAD_REQUEST, "the body is not JSON: send a JSON object"))
        return response_to(
            InvalidFields([_field(tuple(entry["loc"])[1:], entry["type"], entry["msg"]) for entry in entries])
        )

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, error: HTTPException) -> Response:
        status = error.status_code
        details = {
            404: f"there is nothing at {request.url.path}: see /docs",
            405: f"{request.method} is not possible here: see /docs",
        }
        problem = Problem(
            title=TITLES.get(status, "Error"),
            status=status,
            detail=details.get(status, str(error.detail)),
            code=CODE_OF_STATUS.get(status, ErrorCode.BAD_REQUEST).value,
        )
        return problem_response(problem, dict(error.headers or {}))


def response_to_crash(path: str, error: Exception) -> Response:
    """The answer to an error that nobody foresaw: nothing of it is told, all of it is logged."""
    log.error("request_crashed", path=path, exc_info=error)
    detail = "the server made a mistake: try again, and report it if it stays"
    problem = Problem(title=TITLES[500], status=500, detail=detail, code=ErrorCode.INTERNAL.value, retryable=True)
    return problem_response(problem)
