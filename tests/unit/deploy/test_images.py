"""The Dockerfiles: lint, locks that are current, and that what each copies and installs is enough for its process.

The last is tried without a container: the process' real wiring runs on the copied packages alone, with every module
refused that belongs to a package outside the image's lock.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
CONSTRAINTS = ROOT / "deploy" / "constraints"
SERVICES = ("gateway", "orchestrator", "perception", "reasoning", "action")

spec = importlib.util.spec_from_file_location("image_locks", CONSTRAINTS / "images.py")
assert spec is not None and spec.loader is not None
image_locks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(image_locks)


WITH_TORCH = {"perception-saliency", "action-editing"}


def dockerfile(service: str) -> str:
    return (ROOT / "deploy" / service / "Dockerfile").read_text(encoding="utf-8")


def packages_of(lock: str) -> dict[str, str]:
    lines = (CONSTRAINTS / lock).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def copied(service: str) -> list[str]:
    """What the image has of `services`."""
    lines = re.findall(r"^COPY (services/.*) \S+$", dockerfile(service), re.MULTILINE)
    return [source for line in lines for source in line.split()]


@pytest.mark.parametrize("service", SERVICES)
def test_hadolint_has_nothing_to_say(service):
    command = [str(Path(sys.executable).parent / "hadolint"), f"deploy/{service}/Dockerfile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_image_locks_are_those_of_pyproject_and_the_locks_for_development():
    written = {path.name: path.read_text(encoding="utf-8") for path in CONSTRAINTS.glob("image-*.txt")}
    written["build.txt"] = (CONSTRAINTS / "build.txt").read_text(encoding="utf-8")
    assert written == image_locks.locks(), "run `make lock-images`"


@pytest.mark.parametrize("python", ["3.11.0", "3.11.2", "3.11.14"])
def test_the_locks_hold_what_an_earlier_or_later_python_needs(python):
    """A lock is made on one Python, and what a package needs may depend on it."""
    there = default_environment() | {"python_full_version": python, "python_version": "3.11", "extra": ""}
    known, missing = image_locks.versions(), set()
    for name in image_locks.closure(
        one for extras in image_locks.IMAGES.values() for one in image_locks.extras_of(*extras)
    ):
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if (needed.marker is None or needed.marker.evaluate(there)) and canonicalize_name(needed.name) not in known:
                missing.add(needed.name)
    assert {name for name in missing if image_locks.wanted(name)} - image_locks.REPLACED == set()


@pytest.mark.parametrize("image", sorted(set(image_locks.IMAGES) - WITH_TORCH))
def test_only_the_image_for_networks_has_torch(image):
    packages = packages_of(f"image-{image}.txt")
    assert not {"torch", "transformers", "opencv-python"} & set(packages)
    assert "celery" in packages and "redis" in packages and "minio" in packages
    for other in WITH_TORCH:
        assert "torch" in packages_of(f"image-{other}.txt")


@pytest.mark.parametrize("service", SERVICES)
def test_the_base_can_be_chosen_and_nothing_runs_as_root(service):
    text = dockerfile(service)
    assert re.search(r"^ARG BASE_IMAGE=\S+:\S+$", text, re.MULTILINE)
    last = text[text.rindex("\nFROM ") :]
    assert "FROM ${BASE_IMAGE}\n" in last
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)


REFUSE = """
import importlib.metadata as metadata, re, sys
tree, packages, allowed = sys.argv[1], sys.argv[2].split(':'), set(sys.argv[3].split(','))
sys.path = [tree, *[entry for entry in sys.path if entry], *packages]
name = lambda text: re.sub(r'[-_.]+', '-', text).lower()
refused = {top for top, some in metadata.packages_distributions().items() if not allowed & {name(one) for one in some}}
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        absent = fullname.partition('.')[0] in refused - {'services', 'shared'}
        return None if absent else super().find_spec(fullname, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""

WIRING = """
from types import SimpleNamespace
from prometheus_client import CollectorRegistry
from services import cli
from services.commands.machines import run
from services.distributed import ModelSettings, WorkRules, build_agent
from shared.adapters.clock import SystemClock
from shared.adapters.memory import MemoryImageStore
from shared.profiles import load_profile
from shared.reasoning_settings import ReasoningSettings
from shared.telemetry import WorkerMetrics
role = sys.argv[4]
process = SimpleNamespace(clock=SystemClock(), tell_of_tools=lambda tools: None)
if role in ('perception', 'reasoning', 'action'):
    metrics = WorkerMetrics(CollectorRegistry())
    served = ModelSettings(ReasoningSettings(url='http://127.0.0.1:1/v1', model='m'))
    build_agent(role, process, load_profile(sys.argv[5]), MemoryImageStore(), WorkRules(), metrics, served)
    __import__(f'services.{role}.tasks')
elif role == 'orchestrator':
    import services.orchestrator.conductor, services.orchestrator.finalize, services.orchestrator.sweeper
    import services.orchestrator.tasks, services.commands.machines.webhooks
else:
    import services.commands.machines.gateway, services.report.page, services.report.pictures
print('wired')
"""


@pytest.mark.parametrize(
    ("service", "image", "profile"),
    [
        *((service, service, "tiny") for service in SERVICES),
        ("perception", "perception-saliency", "tiny-saliency"),
        ("action", "action-editing", "tiny"),
    ],
)
def test_the_process_runs_on_what_its_image_has(service, image, profile, tmp_path):
    shutil.copytree(ROOT / "shared", tmp_path / "shared", ignore=shutil.ignore_patterns("client", "__pycache__"))
    for source in copied(service):
        target = tmp_path / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("training", "__pycache__"))
        else:
            shutil.copy(ROOT / source, target)
    locked = ",".join(canonicalize_name(name) for name in packages_of(f"image-{image}.txt"))
    site = ":".join(entry for entry in sys.path if entry.endswith("-packages"))
    # -S: no .pth file, so that neither the checkout nor anything else slips in.
    command = [sys.executable, "-S", "-I", "-c", REFUSE + WIRING, str(tmp_path), site, locked, service, profile]
    quiet = {"OMP_NUM_THREADS": "1", "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=quiet, timeout=200)
    assert done.stdout.strip() == "wired", done.stderr[-3000:]
