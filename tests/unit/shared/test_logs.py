"""Logs: one JSON object a line where no person reads along, quiet below the level, no secrets."""

import json
import logging

import pytest
import structlog

from shared.logs import REDACTED, configure_logs


@pytest.fixture(autouse=True)
def restored():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def records(capsys) -> list[dict]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_json_carries_event_level_time_and_bound_values(capsys):
    configure_logs("info", "json")
    with structlog.contextvars.bound_contextvars(job_id="job_1", step=2):
        structlog.get_logger("services.runner").info("stage_done", seconds=0.5)
    (record,) = records(capsys)
    assert record["event"] == "stage_done" and record["level"] == "info" and record["logger"] == "services.runner"
    assert record["job_id"] == "job_1" and record["step"] == 2 and record["seconds"] == 0.5
    assert record["timestamp"].endswith("Z")


def test_below_the_level_nothing_is_written(capsys):
    configure_logs("warning", "json")
    structlog.get_logger().info("quiet")
    logging.getLogger("some.library").info("quiet, too")
    structlog.get_logger().warning("loud")
    assert [record["event"] for record in records(capsys)] == ["loud"]


def test_libraries_records_go_the_same_way(capsys):
    configure_logs("warning", "json")
    logging.getLogger("some.library").warning("disk at %d%%", 90)
    (record,) = records(capsys)
    assert record["event"] == "disk at 90%" and record["logger"] == "some.library"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_never_appear(capsys, log_format):
    configure_logs("info", log_format)
    secrets = ["hunter2", "rt_ab12_S3cretS3cret", "whsec_MfKQ9r8GKYqrTwjU", "eyJhbGciOi"]
    structlog.get_logger().info(
        "request",
        password=secrets[0],
        headers={"Authorization": "x " + secrets[3], "Accept": "text/html"},
        note=f"key {secrets[1]} signs with {secrets[2]}",
        urls=[f"https://user:{secrets[0]}@example.org/a", {"api_key": secrets[1]}],
        said=f"Bearer {secrets[3]}",
    )
    logging.getLogger("lib").warning("calling https://user:%s@example.org", secrets[0])
    written = capsys.readouterr().err
    assert not [secret for secret in secrets if secret in written]
    assert written.count(REDACTED) >= 8
    assert "text/html" in written and "example.org/a" in written


def test_the_signature_of_a_presigned_link_is_blanked(capsys):
    configure_logs("info", "json")
    link = "/bucket/a.png?X-Amz-Credential=AKIA%2F20261125%2Fs3&X-Amz-Expires=300&X-Amz-Signature=fa5f2f9d"
    logging.getLogger("urllib3.connectionpool").warning("Retrying (%r) after connection broken: %s", "Retry", link)
    (record,) = records(capsys)
    assert "fa5f2f9d" not in record["event"] and "AKIA" not in record["event"]
    assert "/bucket/a.png" in record["event"] and "X-Amz-Expires=300" in record["event"]


def test_secrets_in_a_traceback_are_blanked(capsys):
    configure_logs("info", "json")
    try:
        raise ValueError("refused rt_ab12_S3cretS3cret")
    except ValueError:
        structlog.get_logger().exception("failed")
    (record,) = records(capsys)
    assert "ValueError: refused [redacted]" in record["exception"]


def test_a_record_is_one_line(capsys):
    configure_logs("info", "json")
    structlog.get_logger().info("prompt", text="two\nlines")
    assert records(capsys)[0]["text"] == "two\nlines"


def test_an_unknown_level_is_named():
    with pytest.raises(ValueError, match="'loud'"):
        configure_logs("loud")


def test_importing_changes_nothing():
    assert not structlog.is_configured()
