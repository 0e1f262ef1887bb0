"""The manifests of k8s/: as they are written and as kustomize renders them, and what their policies let through."""

import ipaddress
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

K8S = Path(__file__).resolve().parents[2] / "k8s"


def kustomize(overlay: str | Path) -> list[dict]:
    """The overlay, or a folder, as kubectl renders it."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: the manifests are checked as they are written, not as rendered")
    version = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True).stdout
    found = re.search(r"Kustomize Version: v(\d+)", version)
    if found is None or int(found.group(1)) < 4:
        pytest.skip("kubectl's kustomize is older than v4: the manifests are checked as they are written")
    done = subprocess.run([kubectl, "kustomize", str(K8S / "overlays" / overlay)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def written() -> list[dict]:
    """The own manifests of base, components and overlays, file by file."""
    files = [*K8S.glob("base/*.yaml"), *K8S.glob("overlays/*/*.yaml"), *K8S.glob("components/*/*.yaml")]
    documents = [one for file in files for one in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return [one for one in documents if isinstance(one, dict) and one["kind"] not in ("Kustomization", "Component")]


def of_kind(manifests: list[dict], kind: str) -> dict[str, dict]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def pods(manifests: list[dict]) -> dict[str, dict]:
    """Pod templates of everything that runs."""
    running = {**of_kind(manifests, "Deployment"), **of_kind(manifests, "StatefulSet")}
    return {name: one["spec"]["template"] for name, one in running.items()}


def selects(policy: dict, labels: dict[str, str]) -> bool:
    selector = policy["spec"]["podSelector"]
    for one in selector.get("matchExpressions", []):
        if (labels.get(one["key"]) in one["values"]) is (one["operator"] == "NotIn"):
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def leaves_for(policy: dict, address: str) -> bool:
    """Whether a policy lets traffic out to an address."""
    ip = ipaddress.ip_address(address)
    for rule in policy["spec"].get("egress", []):
        for to in rule.get("to", []):
            block = to.get("ipBlock")
            if block is None or ip not in ipaddress.ip_network(block["cidr"]):
                continue
            if not any(ip in ipaddress.ip_network(one) for one in block["except"]):
                return True
    return False


def with_a_model(manifests: list[dict]) -> bool:
    """Whether a language model is served here: as written, where all is, and in the overlay for GPUs."""
    return "vllm-from-reasoning" in of_kind(manifests, "NetworkPolicy")


def of_gpus(manifests: list[dict]) -> bool:
    """Whether these are the manifests of the overlay for GPUs, where action fetches weights from a hub."""
    limits = pods(manifests)["action"]["spec"]["containers"][0]["resources"]["limits"]
    return "nvidia.com/gpu" in limits
