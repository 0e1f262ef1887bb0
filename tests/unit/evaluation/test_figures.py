import io

from rich.console import Console

from services.evaluation.text.figures import (
    CaseResult,
    ReadingFigures,
    SabotageFigures,
    TextReport,
    grouped,
    relative_reading,
    to_table,
)
from services.evaluation.text.truth import Kind


def case(
    kind: Kind = Kind.MISSPELT, repaired: bool = True, after: bool | None = True, twin: bool | None = True
) -> CaseResult:
    return CaseResult(
        file="a.png", kind=kind, variety=None, surface="card", photograph="coffee", size_hw=(10, 10), found=True,
        edited=True, repaired=repaired, read_after=after, read_twin=twin, outcome="repaired", outside=0, seam=None,
        seconds=1.0, cpu_seconds=1.0, note="",
    )  # fmt: skip


def test_relative_reading_counts_repaired_places_that_have_a_twin() -> None:
    cases = [case(), case(after=False), case(twin=False), case(repaired=False, after=False), case(twin=None)]
    assert relative_reading(cases) == 1.0
    assert relative_reading([case(), case(after=False)]) == 0.5
    assert relative_reading([case(twin=False)]) is None
    assert relative_reading([]) is None


def test_groups_count_by_name_and_leave_out_the_nameless() -> None:
    rows = grouped([case(), case(repaired=False), case()], ["card", "card", None])
    assert [(row.name, row.count, row.repaired) for row in rows] == [("card", 2, 1)]


def test_a_share_is_of_what_was_treated_as_it_should_be() -> None:
    assert SabotageFigures(kind="mean", right=False, tried=4, accepted=1).share == 0.75
    assert SabotageFigures(kind="twin", right=True, tried=4, accepted=1).share == 0.25
    assert SabotageFigures(kind="twin", right=True, tried=0, accepted=0).share == 0.0


def test_the_table_shows_every_figure_and_goal() -> None:
    reading = ReadingFigures(word_accuracy=0.5, character_error_rate=0.25)
    report = TextReport(
        seed=0, count=1, faulty=1, healthy=0, recall=0.912, false_alarms=None, repaired_share=0.8,
        tesseract_relative=None, before=reading, after=reading, twin=reading, largest_outside_difference=0,
        seam_median=1.0, seam_worst=2.0, seconds_median=1.0, seconds_worst=2.0, seconds_per_megapixel=3.0,
        cpu_seconds_per_megapixel=2.0,
        by_kind=grouped([case()], ["misspelt"]), by_surface=(),
        sabotage=(SabotageFigures(kind="mean", right=False, tried=4, accepted=0),), cases=(case(),),
    )  # fmt: skip
    shown = io.StringIO()
    Console(file=shown, width=120).print(to_table(report))
    for text in ("0.912", "≥ 0.85", "misspelt", "mean", "1.00", "0.500"):
        assert text in shown.getvalue()
    assert TextReport.model_validate_json(report.model_dump_json(exclude={"sabotage"})).recall == 0.912
