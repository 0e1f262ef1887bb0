"""The OpenAPI document: FastAPI's, with the bodies that routes read themselves and without what never happens."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from services.gateway.answers import problems
from services.gateway.problems import MEDIA_TYPE, Problem
from services.gateway.requests import MultipartRequest, SubmitRequest
from shared.errors import ErrorCode

FOR_KEYS = {
    str(status): {name: value for name, value in response.items() if name != "model"}
    for status, response in problems(s401=(ErrorCode.UNAUTHORIZED,), s429=(ErrorCode.RATE_LIMITED,)).items()
}
"""What every route answers that asks for a key."""

READ_BY_ROUTES = (SubmitRequest, MultipartRequest, Problem)


def describe(app: FastAPI) -> None:
    """Replaces the app's document by the completed one, made when it is first asked for."""
    plain = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            _add_models(document)
            for path in document["paths"].values():
                for operation in path.values():
                    _as_problems(operation)
            unused = ("HTTPValidationError", "ValidationError")
            for name in unused:
                document["components"]["schemas"].pop(name, None)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]


def _add_models(document: dict[str, Any]) -> None:
    _, definitions = models_json_schema(
        [(model, "validation") for model in READ_BY_ROUTES], ref_template="#/components/schemas/{model}"
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(definitions.get("$defs", {}))


def _as_problems(operation: dict[str, Any]) -> None:
    """Errors are problems in their own media type; FastAPI's own shape of 422 is never sent."""
    if operation.get("security"):
        operation["responses"].update(FOR_KEYS)
    for status, response in list(operation.get("responses", {}).items()):
        content = response.get("content", {})
        if MEDIA_TYPE in content:
            response["content"] = {MEDIA_TYPE: content[MEDIA_TYPE]}
        elif status == "422":
            response["description"] = "A field does not hold what it may. Codes: `bad_option`."
            response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
