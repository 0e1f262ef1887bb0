"""The output folder: all or nothing, and never somebody else's files."""

import errno
import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from services.report.folder import ENTRIES, new_folder, write_files, write_output_folder
from shared.contracts.jobs import JobRecord
from shared.errors import BadInput, ErrorCode, StageError, Unavailable


@pytest.fixture
def local(finished):
    """As much of `Local` as the writer asks for, over the job made by hand."""
    finished.store.put("job_x/result.png", finished.store.get("job_x/original.png"))
    finished.store.put("job_x/r1.png", finished.store.get("job_x/p2.alpha.png"))
    artifacts = {
        "result.png": "job_x/result.png",
        "edited_mask.png": "job_x/r1.png",
        "masks/r1.png": "job_x/r1.png",
        "saliency/before.png": "job_x/r1.png",
    }
    job = finished.job.model_copy(update={"artifacts": artifacts})
    return SimpleNamespace(
        jobs=SimpleNamespace(load=lambda job_id: SimpleNamespace(job=job)),
        record=lambda job_id: finished.record,
        store=finished.store,
    )


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def fill(folder: Path) -> None:
    (folder / "masks").mkdir()
    (folder / "masks" / "r9.png").write_bytes(b"new")
    (folder / "result.png").write_bytes(b"new")


def test_writes_what_the_design_names(local, tmp_path):
    written = write_output_folder(local, "job_x", tmp_path / "out")
    top = {path.name for path in (tmp_path / "out").iterdir()}
    assert top == ENTRIES
    assert 0 < written.edited_share < 1
    record = JobRecord.model_validate_json((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert record == local.record("job_x")
    with Image.open(tmp_path / "out" / "result.png") as image:
        assert image.size == (640, 480)


def test_no_other_file_is_left_beside_the_folder(local, tmp_path):
    write_output_folder(local, "job_x", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_folder_is_readable_as_any_other(local, tmp_path):
    before = os.umask(0o022)
    try:
        write_output_folder(local, "job_x", tmp_path / "out")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


def test_missing_parents_are_made(local, tmp_path):
    write_output_folder(local, "job_x", tmp_path / "a" / "b" / "out")
    assert (tmp_path / "a" / "b" / "out" / "report.html").is_file()


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt()])
def test_nothing_is_left_when_the_block_fails(tmp_path, error, exists):
    if exists:
        (tmp_path / "a" / "b").mkdir(parents=True)
    before = listing(tmp_path)
    with pytest.raises(type(error)), new_folder(tmp_path / "a" / "b") as staging:
        fill(staging)
        raise error
    assert listing(tmp_path) == before


def test_other_errors_of_the_block_are_not_blamed_on_the_output(tmp_path):
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "out"):
        (tmp_path / "a model that is gone").read_bytes()


def test_an_empty_folder_is_filled_in_place(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    inode = out.stat().st_ino
    with new_folder(out) as staging:
        fill(staging)
    assert out.stat().st_ino == inode  # it may be a mount point
    assert listing(out) == ["masks", "masks/r9.png", "result.png"]


def test_a_folder_with_files_is_refused_and_untouched(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(BadInput, match="choose another --out") as caught, new_folder(out, overwrite=overwrite):
            pytest.fail("the block must not be entered")
        assert caught.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
        assert "--overwrite" not in caught.value.message
    assert listing(out) == ["thesis.txt"]


def test_own_output_is_replaced_only_when_asked(local, tmp_path):
    out = tmp_path / "out"
    write_output_folder(local, "job_x", out)
    (out / "masks" / "stale.png").write_bytes(b"old")
    with pytest.raises(BadInput, match="add --overwrite"):
        write_output_folder(local, "job_x", out)
    write_output_folder(local, "job_x", out, overwrite=True)
    assert not (out / "masks" / "stale.png").exists()
    assert {path.name for path in out.iterdir()} == ENTRIES


@pytest.mark.parametrize("content", ["not json", json.dumps({"schema_version": 1}), ""])
def test_a_folder_that_only_looks_like_ours_is_refused(tmp_path, content):
    out = tmp_path / "out"
    out.mkdir()
    (out / "result.json").write_text(content)
    with pytest.raises(BadInput, match="did not write"), new_folder(out, overwrite=True):
        pytest.fail("the block must not be entered")
    assert (out / "result.json").read_text() == content


def test_own_output_with_a_file_of_the_users_is_refused(local, tmp_path):
    out = tmp_path / "out"
    write_output_folder(local, "job_x", out)
    (out / "notes.txt").write_text("keep")
    with pytest.raises(BadInput):
        write_output_folder(local, "job_x", out, overwrite=True)
    assert (out / "notes.txt").read_text() == "keep"


@pytest.mark.parametrize("where", ["a file", "below a file", "dangling link"])
def test_places_that_cannot_be_a_folder(tmp_path, where):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    out = {"a file": tmp_path / "file", "below a file": tmp_path / "file" / "out", "dangling link": tmp_path / "link"}
    before = listing(tmp_path)
    with pytest.raises(BadInput, match="choose another --out") as caught, new_folder(out[where]):
        pytest.fail("the block must not be entered")
    assert caught.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
    assert listing(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(BadInput, match="Permission denied"), new_folder(tmp_path / "locked" / "out"):
        pytest.fail("the block must not be entered")


def test_an_artifact_cannot_leave_the_folder(local, tmp_path):
    local.jobs.load("job_x").job.artifacts["../escaped.png"] = "job_x/r1.png"
    with pytest.raises(StageError, match="outside the folder"):
        write_output_folder(local, "job_x", tmp_path / "out")
    assert listing(tmp_path) == []


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 KB; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_leaves_nothing(local, tiny_disk):
    with pytest.raises(Unavailable, match="is full, nothing was written") as caught:
        write_output_folder(local, "job_x", tiny_disk / "out")
    assert caught.value.code is ErrorCode.DISK_FULL
    assert listing(tiny_disk) == []


def test_a_full_disk_leaves_a_mounted_folder_empty(local, tiny_disk):
    with pytest.raises(Unavailable):
        write_output_folder(local, "job_x", tiny_disk)
    assert listing(tiny_disk) == []


def test_the_record_is_moved_last(local, tmp_path, monkeypatch):
    """Whoever finds result.json finds the rest, too."""
    order = []
    replace = Path.replace

    def noted(self, target):
        order.append(self.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", noted)
    (tmp_path / "out").mkdir()
    write_output_folder(local, "job_x", tmp_path / "out")
    assert order[-1] == "result.json" and set(order) == ENTRIES


def test_quota_counts_as_full(monkeypatch, local, tmp_path):
    def refuse(self, data):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(Unavailable), new_folder(tmp_path / "out") as staging:
        write_files(local, "job_x", staging)
    monkeypatch.undo()
    assert listing(tmp_path) == []
