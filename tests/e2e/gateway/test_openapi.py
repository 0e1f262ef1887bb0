"""Schemathesis: requests made up from the OpenAPI document, good and bad; every answer is as the document says.

Every operation is asked with ids that it makes up itself, and those that name a job once more with the id of a job
that there is. Seeded: the same requests each time.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from retoucher_client import Retoucher

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 12
"""Of each operation and kind of request."""

SEEDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def operations(idle_server):
    schema = schemathesis.openapi.from_url(f"{idle_server}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations()]
    assert len(found) >= 15
    return found


@pytest.fixture(scope="module")
def job_id(idle_server, picture):
    with Retoucher(idle_server) as client:
        return client.retouch(picture, "the job that there is").id


def wrong_answers(operation, mode: GenerationMode, base_url: str, job_id: str | None = None) -> list[str]:
    """What was wrong with answers to made-up requests; an own loop over cases, so that one failure hides no other."""
    wrong: dict[str, str] = {}
    asked = []

    @SEEDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        if job_id is not None:
            case.path_parameters = {**case.path_parameters, "job_id": job_id}
        asked.append(case)
        try:
            case.call_and_validate(base_url=base_url, checks=CHECKS, timeout=60)
        except FailureGroup as group:
            for failure in group.exceptions:
                wrong.setdefault(
                    type(failure).__name__, f"{operation.label}: {failure}\n{case.as_curl_command()[:600]}"
                )

    if mode is GenerationMode.NEGATIVE and not (operation.body or list(operation.iter_parameters())):
        return []  # nothing is sent, so that nothing can be wrong with it
    ask()
    assert asked
    return list(wrong.values())


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_as_the_document_says(operations, idle_server, mode):
    wrong = [line for operation in operations for line in wrong_answers(operation, mode, idle_server)]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.slow
def test_answers_about_a_job_that_there_is(operations, idle_server, job_id):
    """Deletion comes last, or there would be nothing to ask about."""
    about = [operation for operation in operations if "{job_id}" in operation.path]
    about.sort(key=lambda operation: operation.method.lower() == "delete" and operation.path.endswith("{job_id}"))
    assert len(about) >= 8
    wrong = [
        line for operation in about for line in wrong_answers(operation, GenerationMode.POSITIVE, idle_server, job_id)
    ]
    assert not wrong, "\n\n".join(wrong)
