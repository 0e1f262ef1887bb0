"""`retoucher retouch` and `retoucher doctor` as a user runs them, with the real reader and the real tools."""

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.cli import main
from services.commands.doctor import MEANT, PROMPT, WRITTEN, sign
from shared.contracts.jobs import JobRecord, Outcome


def retoucher(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(np.int16)


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("given") / "sign.png"
    path.write_bytes(sign())
    return path


@pytest.fixture(scope="module")
def retouched(picture, tmp_path_factory):
    """The folder, the record and what was printed, by a process of its own."""
    out = tmp_path_factory.mktemp("made") / "out"
    command = [sys.executable, "-m", "services.cli", "retouch", str(picture), "--prompt", PROMPT, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out, JobRecord.model_validate_json((out / "result.json").read_text(encoding="utf-8")), done


def test_a_misspelt_sign_is_repaired_and_the_rest_untouched(retouched):
    out, record, _ = retouched
    assert record.outcome is Outcome.REPAIRED
    original, result = pixels(out / "original.png"), pixels(out / "result.png")
    may_differ = pixels(out / "edited_mask.png") > 0
    differs = np.abs(original - result).max(axis=2) > 0
    assert differs.any() and not (differs & ~may_differ).any()
    assert 0 < may_differ.mean() < 0.5
    regions = {f"{region.id}.png" for region in record.regions}
    assert regions <= {path.name for path in (out / "masks").iterdir()}
    assert {path.name for path in (out / "saliency").iterdir()} == {"before.png", "after.png"}


def test_what_is_printed(retouched):
    out, _, done = retouched
    assert re.fullmatch(
        r"repaired 1 of 1 region: '.*COFFE.*' -> '.*COFFEE.*'; 0 pixels changed outside the masks "
        rf"\([\d.]+% of the image\); report: {re.escape(str(out))}/report\.html\n",
        done.stdout,
    )
    lines = done.stderr.splitlines()
    assert "looking for flaws" in lines and "repairing" in lines
    assert "\x1b" not in done.stderr  # no terminal, no control characters


def test_the_report_tells_the_same(retouched):
    out, record, _ = retouched
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "The one flaw found is repaired." in page
    assert record.id in page and record.input.sha256 in page
    assert len(page) < 15_000_000


def test_the_same_seed_gives_the_same_picture(retouched, picture, tmp_path, capsys):
    out, _, _ = retouched
    assert retoucher("retouch", str(picture), "--prompt", PROMPT, "--out", str(tmp_path / "again")) == 0
    assert (tmp_path / "again" / "result.png").read_bytes() == (out / "result.png").read_bytes()


def test_a_correct_sign_stays_as_it_is(picture, tmp_path, capsys):
    out = tmp_path / "out"
    prompt = PROMPT.replace(MEANT, WRITTEN)
    assert retoucher("retouch", str(picture), "--prompt", prompt, "--out", str(out)) == 0
    assert capsys.readouterr().out.startswith("nothing to fix; not a pixel changed; report: ")
    assert (pixels(out / "result.png") == pixels(picture)).all()
    assert not pixels(out / "edited_mask.png").any()


def test_analysis_changes_nothing(picture, tmp_path, capsys):
    out = tmp_path / "out"
    assert retoucher("retouch", str(picture), "--prompt", PROMPT, "--out", str(out), "--mode", "analyze") == 0
    assert capsys.readouterr().out.startswith("found 1 region: ")
    assert (pixels(out / "result.png") == pixels(picture)).all()
    assert "1 flaw found" in (out / "report.html").read_text(encoding="utf-8")


def test_what_is_protected_is_never_edited(picture, tmp_path, capsys):
    mask = tmp_path / "protect.png"
    Image.new("L", (640, 360), 255).save(mask)
    out = tmp_path / "out"
    assert retoucher("retouch", str(picture), "--prompt", PROMPT, "--out", str(out), "--protect", str(mask)) == 0
    assert (pixels(out / "result.png") == pixels(picture)).all()


def test_a_jpeg_with_words_given_outright(tmp_path, capsys):
    jpeg = tmp_path / "sign.jpg"
    with Image.open(io.BytesIO(sign())) as image:
        image.save(jpeg, quality=92)
    out = tmp_path / "out"
    code = retoucher("retouch", str(jpeg), "--prompt", "a sign", "--expected-text", MEANT, "--out", str(out))
    assert code == 0
    assert capsys.readouterr().out.startswith("repaired 1 of 1 region: ")


def test_the_doctor_passes_on_what_ships(capsys):
    assert retoucher("doctor") == 0
    captured = capsys.readouterr()
    assert re.findall(r"^(\w+) +(pass|fail)", captured.out, re.MULTILINE) == [
        (agent, "pass") for agent in ("perception", "reasoning", "action", "result")
    ]
    assert re.search(r"peak memory \d+ MB", captured.out)
    assert captured.out.endswith("profile tiny works on this machine\n")


def test_the_doctor_refuses_an_unknown_profile(capsys):
    assert retoucher("doctor", "--profile", "gpu-9000") == 2
    assert capsys.readouterr().err.startswith("error: there is no profile 'gpu-9000'")
