"""`retoucher evaluate preference`: raters' answers, unblinded, as the paper's Table 2, with intervals and agreement."""

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from pydantic import Field, ValidationError
from rich.console import Console

from services.evaluation.agreement import krippendorff_alpha
from services.evaluation.intervals import Estimate, ratio
from services.evaluation.output import require_folder_of, write_json
from services.evaluation.perception.figures import shown, slim_table
from services.evaluation.retouch.pairs import KEY_FILE, Pair, PreferenceKey
from services.evaluation.retouch.tables import percents
from shared.contracts.base import Contract
from shared.errors import BadInput, ErrorCode


class Grade(IntEnum):
    """The retouched picture against the original, worst first."""

    MUCH_WORSE = 0
    WORSE = 1
    SAME = 2
    BETTER = 3
    MUCH_BETTER = 4


COLUMNS = (
    (Grade.MUCH_BETTER, "much better\n≫"),
    (Grade.BETTER, "better\n>"),
    (Grade.SAME, "the same\n≈"),
    (Grade.WORSE, "worse\n<"),
    (Grade.MUCH_WORSE, "much worse\n≪"),
)


class Answers(Contract):
    """One rater's file, as the page writes it: by pair, 1 (left much better) to 5 (right much better)."""

    study: str
    rater: str = Field(min_length=1)
    answers: dict[str, int]


class PreferenceRow(Contract):
    """One line of Table 2.

    Attributes:
        asked: pairs that anybody graded; `answers`: grades given.
        unchanged: images left as they were, which count as "about the same" without being asked about.
        shares: by grade's name, of all images, each rater alike.
        agreement: Krippendorff's ordinal alpha over the pairs that were asked; None with one rater.
    """

    arm: str
    asked: int
    answers: int
    unchanged: int
    shares: dict[str, Estimate]
    agreement: float | None


class PreferenceReport(Contract):
    """Table 2. `raters` by name, with how many pairs each graded."""

    study: str
    data: str
    pairs: int
    raters: dict[str, int]
    rows: tuple[PreferenceRow, ...]


def run(folder: Path, json_file: Path | None, console: Console | None = None) -> PreferenceReport:
    """The command: reads `key.json` and every other JSON file of the folder, and prints the table.

    Raises:
        BadInput: a file is missing, damaged, or of another study; or the report cannot be written.
    """
    console = console or Console(highlight=False)
    if json_file is not None:
        require_folder_of(json_file)
    report = evaluate_preference(folder)
    raters = ", ".join(f"{name} ({count})" for name, count in report.raters.items())
    table = slim_table(
        "", *(heading for _, heading in COLUMNS), "alpha",
        title=f"{report.data}: retouched against original, {report.pairs} pairs; raters: {raters}",
    )  # fmt: skip
    for row in report.rows:
        cells = (percents(row.shares[grade.name.lower()]) for grade, _ in COLUMNS)
        table.add_row(row.arm, *cells, shown(row.agreement, 2))
    console.print(table)
    console.print("alpha: Krippendorff's, of ordered grades; 1 is full agreement, 0 is chance")
    if json_file is not None:
        write_json(json_file, report.model_dump_json(indent=2))
    return report


def evaluate_preference(folder: Path) -> PreferenceReport:
    """The figures; raises as `run`."""
    key = _read_key(folder / KEY_FILE)
    files = sorted(path for path in folder.glob("*.json") if path.name != KEY_FILE)
    given = [_read_answers(path, key) for path in files]
    if not given:
        raise BadInput(
            ErrorCode.MISSING_DATA,
            f"{folder} holds no answers: open its index.html, and put the answers that it saves beside {KEY_FILE}",
        )
    names = [one.rater for one in given]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(
            ErrorCode.BAD_OPTION, f"{folder} holds two files of answers of {twice!r}: keep the later one alone"
        )
    return PreferenceReport(
        study=key.study,
        data=key.data,
        pairs=len(key.pairs),
        raters={one.rater: len(one.answers) for one in given},
        rows=tuple(_row(arm, key, given) for arm in key.unchanged),
    )


def _row(arm: str, key: PreferenceKey, given: Sequence[Answers]) -> PreferenceRow:
    units = [
        [_grade(pair, one.answers[pair.id]) for one in given if pair.id in one.answers]
        for pair in key.pairs
        if pair.arm == arm
    ]
    graded = [unit for unit in units if unit]
    # An image that came back unchanged is the same to every rater.
    every = graded + [[Grade.SAME] * len(given)] * key.unchanged[arm]
    shares = {
        grade.name.lower(): ratio([float(unit.count(grade)) for unit in every], [float(len(unit)) for unit in every])
        for grade in Grade
    }
    return PreferenceRow(
        arm=arm,
        asked=len(graded),
        answers=sum(map(len, graded)),
        unchanged=key.unchanged[arm],
        shares=shares,
        agreement=krippendorff_alpha(graded, len(Grade)),
    )


def _grade(pair: Pair, answer: int) -> Grade:
    """Of the retouched picture: 5 favours the right, whatever stands there."""
    return Grade(answer - 1 if pair.after == "right" else 5 - answer)


def _read_key(path: Path) -> PreferenceKey:
    try:
        return PreferenceKey.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE,
            f"{path} is missing or damaged: give the folder that `evaluate retouch --export-pairs` wrote",
        ) from error


def _read_answers(path: Path, key: PreferenceKey) -> Answers:
    try:
        answers = Answers.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"{path} holds no answers as the page saves them: take it away, or save anew"
        ) from error
    known = {pair.id for pair in key.pairs}
    if answers.study != key.study or not known.issuperset(answers.answers):
        raise BadInput(ErrorCode.BAD_OPTION, f"{path} was given on another page: take it away")
    if any(not 1 <= value <= 5 for value in answers.answers.values()):
        raise BadInput(ErrorCode.BAD_OPTION, f"{path} holds a grade that is not 1 to 5: save the answers anew")
    return answers
