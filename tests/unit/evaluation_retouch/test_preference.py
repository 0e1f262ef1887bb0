"""Answers of people, unblinded: Table 2, its intervals, and agreement by a published example."""

import io
import json
from pathlib import Path

import pytest
from fakes.blob_loop import blob_local
from rich.console import Console

from services.evaluation.agreement import krippendorff_alpha
from services.evaluation.retouch.evaluate import RetouchEvaluation, evaluate_retouch
from services.evaluation.retouch.pairs import KEY_FILE, PAGE_FILE, PreferenceKey
from services.evaluation.retouch.preference import Answers, Grade, evaluate_preference, run
from shared.errors import BadInput

KRIPPENDORFF_2011 = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
"""Four observers, twelve units: "Computing Krippendorff's Alpha-Reliability", part C; ordinal alpha is .815."""


def test_alpha_is_that_of_the_published_example() -> None:
    units = [
        [int(grade) - 1 for grade in given if grade != "."]
        for given in zip(*(line.split() for line in KRIPPENDORFF_2011), strict=True)
    ]
    assert krippendorff_alpha(units, 5) == pytest.approx(0.815, abs=5e-4)


def test_alpha_of_agreement_and_of_nothing() -> None:
    assert krippendorff_alpha([[0, 0], [3, 3], [1, 1, 1]], 5) == 1.0
    assert krippendorff_alpha([[0, 4], [4, 0], [0, 4], [4, 0]], 5) < 0  # type: ignore[operator]
    assert krippendorff_alpha([[2], [3]], 5) is None
    assert krippendorff_alpha([[2, 2], [2, 2]], 5) is None


@pytest.fixture(scope="module")
def study(blobs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "pairs"
    asked = RetouchEvaluation(blobs, tools=False, ablations=False, sabotaged=0, export_pairs=folder)
    evaluate_retouch(asked, blob_local(), Console(file=io.StringIO()))
    return folder


@pytest.fixture
def key(study: Path) -> PreferenceKey:
    for path in study.glob("answers*.json"):
        path.unlink()
    return PreferenceKey.model_validate_json((study / KEY_FILE).read_bytes())


def save(study: Path, key: PreferenceKey, rater: str, answers: dict[str, int]) -> None:
    one = Answers(study=key.study, rater=rater, answers=answers)
    (study / f"answers-{rater}.json").write_text(one.model_dump_json())


def test_the_page_is_blind_and_needs_nothing_else(study: Path, key: PreferenceKey) -> None:
    page = (study / PAGE_FILE).read_text()
    assert page.count("data:image/webp;base64,") == 12  # six pairs
    assert {pair.after for pair in key.pairs} == {"left", "right"}
    assert [pair.file for pair in key.pairs] != sorted(pair.file for pair in key.pairs)
    for word in ("loop", "images/", "http:", "https:", "after"):
        assert word not in page.split("<script>")[0].split("</style>")[1], word


def test_answers_are_read_with_the_key(study: Path, key: PreferenceKey) -> None:
    """Anna always finds the retouched one much better, Ben slightly better, and he leaves one out."""
    save(study, key, "Anna", {pair.id: 5 if pair.after == "right" else 1 for pair in key.pairs})
    save(study, key, "Ben", {pair.id: 4 if pair.after == "right" else 2 for pair in key.pairs[1:]})
    report = evaluate_preference(study)
    [row] = report.rows
    assert report.raters == {"Anna": 6, "Ben": 5}
    assert (row.arm, row.asked, row.answers, row.unchanged) == ("loop", 6, 11, 0)
    assert {name: share.value for name, share in row.shares.items()} == pytest.approx(
        {"much_better": 6 / 11, "better": 5 / 11, "same": 0.0, "worse": 0.0, "much_worse": 0.0}
    )
    assert row.agreement is not None and row.agreement < 0.2  # they never give the same grade


def test_unchanged_pictures_are_the_same_to_everybody(study: Path, key: PreferenceKey) -> None:
    (study / KEY_FILE).write_text(key.model_copy(update={"unchanged": {"loop": 6}}).model_dump_json())
    save(study, key, "Anna", {pair.id: 3 if pair.after == "right" else 5 for pair in key.pairs})
    [row] = evaluate_preference(study).rows
    worse = sum(pair.after == "left" for pair in key.pairs)
    assert row.shares[Grade.MUCH_WORSE.name.lower()].value == pytest.approx(worse / 12)
    assert row.shares[Grade.SAME.name.lower()].value == pytest.approx(1 - worse / 12)
    (study / KEY_FILE).write_text(key.model_dump_json())


def test_what_is_wrong_with_the_files_is_said(study: Path, key: PreferenceKey, tmp_path: Path) -> None:
    def said(folder: Path) -> str:
        with pytest.raises(BadInput) as error:
            evaluate_preference(folder)
        return error.value.message

    assert "holds no answers" in said(study)
    assert "--export-pairs" in said(tmp_path)
    save(study, key, "Anna", {"nobody": 3})
    assert "another page" in said(study)
    save(study, key, "Anna", {key.pairs[0].id: 6})
    assert "not 1 to 5" in said(study)
    save(study, key, "Anna", {key.pairs[0].id: 3})
    (study / "answers-again.json").write_text((study / "answers-Anna.json").read_text())
    assert "two files of answers of 'Anna'" in said(study)
    (study / "answers-again.json").write_text("{}")
    assert "as the page saves them" in said(study)


def test_the_command_prints_and_writes(study: Path, key: PreferenceKey, tmp_path: Path) -> None:
    save(study, key, "Anna", {pair.id: 3 for pair in key.pairs})
    screen, target = Console(file=io.StringIO(), width=160), tmp_path / "table2.json"
    run(study, target, screen)
    assert json.loads(target.read_text())["rows"][0]["shares"]["same"]["value"] == 1.0
    assert isinstance(screen.file, io.StringIO)
    assert "100.0% [100.0%, 100.0%]" in screen.file.getvalue()


def test_pairs_are_not_written_over_others(blobs: Path, study: Path, tmp_path: Path) -> None:
    def export(folder: Path, *, sure: bool) -> None:
        asked = RetouchEvaluation(blobs, limit=2, tools=False, ablations=False, sabotaged=0, export_pairs=folder)
        evaluate_retouch(asked, blob_local(sure=sure), Console(file=io.StringIO()))

    with pytest.raises(BadInput, match="is not empty"):
        export(study, sure=True)
    with pytest.raises(BadInput, match="nothing to compare"):
        export(tmp_path / "pairs", sure=False)
