"""The figures of an evaluation of written words, as values, as JSON and as a table. Computes nothing from pixels."""

from collections.abc import Iterable, Sequence
from statistics import median

from rich.console import Group
from rich.table import Table

from services.evaluation.sabotage import SabotageFigures, sabotage_table
from services.evaluation.text.truth import HEALTHY, Kind
from shared.contracts.base import Contract


class CaseResult(Contract):
    """What became of one picture.

    Attributes:
        file, kind, variety, surface, photograph, size_hw: which picture.
        found: a region lies on the fault; for a healthy picture, any region was reported.
        edited: the result differs from the picture.
        repaired: a patch on the fault was kept.
        read_after, read_twin: the independent reader reads the place right, on the result and on the right twin; None
            for a healthy picture, and without a place or a twin.
        outcome: the job's.
        outside: largest difference outside the edited masks.
        seam: the worst of the kept patches; None without one.
        seconds, cpu_seconds: for the whole job, by the wall clock and of this process' cores.
        note: why it went as it did, in the product's own words.
    """

    file: str
    kind: Kind
    variety: str | None
    surface: str | None
    photograph: str | None
    size_hw: tuple[int, int]
    found: bool
    edited: bool
    repaired: bool
    read_after: bool | None
    read_twin: bool | None
    outcome: str
    outside: int
    seam: float | None
    seconds: float
    cpu_seconds: float
    note: str

    @property
    def healthy(self) -> bool:
        """Whether it should have been left alone."""
        return self.kind in HEALTHY


class GroupFigures(Contract):
    """Counts of a group of faulty pictures: how many were found, repaired, and read right then."""

    name: str
    count: int
    found: int
    repaired: int
    read_after: int


class ReadingFigures(Contract):
    """The independent reader on whole lines: word accuracy (higher is better) and character error rate (lower)."""

    word_accuracy: float
    character_error_rate: float


class TextReport(Contract):
    """All figures of one run.

    Attributes:
        recall: share of faulty pictures whose fault was found.
        false_alarms: share of healthy pictures in which a text region was reported or anything was edited.
        repaired_share: share of faulty pictures in which a patch on the fault was kept.
        tesseract_relative: of the repaired places, the share that the independent reader reads right on the result over
            the share that it reads right on the right twins; None where the twins give it nothing to read.
        before, after, twin: the reader on all lines of the faulty pictures.
        largest_outside_difference: over all pictures; 0 is the promise.
        seam_median, seam_worst: of kept patches; 1 is no seam. None without one.
        seconds_median, seconds_worst, seconds_per_megapixel: of whole jobs, by the wall clock: idle cores needed.
        cpu_seconds_per_megapixel: the work done, whatever else the machine was busy with.
    """

    seed: int
    count: int
    faulty: int
    healthy: int
    recall: float | None
    false_alarms: float | None
    repaired_share: float | None
    tesseract_relative: float | None
    before: ReadingFigures
    after: ReadingFigures
    twin: ReadingFigures
    largest_outside_difference: int
    seam_median: float | None
    seam_worst: float | None
    seconds_median: float
    seconds_worst: float
    seconds_per_megapixel: float
    cpu_seconds_per_megapixel: float
    by_kind: tuple[GroupFigures, ...]
    by_surface: tuple[GroupFigures, ...]
    sabotage: tuple[SabotageFigures, ...] = ()
    notes: tuple[str, ...] = ()
    cases: tuple[CaseResult, ...]


def share(part: int, whole: int) -> float | None:
    """`part / whole`, or None where there is nothing to divide by."""
    return part / whole if whole else None


def relative_reading(cases: Iterable[CaseResult]) -> float | None:
    """Right readings of repaired places on results over those on right twins; None without a twin that reads."""
    judged = [case for case in cases if case.repaired and None not in (case.read_after, case.read_twin)]
    return share(sum(bool(case.read_after) for case in judged), sum(bool(case.read_twin) for case in judged))


def grouped(cases: Sequence[CaseResult], names: Sequence[str | None]) -> tuple[GroupFigures, ...]:
    """Figures of faulty pictures by group name, in order of first sight; pictures without a name are left out."""
    order = dict.fromkeys(name for name in names if name is not None)
    return tuple(_group(name, [case for case, own in zip(cases, names, strict=True) if own == name]) for name in order)


def _group(name: str, cases: Sequence[CaseResult]) -> GroupFigures:
    return GroupFigures(
        name=name,
        count=len(cases),
        found=sum(case.found for case in cases),
        repaired=sum(case.repaired for case in cases),
        read_after=sum(bool(case.read_after) for case in cases),
    )


def middle(values: Sequence[float]) -> float:
    """The median; 0 of nothing."""
    return float(median(values)) if values else 0.0


def to_table(report: TextReport) -> Group:
    """The report for a terminal: headline figures, by kind and by surface, and the sabotage table."""
    parts: list[Table] = [_headline(report)]
    parts += [
        _groups(title, rows) for title, rows in (("fault", report.by_kind), ("surface", report.by_surface)) if rows
    ]
    if report.sabotage:
        parts.append(sabotage_table(report.sabotage))
    return Group(*parts)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _headline(report: TextReport) -> Table:
    table = Table(
        title=f"written words: {report.faulty} faulty and {report.healthy} healthy pictures", title_justify="left"
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("goal", justify="right")
    rows = (
        ("recall", _shown(report.recall), "≥ 0.85"),
        ("false alarms", _shown(report.false_alarms), "≤ 0.03"),
        ("repaired", _shown(report.repaired_share), ""),
        ("tesseract on repaired words, relative to clean twins", _shown(report.tesseract_relative), "≥ 0.80"),
        ("word accuracy before, after, twin", _three(report, "word_accuracy"), ""),
        ("character error rate before, after, twin", _three(report, "character_error_rate"), ""),
        ("largest difference outside the masks", str(report.largest_outside_difference), "0"),
        ("seam, median and worst", f"{_shown(report.seam_median)}  {_shown(report.seam_worst)}", ""),
        ("seconds a picture, median and worst", f"{report.seconds_median:.2f}  {report.seconds_worst:.2f}", ""),
        ("seconds a megapixel, by the clock and of CPU", _seconds(report), "< 5"),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _seconds(report: TextReport) -> str:
    return f"{report.seconds_per_megapixel:.2f}  {report.cpu_seconds_per_megapixel:.2f}"


def _three(report: TextReport, figure: str) -> str:
    values = (each.model_dump()[figure] for each in (report.before, report.after, report.twin))
    return "  ".join(f"{value:.3f}" for value in values)


def _groups(title: str, rows: Iterable[GroupFigures]) -> Table:
    table = Table()
    table.add_column(title)
    for name in ("pictures", "found", "repaired", "read right"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row.name, str(row.count), str(row.found), str(row.repaired), str(row.read_after))
    return table
