"""The package as callers get it: its wheel, in an environment that has its declared dependencies and nothing else."""

import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "shared" / "client"

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"

USE = """
import sys
import retoucher_client
client = retoucher_client.Retoucher("http://127.0.0.1:9")
try:
    import services
except ModuleNotFoundError:
    print(retoucher_client.__file__)
"""


def needed(name: str, seen: dict[str, Distribution]) -> dict[str, Distribution]:
    """The distribution and all that it needs, by name; extras are left out."""
    key = canonicalize_name(name)
    if key not in seen:
        seen[key] = distribution(name)
        for requirement in map(Requirement, seen[key].requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed(requirement.name, seen)
    return seen


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that no build folder is left beside the source."""
    copy = tmp_path_factory.mktemp("source") / "client"
    for path in (path for path in PROJECT.rglob("*") if path.is_file() and "egg-info" not in str(path)):
        target = copy / path.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out / done.stdout.splitlines()[-1]


def test_the_wheel_holds_the_package_its_types_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        said = archive.read(metadata).decode()
    sources = {f"retoucher_client/{path.name}" for path in (PROJECT / "src" / "retoucher_client").glob("*.py")}
    assert names == sources | {"retoucher_client/py.typed"}
    assert sorted(re.findall(r"^Requires-Dist: (\w+)", said, re.MULTILINE)) == ["httpx", "pydantic"]


def test_it_is_imported_where_only_its_dependencies_are(wheel, tmp_path):
    venv.create(tmp_path / "clean", with_pip=False, symlinks=True)
    (site,) = (tmp_path / "clean" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    found = needed("pydantic", needed("httpx", {}))
    assert {"httpcore", "pydantic-core", "anyio"} <= set(found)
    for one in found.values():
        for top in {file.parts[0] for file in one.files or () if file.parts[0] not in ("..", "__pycache__")}:
            (site / top).symlink_to(one.locate_file(top))
    python = tmp_path / "clean" / "bin" / "python"
    done = subprocess.run([python, "-I", "-c", USE], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(site / "retoucher_client" / "__init__.py")


def test_nothing_of_the_server_is_imported():
    for path in (PROJECT / "src").rglob("*.py"):
        assert not re.search(r"^\s*(from|import) (services|shared)\b", path.read_text("utf-8"), re.MULTILINE), path
