"""docker-compose.yml: what its words promise, held against the settings, the command line and the secrets' maker."""

import importlib.util
import re
import stat
from pathlib import Path

import pytest
import yaml
from fakes.command_lines import takes
from fakes.settings_names import known_variables

from services.commands.machines.settings import BackendSettings
from services.orchestrator.webhooks.settings import WebhookSettings
from shared.action_settings import ActionSettings
from shared.stage_worker import REPORT_FOR_S

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OWN = [name for name, service in SERVICES.items() if "retoucher-" in service["image"] and name != "setup"]
OUTSIDERS = {"gateway", "webhooks", "prometheus", "grafana", "vllm", "action-gpu"}
AFTER_LEAVE = {"action"}
"""Those who may leave where the user allows it."""
WORKERS = [
    name for name in OWN if SERVICES[name]["command"][0] == "worker" and SERVICES[name]["command"][1] != "webhooks"
]
VOLUMES = ["redis", "s3", "webhooks", "grafana", "gemini"]
LASTING = [name for name in SERVICES if name != "setup"]
SECRET_WORDS = re.compile(r"SECRET|PASSWORD|TOKEN|_KEY|REDIS_URL", re.IGNORECASE)


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def default_of(text: str) -> str:
    """A variable's value where the user sets none."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def test_all_services_of_the_design_are_there_in_each_profile():
    for profile in ("cpu", "gpu"):
        there = {name.removesuffix("-gpu") for name, service in SERVICES.items() if profile in service["profiles"]}
        agents = {"perception", "reasoning", "action"}
        assert there == agents | {"setup", "gateway", "orchestrator", "sweeper", "webhooks"} | {
            "redis", "s3", "prometheus", "grafana",
        }  # fmt: skip


def test_every_variable_has_a_default_so_that_one_command_is_enough():
    code = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    assert re.findall(r"(?<!\$)\$\{\w+(?!:-|\w)", code) == []
    sample = (ROOT / "deploy/samples/compose.env").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)", code)) == set(re.findall(r"^# (\w+)=", sample, re.MULTILINE))
    for name, value in re.findall(r"^# (RETOUCHER_\w*IMAGE|RETOUCHER_S3_HEALTH)=(.*)$", sample, re.MULTILINE):
        if "registry.example" not in value:
            assert f"${{{name}:-{value}}}" in code


@pytest.mark.parametrize("name", LASTING)
def test_a_service_is_watched_confined_and_started_again(name):
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert name in OWN or not service["user"].startswith("0")
    assert re.search(r":[^:/]*\d", default_of(service["image"])) or name in OWN, "no version"


def test_only_what_callers_reach_and_what_leaves_is_outside_the_inner_network():
    assert COMPOSE["networks"]["backend"] == {"internal": True}
    outside = {name for name in LASTING if "outside" in SERVICES[name]["networks"]}
    assert outside == OUTSIDERS
    assert {name for name in LASTING if "gemini" in SERVICES[name]["networks"]} == AFTER_LEAVE
    assert default_of(COMPOSE["networks"]["gemini"]["internal"]) == "true"
    for name in SERVICES:
        for port in SERVICES[name].get("ports", []):
            assert default_of(port).startswith("127.0.0.1:"), f"{name} is open to everybody"


def test_no_secret_stands_in_the_file():
    for name, service in SERVICES.items():
        for variable in service.get("environment") or {}:
            assert not SECRET_WORDS.search(variable) or variable.endswith("_FILE"), f"{name}: {variable}"


def test_what_is_set_is_understood():
    for name in OWN:
        variables = {variable for variable in SERVICES[name]["environment"] if variable != "HF_HOME"}
        assert variables <= known_variables(), name
        assert takes(SERVICES[name]["command"]), f"retoucher {SERVICES[name]['command']}"


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_time_to_finish_its_step(name):
    service = SERVICES[name]
    longest_s = float(default_of(service["environment"]["RETOUCHER_WORKER_STAGE_TIMEOUT_S"])) + REPORT_FOR_S
    assert seconds(service["stop_grace_period"]) > longest_s


def test_dependencies_volumes_and_secrets_exist():
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], name


def test_only_who_asks_gemini_has_its_key_and_who_admits_jobs_knows_of_it():
    holders = {name for name in OWN if "secret-gemini:/run/secrets/gemini:ro" in SERVICES[name]["volumes"]}
    assert holders == {"action", "action-gpu"}
    for name in holders | {"gateway"}:
        environment = SERVICES[name]["environment"]
        assert default_of(environment["RETOUCHER_ACTION_GEMINI_ENABLED"]) == "false"
        assert default_of(environment["RETOUCHER_ACTION_GEMINI_MODEL"]) == ""
        assert ("gemini/gemini.env" in environment["RETOUCHER_ENV_FILES"]) is (name in holders)


def test_redis_forgets_nothing():
    settings = (ROOT / "deploy/compose/redis.conf").read_text(encoding="utf-8")
    assert "\nappendonly yes\n" in settings
    assert "\nmaxmemory-policy noeviction\n" in settings
    assert "requirepass" not in settings


spec = importlib.util.spec_from_file_location("make_secrets", ROOT / "deploy/compose/make_secrets.py")
assert spec is not None and spec.loader is not None
make_secrets = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_secrets)


@pytest.fixture
def volumes(tmp_path):
    for name in VOLUMES:
        (tmp_path / name).mkdir()
    return tmp_path


def everything(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_secrets_are_made_once_and_read_by_every_user(volumes):
    assert make_secrets.write(volumes) == VOLUMES
    first = everything(volumes)
    assert make_secrets.write(volumes) == []
    assert everything(volumes) == first
    (volumes / "s3" / "s3.env").unlink()
    assert make_secrets.write(volumes) == ["s3"]
    assert everything(volumes)["redis/password"] == first["redis/password"]
    for path in volumes.rglob("*.*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_the_files_that_compose_mounts_are_those_that_are_made(volumes):
    make_secrets.write(volumes)
    made = set(everything(volumes))
    assert set(re.findall(r"/run/secrets/([\w./-]*\w)", TEXT)) - set(VOLUMES) <= made
    for name in OWN:
        mounted = {volume.split(":")[1] for volume in SERVICES[name]["volumes"]}
        for file in SERVICES[name]["environment"]["RETOUCHER_ENV_FILES"].split():
            assert str(Path(file).parent) in mounted, name


def test_the_settings_take_the_secrets(volumes, monkeypatch):
    make_secrets.write(volumes)
    for file in volumes.rglob("*.env"):
        for line in file.read_text().splitlines():
            name, _, value = line.partition("=")
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("RETOUCHER_BACKEND_S3_ENDPOINT", "s3:9000")
    password = (volumes / "redis/password").read_text()
    assert BackendSettings().redis_url.get_secret_value() == f"redis://:{password}@redis:6379/0"
    assert BackendSettings().s3_secret_key.get_secret_value() == (volumes / "s3/password").read_text()
    assert WebhookSettings().signer()
    assert ActionSettings().gemini_api_key is None, "whoever has a key writes it there"
