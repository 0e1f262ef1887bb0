"""From answers to Table 4: rows, comparisons, words, boxes as maps. No model."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes.marked import MarkedSource
from fakes.vision_server import says
from PIL import Image
from rich.console import Console

from services.evaluation.reasoning.boxes import boxes_row, rasterised, read_boxes
from services.evaluation.reasoning.confusion import draw_confusion
from services.evaluation.reasoning.figures import ReasoningReport, to_tables
from services.evaluation.reasoning.measure import Asked, Yardsticks, compared, confusion, measured_row
from services.evaluation.reasoning.wordnet import WordNet
from services.evaluation.reasoning.words import meteor, read_vectors, rouge_l, word2vec
from services.reasoning.contract import CATEGORY_NAMES
from services.reasoning.parse import parse_answer
from services.reasoning.scoring import judge
from shared.errors import BadInput, ErrorCode

HAND = parse_answer(says(category="hand", description="The hand has six fingers."))
SOUND = parse_answer(says(distorted=False))
TRUTHS = [HAND, HAND, SOUND, SOUND]
GOOD = judge([says(category="hand"), says(category="hand"), says(distorted=False), says(category="face")], TRUTHS)
BAD = judge([says(category="face"), "{", says(distorted=False), "no"], TRUTHS)


def alike(said: Sequence[str], true: Sequence[str]) -> list[float]:
    return [0.5] * len(said)


STICKS = Yardsticks(alike, None, None)


def test_a_row_of_table_4() -> None:
    row = measured_row(Asked("m", GOOD), STICKS)
    assert (row.accuracy, row.category_accuracy, row.distorted_recall, row.healthy_recall) == (0.75, 1, 1, 0.5)
    assert (row.json_valid, row.sentence_similarity, row.reward) == (1, 0.5, 2.25)
    assert row.per_category == {"hand": 1, "none": 0.5}
    assert row.meteor is None and row.word2vec is None
    assert row.calibration_error == pytest.approx(0.15)  # all say 0.9, three of four are right
    bad = measured_row(Asked("b", BAD), STICKS)
    assert (bad.accuracy, bad.json_valid, bad.sentence_similarity, bad.reward) == (0.25, 0.5, 0.25, 1.0)
    assert measured_row(Asked("n", judge(["", ""], TRUTHS[:2])), STICKS).calibration_error is None


def test_two_models_are_compared_region_by_region() -> None:
    found = compared(Asked("before", BAD * 30), Asked("after", GOOD * 30), alike)
    assert found.accuracy.mean == pytest.approx(0.5) and found.reward.mean == pytest.approx(1.25)
    assert 0 < found.accuracy.low < found.accuracy.mean < found.accuracy.high
    same = compared(Asked("a", GOOD), Asked("b", GOOD), alike)
    assert (same.reward.low, same.reward.mean, same.reward.high) == (0, 0, 0)
    with pytest.raises(ValueError, match="same regions"):
        compared(Asked("a", GOOD), Asked("b", GOOD[:2]), alike)


def test_confusion_counts_unreadable_answers_apart(tmp_path: Path) -> None:
    counts = confusion(BAD, CATEGORY_NAMES)
    hand, face, none = (CATEGORY_NAMES.index(name) for name in ("hand", "face", "none"))
    assert counts[hand, face] == 1 and counts[hand, -1] == 1 and counts[none, none] == 1 and counts[none, -1] == 1
    assert counts.sum() == 4
    draw_confusion([Asked("a", GOOD), Asked("b", BAD)], tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as picture:
        assert picture.width > 500
    with pytest.raises(BadInput) as refused:
        draw_confusion([Asked("a", GOOD)], tmp_path / "no" / "confusion.png")
    assert refused.value.code is ErrorCode.OUTPUT_NOT_WRITABLE


def test_tables_name_every_model_and_category() -> None:
    rows = tuple(measured_row(Asked(name, judged), STICKS) for name, judged in (("SFT", BAD), ("GRPO", GOOD)))
    report = ReasoningReport(
        data="d",
        distorted=2,
        healthy=2,
        rows=rows,
        comparisons=(compared(Asked("SFT", BAD), Asked("GRPO", GOOD), alike),),
    )
    console = Console(file=io.StringIO(), width=120)
    console.print(to_tables(report))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "SFT" in shown and "GRPO - SFT" in shown and "hand" in shown and "0.750" in shown


def test_rouge_counts_common_words_in_order() -> None:
    texts = ["The hand has six fingers.", "a paw", "{"]
    judged = judge([*(says(category="hand", description=text) for text in texts[:2]), texts[2]], [HAND] * 3)
    assert rouge_l(judged) == [1.0, 0.0, 0.0]


def write_wordnet(folder: Path) -> Path:
    """`hand` and `paw` of one meaning, and `car` alone, in WordNet's format; the other parts hold nothing."""
    folder.mkdir()
    lines = ["  1 a licence\n", "00000000 05 n 02 hand 0 paw 0 000 | a limb\n", "00000000 06 n 01 car 0 000 | it\n"]
    at = [sum(len(line) for line in lines[:number]) for number in range(3)]
    lines[1], lines[2] = f"{at[1]:08d}{lines[1][8:]}", f"{at[2]:08d}{lines[2][8:]}"
    (folder / "data.noun").write_text("".join(lines))
    index = [f"{word} n 1 0 1 0 {at[number]:08d}  \n" for word, number in (("car", 2), ("hand", 1), ("paw", 1))]
    (folder / "index.noun").write_text("  1 a licence\n" + "".join(index))
    for part in ("verb", "adj", "adv"):
        (folder / f"index.{part}").write_text("")
        (folder / f"data.{part}").write_text("")
    return folder


def test_meteor_knows_synonyms(tmp_path: Path) -> None:
    wordnet = WordNet(write_wordnet(tmp_path / "wordnet"))
    assert [lemma.name() for synset in wordnet.synsets("Hand") for lemma in synset.lemmas()] == ["hand", "paw"]
    assert wordnet.synsets("unknown") == []
    said = ["The paw has six fingers.", "The car has six fingers.", "The hand has six fingers."]
    judged = judge([says(category="hand", description=text) for text in said], [HAND] * 3)
    synonym, other, same = meteor(judged, wordnet)
    assert other < synonym <= same
    assert meteor(judge(["{"], [HAND]), wordnet) == [0.0]


def test_word2vec_compares_means_of_vectors(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("3 2\nhand 1 0\npaw 1 0.1\ncar -1 0\n")
    vectors = read_vectors(path)
    said = ["paw", "car", "nothing known"]
    values = word2vec(judge([says(description=text) for text in said] + ["{"], [HAND] * 4), vectors)
    assert values[0] == pytest.approx(0.995, abs=1e-3) and values[1:] == [0, 0, 0]


@pytest.mark.parametrize("text", [None, "hand one two\n", "hand 1 2\npaw 1\n", ""])
def test_a_file_without_vectors_is_bad_input(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput):
        read_vectors(path)


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ('{"boxes": [[1, 2, 30.5, 40]]}', [(1, 2, 30, 40)]),
        ('```json\n{"boxes": [[-5, 0, 500, 10], [9, 9, 9, 20]]}\n```', [(0, 0, 120, 10)]),
        ('{"boxes": []}', []),
        ('{"boxes": [[1, 2, 3]]}', None),
        ('{"boxes": [[1, 2, 3, 1e999]]}', None),
        ("nothing is wrong", None),
        ("", None),
    ],
)
def test_boxes_are_read_from_words(text: str, boxes: list[tuple[int, int, int, int]] | None) -> None:
    assert read_boxes(text, (80, 120)) == boxes


def test_right_boxes_measure_better_than_none_and_wrong_ones() -> None:
    assert (rasterised((), (80, 120)) == 0.5).all()
    samples = MarkedSource(12)
    flawed = [samples[at] for at in range(12) if samples[at].visible_masks][:6]
    asked: list[str] = []

    def right(pictures: Sequence[Image.Image], requests: Sequence[str]) -> Sequence[str]:
        asked.extend(requests)
        return [str({"boxes": [list(t.box_xyxy_px) for t in found_by(p).truths]}).replace("'", '"') for p in pictures]

    def found_by(picture: Image.Image) -> object:
        return next(one for one in flawed if np.array_equal(one.image, np.asarray(picture)))

    def wrong(pictures: Sequence[Image.Image], requests: Sequence[str]) -> Sequence[str]:
        return ['{"boxes": [[0, 0, 4, 4]]}'] * len(pictures)

    def silent(pictures: Sequence[Image.Image], requests: Sequence[str]) -> Sequence[str]:
        return ["I cannot"] * len(pictures)

    rows = [boxes_row("m", samples, ask, limit=6, batch=4) for ask in (right, silent, wrong)]
    assert all(row is not None and row.images == 6 for row in rows)
    good, quiet, bad = (row for row in rows if row is not None)
    assert good.cc > 0.6 > abs(quiet.cc) and good.nss > bad.nss and good.readable == 1 and quiet.readable == 0
    assert "120 x 80" in asked[0] and "a grey wall" in asked[0]
    assert boxes_row("m", MarkedSource(1), right, limit=6) is None
