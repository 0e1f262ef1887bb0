"""The manifests: as kustomize renders them, against Kubernetes' schemas and against what this project promises.

KEDA's kinds are in no schema at hand: theirs here is written from KEDA's documentation of what these manifests use.
"""

import os
import re
import subprocess

import jsonschema
import kubernetes_validate
import pytest
import yaml
from fakes.command_lines import takes
from fakes.manifests import K8S, kustomize, leaves_for, of_gpus, of_kind, pods, selects, with_a_model, written
from fakes.settings_names import known_variables

from shared.profiles import load_profile
from shared.stage_worker import REPORT_FOR_S

VERSIONS = ("1.30", "1.37")
AGENTS = {"perception", "reasoning", "action"}
PROCESSES = AGENTS | {"gateway", "orchestrator", "sweeper", "webhooks"}
FOREIGN = {"redis", "vllm"}
"""What runs in others' images."""
SCALED_OBJECT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "keda.sh/v1alpha1"},
        "kind": {"const": "ScaledObject"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["scaleTargetRef", "triggers"],
            "properties": {
                "scaleTargetRef": {"type": "object", "required": ["name"]},
                "minReplicaCount": {"type": "integer", "minimum": 0},
                "maxReplicaCount": {"type": "integer", "minimum": 1},
                "pollingInterval": {"type": "integer"},
                "cooldownPeriod": {"type": "integer"},
                "advanced": {"type": "object"},
                "triggers": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["type", "metadata"],
                        "properties": {
                            "type": {"const": "prometheus"},
                            "metadata": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["serverAddress", "query", "threshold"],
                                "properties": {
                                    "serverAddress": {"type": "string", "pattern": "^http"},
                                    "query": {"type": "string"},
                                    # Values of KEDA's triggers are text, numbers too.
                                    "threshold": {"type": "string", "pattern": r"^\d+$"},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module", params=["written", "cpu", "gpu"])
def manifests(request) -> list[dict]:
    return written() if request.param == "written" else kustomize(request.param)


def test_every_manifest_fits_its_schema(manifests):
    for one in manifests:
        if one["kind"] == "ScaledObject":
            jsonschema.validate(one, SCALED_OBJECT)
            continue
        for version in VERSIONS:
            kubernetes_validate.validate(one, version, strict=True)


def test_the_schemas_would_notice():
    wrong = next(one for one in written() if one["kind"] == "Deployment")
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_every_process_of_the_design_runs(manifests):
    deployed = set(of_kind(manifests, "Deployment"))
    assert deployed - {"vllm"} == PROCESSES and ("vllm" in deployed) is with_a_model(manifests)
    for name, pod in pods(manifests).items():
        container = pod["spec"]["containers"][0]
        assert name in FOREIGN or takes(container["args"]), container["args"]


def test_every_pod_is_watched_and_bounded(manifests):
    for pod in pods(manifests).values():
        container = pod["spec"]["containers"][0]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]


def test_every_pod_is_confined_and_holds_no_token(manifests):
    accounts = of_kind(manifests, "ServiceAccount")
    for pod in pods(manifests).values():
        spec, container = pod["spec"], pod["spec"]["containers"][0]
        assert spec["automountServiceAccountToken"] is False
        assert accounts[spec["serviceAccountName"]]["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_pods_are_spread_and_never_all_evicted(manifests):
    budgets = of_kind(manifests, "PodDisruptionBudget")
    for name in set(pods(manifests)) - {"redis"}:
        pod = pods(manifests)[name]
        keys = {one["topologyKey"] for one in pod["spec"]["topologySpreadConstraints"]}
        assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        assert budgets[name]["spec"]["maxUnavailable"] == 1
        assert budgets[name]["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def generated() -> dict[str, str]:
    """The settings that the base's kustomization puts into the config map."""
    base = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    return dict(one.split("=", 1) for one in base["configMapGenerator"][0]["literals"])


def test_a_worker_has_time_to_finish_its_step(manifests):
    longest_s = float(generated()["RETOUCHER_WORKER_STAGE_TIMEOUT_S"]) + REPORT_FOR_S
    for name in AGENTS | {"orchestrator"}:
        assert pods(manifests)[name]["spec"]["terminationGracePeriodSeconds"] > longest_s


def test_what_is_set_is_understood(manifests):
    assert set(generated()) <= known_variables()
    for name in PROCESSES:
        set_here = {one["name"] for one in pods(manifests)[name]["spec"]["containers"][0]["env"]}
        assert set_here - {"HF_HOME"} <= known_variables()


def test_no_secret_is_written_and_each_that_is_named_is_made(tmp_path, manifests):
    assert "Secret" not in {one["kind"] for one in manifests}
    # A kubectl of the test's own: no secret is there yet; what is created goes into a file.
    stub = tmp_path / "kubectl"
    stub.write_text(
        f'#!/bin/sh\ncase "$*" in *get*) exit 1;; *create*) cat >>{tmp_path}/made; echo --- >>{tmp_path}/made;; esac\n'
    )
    stub.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "S3_ACCESS_KEY": "us:er", "S3_SECRET_KEY": "se#cret"}
    subprocess.run(["sh", str(K8S / "secrets.sh")], check=True, env=environment, capture_output=True)
    made = {one["metadata"]["name"]: one for one in yaml.safe_load_all((tmp_path / "made").read_text()) if one}
    for one in made.values():
        kubernetes_validate.validate(one, VERSIONS[0], strict=True)
    assert made["retoucher-s3"]["stringData"] == {"access-key": "us:er", "secret-key": "se#cret"}
    assert re.fullmatch(r"redis://:(\w{30,})@redis:6379/0", made["retoucher-redis"]["stringData"]["url"])
    for pod in pods(manifests).values():
        for variable in pod["spec"]["containers"][0].get("env", []):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert reference["key"] in made[reference["name"]]["stringData"]
        for volume in pod["spec"].get("volumes", []):
            for item in volume.get("secret", {}).get("items", []):
                assert item["key"] in made[volume["secret"]["secretName"]]["stringData"]


def test_only_those_who_must_reach_the_internet_and_nobody_private_addresses(manifests):
    outsiders = {"gateway", "webhooks"} | ({"action", "vllm"} if of_gpus(manifests) else set())
    policies = of_kind(manifests, "NetworkPolicy")
    deny = policies["default-deny"]["spec"]
    assert (deny["podSelector"], set(deny["policyTypes"])) == ({}, {"Ingress", "Egress"})
    assert "egress" not in deny and "ingress" not in deny
    for name, pod in pods(manifests).items():
        mine = [one for one in policies.values() if selects(one, pod["metadata"]["labels"])]
        for public in ("93.184.215.14", "2606:2800:21f:cb07::1"):
            assert any(leaves_for(one, public) for one in mine) is (name in outsiders), name
        for private in ("10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "100.64.0.1",
                        "::1", "fe80::1", "fd00::1", "2002:7f00:1::1", "64:ff9b::a9fe:a9fe"):  # fmt: skip
            assert not any(leaves_for(one, private) for one in mine), private


def test_every_scaled_deployment_leaves_its_replicas_to_the_scaler(manifests):
    deployments = of_kind(manifests, "Deployment")
    scalers = {**of_kind(manifests, "ScaledObject"), **of_kind(manifests, "HorizontalPodAutoscaler")}
    targets = {one["spec"]["scaleTargetRef"]["name"] for one in scalers.values()}
    assert targets == AGENTS | {"gateway", "orchestrator"}
    for name, deployment in deployments.items():
        assert ("replicas" in deployment["spec"]) is (name not in targets)


@pytest.mark.parametrize(("overlay", "with_gpu"), [("cpu", set()), ("gpu", {"perception", "action", "vllm"})])
def test_gpus_go_to_those_who_use_them(overlay, with_gpu):
    for name, pod in pods(kustomize(overlay)).items():
        limits = pod["spec"]["containers"][0]["resources"]["limits"]
        assert ("nvidia.com/gpu" in limits) is (name in with_gpu)
        assert ("nvidia.com/gpu" in str(pod["spec"].get("tolerations"))) is (name in with_gpu)


def test_images_have_versions_and_redis_forgets_nothing():
    for pod in pods(kustomize("gpu")).values():
        assert re.search(r":v?\d", pod["spec"]["containers"][0]["image"])
    settings = (K8S / "base" / "redis.conf").read_text(encoding="utf-8")
    assert "\nappendonly yes\n" in settings
    assert "\nmaxmemory-policy noeviction\n" in settings


def test_the_overlay_for_gpus_names_a_profile_for_gpus_and_the_images_that_can_run_it():
    manifests = kustomize("gpu")
    (settings,) = [one["data"] for name, one in of_kind(manifests, "ConfigMap").items() if name.startswith("retoucher")]
    profile = load_profile(settings["RETOUCHER_WORKER_PROFILE"])
    assert profile.device == "cuda" and settings["RETOUCHER_GATEWAY_PROFILE"] == profile.name
    assert settings["RETOUCHER_WORKER_STAGE_TIMEOUT_S"], "what the base sets stays"
    container = pods(manifests)["action"]["spec"]["containers"][0]
    assert "retoucher-action-editing:" in container["image"]
    assert int(container["resources"]["limits"]["memory"].removesuffix("Gi")) * 1024 > profile.peak_memory_mb
