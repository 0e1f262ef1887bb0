"""`retoucher submit` against a real server: the folder, the line and the progress of `retouch`."""

import json

import pytest

from services.cli import main


def submit(server: str, image, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["submit", str(image), "--prompt", "a picture", "--server", server, *arguments])
    return ended.value.code


def test_the_whole_folder_is_fetched_and_replaced(idle_server, picture, tmp_path, capsys):
    image, out = tmp_path / "a.png", tmp_path / "out"
    image.write_bytes(picture)
    for more in ([], ["--overwrite"]):
        assert submit(idle_server, image, "--out", str(out), *more) == 0
        captured = capsys.readouterr()
        assert captured.out == f"nothing to fix; not a pixel changed; report: {out}/report.html\n"
        assert "looking for flaws" in captured.err.splitlines()
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {"result.png", "original.png", "edited_mask.png", "report.html", "result.json"} <= names
    assert json.loads((out / "result.json").read_text())["outcome"] == "nothing_to_fix"
    assert submit(idle_server, image, "--out", str(out)) == 2
    assert "add --overwrite" in capsys.readouterr().err


def test_without_a_folder_and_without_waiting(idle_server, picture, tmp_path, capsys):
    image = tmp_path / "a.png"
    image.write_bytes(picture)
    assert submit(idle_server, image) == 0
    assert capsys.readouterr().out.startswith(f"nothing to fix; not a pixel changed; job: {idle_server}/v1/jobs/job_")
    assert submit(idle_server, image, "--no-wait") == 0
    assert f"{idle_server}/v1/jobs/job_" in capsys.readouterr().out


def test_what_the_server_refuses_is_said_as_retouch_says_it(idle_server, tmp_path, capsys):
    image = tmp_path / "a.png"
    image.write_bytes(b"once upon a time there was no image")
    assert submit(idle_server, image, "--out", str(tmp_path / "out")) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: {image}: ")
    assert not (tmp_path / "out").exists()
