"""vLLM: one file of settings for its container and for the tests' server; the default model is a known one."""

import importlib.util
import json
from pathlib import Path

import yaml

from services.reasoning.contract import Answer, answer_text
from services.reasoning.reasoners import served

ROOT = Path(__file__).resolve().parents[3]
FILE = "deploy/vllm/serving.yaml"
SETTINGS = yaml.safe_load((ROOT / FILE).read_text(encoding="utf-8"))
VLLM = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["vllm"]


def options(command: list[str]) -> dict[str, str]:
    """What stands behind the file of settings."""
    return dict(option.removeprefix("--").split("=", 1) for option in command[2:])


def test_a_request_has_two_pictures_and_an_answer_the_white_space_that_models_learn() -> None:
    assert json.loads(SETTINGS["limit-mm-per-prompt"]) == {"image": 2, "video": 0}
    # With `disable_any_whitespace` vLLM allows only '{"distorted":true,"category":…'.
    assert json.loads(SETTINGS["structured-outputs-config"]) == {"backend": "xgrammar"}
    told = {"distorted": False, "category": "none", "description": "", "inconsistency": "", "instruction": ""}
    answer = Answer.model_validate({**told, "confidence": 1.0})
    assert answer_text(answer).startswith('{"distorted": false, "category"')
    assert SETTINGS["enable-prefix-caching"] is True


def test_compose_starts_it_with_that_file_and_says_nothing_twice() -> None:
    (mounted,) = [volume for volume in VLLM["volumes"] if volume.startswith(f"./{FILE}:")]
    target = mounted.split(":")[1]
    # Two words: as one, with "=", vLLM ignores the file.
    assert VLLM["command"][:2] == ["--config", target] and mounted.endswith(":ro")
    assert not set(options(VLLM["command"])) & set(SETTINGS)


def test_the_default_model_is_served_from_its_commit() -> None:
    given = options(VLLM["command"])
    model = given["model"].partition(":-")[2].removesuffix("}")
    public = served(model).profile
    assert public is not None and f":-{public.revision}}}" in given["revision"]


def test_the_cpu_environment_and_the_container_have_the_same_vllm() -> None:
    lock = (ROOT / "deploy/vllm/requirements-cpu.txt").read_text(encoding="utf-8")
    gpu = (ROOT / "deploy/vllm/requirements-gpu.txt").read_text(encoding="utf-8")
    version = VLLM["image"].partition("vllm-openai:v")[2].removesuffix("}")
    assert f"\nvllm-cpu=={version}\n" in lock and f"\nvllm=={version}\n" in gpu


spec = importlib.util.spec_from_file_location("serve_cpu", ROOT / "deploy/vllm/serve_cpu.py")
assert spec is not None and spec.loader is not None
serve_cpu = importlib.util.module_from_spec(spec)
spec.loader.exec_module(serve_cpu)


def test_too_little_shared_memory_is_said_before_it_starts() -> None:
    assert serve_cpu.complaint(64 << 20).startswith("vLLM needs 400 MB of /dev/shm, and 64 are free: enlarge it")
    assert serve_cpu.complaint(512 << 20) is None


def test_a_cpu_reads_the_same_file() -> None:
    option, file = serve_cpu.CONFIG
    assert option == "--config" and Path(file) == ROOT / FILE
