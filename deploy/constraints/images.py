"""Writes image-<name>.txt: of dev.txt and train.txt, what an image of deploy/ needs for its extras and nothing else.

Reads what is installed in this environment: install a new lock before. Run it (`make lock-images`) after a change of an
extra in pyproject.toml, too; a test compares.
"""

import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
PROJECT = "agentic-retoucher"

IMAGES = {
    "gateway": ("gateway", "report", "machines", "otel"),
    "orchestrator": ("orchestrator", "otel"),
    "perception": ("perception", "machines", "otel"),
    "perception-saliency": ("perception", "saliency", "machines", "otel"),
    "reasoning": ("reasoning", "machines", "otel"),
    "action": ("action", "gemini", "machines", "otel"),
    "action-editing": ("action", "editing", "gemini", "machines", "otel"),
}
"""Extras of each image. `perception-saliency` and `action-editing` are for profiles whose detectors, or tools, need
torch."""

BESIDE = {"action-editing": ("torchvision==0.28.0",)}
"""Pins of an image that development does without: the processor of Qwen-Image-Edit needs torchvision, whose public
build cannot be imported beside a CPU's torch. It goes with the torch of the locks (deploy/vllm has the same pair)."""

BUILD = ("setuptools",)
"""What builds the project's own wheel; in no image."""

REPLACED = {"opencv-python"}
"""See lock.py."""

HEADER = "# Complete lock of an image's extras, written by `make lock-images`; for `pip install --no-deps -r`.\n"


def versions() -> dict[str, str]:
    """Every package of the locks, by its canonical name: the version."""
    found: dict[str, str] = {}
    for name in ("dev.txt", "train.txt"):
        for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
            package, _, version = line.partition("==")
            if version:
                found[canonicalize_name(package)] = version
    return found


def closure(requirements: Iterable[Requirement]) -> set[str]:
    """Canonical names of the packages that these requirements bring on this platform, themselves included."""
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, extra) for requirement in requirements for extra in ("", *requirement.extras)]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen or name in REPLACED:
            continue
        seen.add((name, extra))
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting.extend((needed, one) for one in ("", *needed.extras))
    return {name for name, _ in seen}


def extras_of(*names: str) -> list[Requirement]:
    """The project's dependencies and those of the extras, with the project's own extras resolved."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [Requirement(text) for text in project["dependencies"]]
    waiting = list(names)
    while waiting:
        for text in project["optional-dependencies"][waiting.pop()]:
            requirement = Requirement(text)
            if requirement.name == PROJECT:
                waiting.extend(requirement.extras)
            else:
                found.append(requirement)
    return found


def lock_of(requirements: Iterable[Requirement], beside: Iterable[str] = ()) -> str:
    """The lock as text, with the pins `beside` those of the locks for development.

    Raises:
        KeyError: something needed is in neither lock: run `make lock`.
    """
    known = versions()
    pins = {name: f"{name}=={known[name]}" for name in closure(requirements) if wanted(name)}
    pins |= {pin.partition("==")[0]: pin for pin in beside}
    return HEADER + "".join(f"{pins[name]}\n" for name in sorted(pins))


def wanted(name: str) -> bool:
    """Whether the lock names it: what a CUDA build of torch brings is found by pip from torch itself."""
    return not name.startswith(("nvidia-", "cuda-", "triton"))


def locks() -> dict[str, str]:
    """File name to text, of every image and of the build."""
    files = {
        f"image-{image}.txt": lock_of(extras_of(*extras), BESIDE.get(image, ())) for image, extras in IMAGES.items()
    }
    files["build.txt"] = lock_of(Requirement(name) for name in BUILD)
    return files


def main() -> None:
    """Writes them all."""
    for name, text in locks().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}: {text.count('==')} packages\n")


if __name__ == "__main__":
    main()
