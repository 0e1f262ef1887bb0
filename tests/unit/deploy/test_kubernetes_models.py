"""Models that the agents of a cluster ask: vLLM within it, served as compose serves it, and Google's API outside it."""

import os
import re
from pathlib import Path

import pytest
import yaml
from fakes.manifests import K8S, kustomize, leaves_for, of_kind, pods, selects

from services.reasoning.reasoners import served
from shared.action_settings import ActionSettings
from shared.reasoning_settings import ReasoningSettings

ROOT = K8S.parent
SERVING = (ROOT / "deploy/vllm/serving.yaml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
KEY = "RETOUCHER_ACTION_GEMINI_API_KEY"


@pytest.fixture(scope="module")
def gpu() -> list[dict]:
    return kustomize("gpu")


@pytest.fixture(scope="module")
def vllm(gpu: list[dict]) -> dict:
    """Its container."""
    return pods(gpu)["vllm"]["spec"]["containers"][0]


def settings(manifests: list[dict]) -> dict[str, str]:
    """What the config map of the processes says."""
    (found,) = [one for name, one in of_kind(manifests, "ConfigMap").items() if name.startswith("retoucher")]
    return found["data"]


def options(command: list[str]) -> dict[str, str]:
    """What stands behind the file of settings; of compose's variables what holds where none is set."""
    given = dict(option.removeprefix("--").split("=", 1) for option in command[2:])
    return {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for name, value in given.items()}


def test_vllm_is_started_as_compose_starts_it(gpu: list[dict], vllm: dict) -> None:
    command, composed = vllm["args"], COMPOSE["services"]["vllm"]["command"]
    assert command[0] == composed[0] == "--config"
    # The cluster's model is named once, for those who ask and for the server.
    (model,) = [one for one in vllm["env"] if one["name"] == "RETOUCHER_REASONING_MODEL"]
    assert model["valueFrom"]["configMapKeyRef"]["name"] in of_kind(gpu, "ConfigMap")
    named = settings(gpu)["RETOUCHER_REASONING_MODEL"]
    given = {**options(command), "model": options(command)["model"].replace("$(RETOUCHER_REASONING_MODEL)", named)}
    assert given == options(composed)
    public = served(named).profile
    assert public is not None and given["revision"] == public.revision
    assert f":-{vllm['image']}}}" in COMPOSE["services"]["vllm"]["image"]


def test_its_settings_are_the_file_of_deploy(gpu: list[dict], vllm: dict) -> None:
    volumes = {one["name"]: one for one in pods(gpu)["vllm"]["spec"]["volumes"]}
    mounts = {one["mountPath"]: volumes[one["name"]] for one in vllm["volumeMounts"]}
    folder, name = os.path.split(vllm["args"][1])
    assert of_kind(gpu, "ConfigMap")[mounts[folder]["configMap"]["name"]]["data"] == {name: SERVING}
    assert mounts["/dev/shm"]["emptyDir"]["medium"] == "Memory"
    assert mounts["/weights"]["persistentVolumeClaim"]["claimName"] in of_kind(gpu, "PersistentVolumeClaim")
    assert {"name": "HF_HOME", "value": "/weights"} in vllm["env"]


def test_it_has_time_to_load_and_to_finish_what_it_answers(gpu: list[dict], vllm: dict) -> None:
    probe, spec = vllm["startupProbe"], pods(gpu)["vllm"]["spec"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 3600
    finishes_s = yaml.safe_load(SERVING)["shutdown-timeout"]
    assert finishes_s >= ReasoningSettings.model_fields["timeout_s"].default
    pause_s = int(vllm["lifecycle"]["preStop"]["exec"]["command"][1])
    assert spec["terminationGracePeriodSeconds"] > pause_s + finishes_s
    assert int(COMPOSE["services"]["vllm"]["stop_grace_period"].removesuffix("s")) > finishes_s
    # Kubernetes would set VLLM_PORT for its own service.
    assert spec["enableServiceLinks"] is False


def test_the_reasoning_workers_ask_it_and_the_gateway_knows(gpu: list[dict]) -> None:
    said = settings(gpu)
    for name in ("reasoning", "gateway"):
        (reference,) = pods(gpu)[name]["spec"]["containers"][0]["envFrom"]
        assert reference["configMapRef"]["name"] in of_kind(gpu, "ConfigMap")
    service = of_kind(gpu, "Service")["vllm"]
    (port,) = service["spec"]["ports"]
    assert said["RETOUCHER_REASONING_URL"] == f"http://vllm:{port['port']}/v1"
    assert service["spec"]["selector"].items() <= pods(gpu)["vllm"]["metadata"]["labels"].items()
    tries = re.sub(r".*:-(\d+)}", r"\1", COMPOSE["x-reasoning"]["RETOUCHER_REASONING_TRIES"])
    assert said["RETOUCHER_REASONING_TRIES"] == tries
    assert settings(kustomize("cpu"))["RETOUCHER_REASONING_URL"] == ""


def peers(rules: list[dict], way: str) -> list[dict]:
    return [peer for rule in rules for peer in rule[way]]


def test_nobody_but_reasoning_and_prometheus_reaches_it_and_it_reaches_the_hub_alone(gpu: list[dict]) -> None:
    policies, labels = of_kind(gpu, "NetworkPolicy"), pods(gpu)["vllm"]["metadata"]["labels"]
    mine = {name: one["spec"] for name, one in policies.items() if selects(one, labels)}
    assert set(mine) == {"default-deny", "to-name-server", "from-prometheus", "to-internet", "vllm-from-reasoning"}
    assert peers(mine["vllm-from-reasoning"]["ingress"], "from") == [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "reasoning"}}}
    ]
    assert leaves_for(policies["to-internet"], "93.184.215.14") and not leaves_for(policies["to-internet"], "10.0.0.1")
    to_it = {
        name
        for name, pod in pods(gpu).items()
        for policy in policies.values()
        if selects(policy, pod["metadata"]["labels"])
        for peer in peers(policy["spec"].get("egress", []), "to")
        if "namespaceSelector" not in peer and "podSelector" in peer
        and peer["podSelector"]["matchLabels"].items() <= labels.items()
    }  # fmt: skip
    assert to_it == {"reasoning"}


@pytest.fixture(scope="module", params=["cpu", "gpu"])
def with_gemini(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """An overlay of a user's own, as the component's head tells."""
    folder = tmp_path_factory.mktemp("overlay")

    def there(path: str) -> str:
        return os.path.relpath(Path(os.path.realpath(K8S)) / path, os.path.realpath(folder))

    merged = {"name": "retoucher", "behavior": "merge", "literals": ["RETOUCHER_ACTION_GEMINI_MODEL=gemini-x-image"]}
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [there(f"overlays/{request.param}")],
        "components": [there("components/gemini")],
        "configMapGenerator": [merged],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return kustomize(folder)


def test_only_action_has_geminis_key_and_by_reference(with_gemini: list[dict]) -> None:
    holders = {
        name: variable["valueFrom"]["secretKeyRef"]
        for name, pod in pods(with_gemini).items()
        for variable in pod["spec"]["containers"][0].get("env", [])
        if variable["name"] == KEY
    }
    assert holders == {"action": {"name": "retoucher-gemini", "key": "api-key"}}
    made = (K8S / "secrets.sh").read_text(encoding="utf-8")
    assert "api-key:" in made and "make retoucher-gemini" in made
    said = settings(with_gemini)
    assert said["RETOUCHER_ACTION_GEMINI_ENABLED"] == "true"
    assert said["RETOUCHER_ACTION_GEMINI_MODEL"] == "gemini-x-image"
    prefix = ActionSettings.model_config["env_prefix"]
    known = {f"{prefix}{name}".upper() for name in ActionSettings.model_fields}
    assert {name for name in (*said, KEY) if name.startswith(prefix)} <= known
    policies, labels = of_kind(with_gemini, "NetworkPolicy"), pods(with_gemini)["action"]["metadata"]["labels"]
    assert any(leaves_for(one, "142.250.0.1") for one in policies.values() if selects(one, labels))


def test_without_the_component_the_tool_is_off() -> None:
    assert settings(kustomize("cpu"))["RETOUCHER_ACTION_GEMINI_ENABLED"] == "false"
