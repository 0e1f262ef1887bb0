"""The OpenAPI document says what is so: every route described, every example accepted, every error a problem."""

from typing import Any

import pytest
from fakes.gateway import site

from services.gateway.answers import as_json
from services.gateway.problems import MEDIA_TYPE, STATUS_OF_CODE, TITLES, Problem
from shared.errors import ErrorCode

pytestmark = pytest.mark.anyio

OPEN = {"/livez", "/readyz", "/metrics"}


async def document() -> dict[str, Any]:
    async with site() as it:
        found: dict[str, Any] = (await it.client.get("/openapi.json")).json()
        return found


async def test_every_route_is_described_and_every_error_is_a_problem() -> None:
    paths = (await document())["paths"]
    assert len(paths) > 15
    for path, operations in paths.items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"] and operation["description"], where
            assert bool(operation.get("security")) == (path not in OPEN), where
            for status, response in operation["responses"].items():
                assert response["description"], where
                if status >= "400" and path != "/readyz":
                    assert list(response["content"]) == [MEDIA_TYPE], f"{where} {status}"
            if path not in OPEN:
                assert {"401", "429"} <= operation["responses"].keys(), where
            for parameter in operation.get("parameters", []):
                assert parameter["schema"], where


async def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    found = await document()
    schemas = found["components"]["schemas"]
    text = str(found)
    for name in schemas:
        assert f"#/components/schemas/{name}'" in text, f"{name} is not used"
    assert "HTTPValidationError" not in text

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [name for value in node.values() for name in references(value)]
        return [name for value in node for name in references(value)] if isinstance(node, list) else []

    assert {name.rpartition("/")[2] for name in references(found)} <= schemas.keys()


async def test_every_example_of_a_submission_is_accepted_as_it_stands() -> None:
    content = (await document())["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]
    examples = content["application/json"]["examples"]
    assert len(examples) >= 2
    async with site() as it:
        for name, example in examples.items():
            answer = await it.client.post("/v1/jobs", json=example["value"])
            assert answer.status_code == 202, f"{name}: {answer.text}"
            await it.run(answer.json()["id"])
            assert (await it.client.get(answer.headers["location"])).json()["status"] == "succeeded"


async def test_both_ways_to_submit_ask_for_the_same() -> None:
    paths = (await document())["paths"]
    assert paths["/v1/jobs"]["post"]["requestBody"] == paths["/v1/jobs/{client_id}"]["put"]["requestBody"]


def test_every_status_has_a_title_and_every_problem_is_complete() -> None:
    assert set(STATUS_OF_CODE.values()) <= TITLES.keys()
    problem = Problem(title="t", status=404, detail="d", code=ErrorCode.JOB_NOT_FOUND.value)
    assert b'"type":"about:blank"' in bytes(as_json(problem).body)
