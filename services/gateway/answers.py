"""Answers that routes share, and how OpenAPI documents them."""

from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel

from services.gateway.problems import MEDIA_TYPE, TITLES, Problem
from shared.errors import ErrorCode


def as_json(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A model as an answer, serialised once."""
    return Response(body.model_dump_json(), status_code=status, media_type="application/json", headers=headers)


def problems(**codes: tuple[ErrorCode, ...]) -> dict[int | str, dict[str, Any]]:
    """Responses for a route's errors: `problems(s404=(ErrorCode.JOB_NOT_FOUND,))`."""
    documented: dict[int | str, dict[str, Any]] = {}
    for name, possible in codes.items():
        status = int(name.removeprefix("s"))
        documented[status] = {
            "model": Problem,
            "description": f"{TITLES[status]}. Codes: {', '.join(f'`{code.value}`' for code in possible)}.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return documented


NO_JOB = (ErrorCode.JOB_NOT_FOUND,)
UNAVAILABLE = (ErrorCode.STORE_UNAVAILABLE,)
