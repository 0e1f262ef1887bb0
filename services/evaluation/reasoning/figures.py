"""The figures of Table 4 as values and as tables. Asks no model."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from shared.contracts.base import Contract, UnitFloat

HEADINGS = (
    ("accuracy", "acc.\n↑"),
    ("distorted_recall", "dist.\nrec.↑"),
    ("healthy_recall", "heal.\nrec.↑"),
    ("json_valid", "JSON\n↑"),
    ("sentence_similarity", "sent.\nsim.↑"),
    ("word2vec", "w2v\n↑"),
    ("meteor", "MET.\n↑"),
    ("rouge_l", "R-L\n↑"),
    ("calibration_error", "ECE\n↓"),
    ("reward", "rew.\n↑"),
)


class ReasoningRow(Contract):
    """One model on the regions of a data set; higher is better for all but `calibration_error`.

    Attributes:
        accuracy: right categories, a sound place called sound among them.
        category_accuracy: the same of distorted regions alone, as the paper's data has no others.
        calibration_error: of the stated confidence in `distorted`; None without a readable answer.
        reward: mean of what GRPO maximises, in [0, 3].
        meteor, word2vec: None where WordNet, or the vectors, are not there.
        per_category: accuracy of regions of each category that occurs, `none` for sound places.
    """

    model: str
    regions: int
    accuracy: UnitFloat
    category_accuracy: UnitFloat | None
    distorted_recall: UnitFloat | None
    healthy_recall: UnitFloat | None
    json_valid: UnitFloat
    sentence_similarity: UnitFloat
    word2vec: UnitFloat | None
    meteor: UnitFloat | None
    rouge_l: UnitFloat
    calibration_error: UnitFloat | None
    reward: float
    per_category: dict[str, UnitFloat]


class Difference(Contract):
    """A mean of differences between two models on the same regions, with its 95% interval by paired bootstrap."""

    mean: float
    low: float
    high: float


class Comparison(Contract):
    """`after` minus `before`."""

    before: str
    after: str
    accuracy: Difference
    reward: Difference


class BoxesRow(Contract):
    """A model that was asked for boxes, its answer drawn as a map and measured as Table 3 measures maps."""

    model: str
    images: int
    readable: UnitFloat
    auc_judd: float
    nss: float
    cc: float
    sim: float
    kld: float


class ReasoningReport(Contract):
    """All that was measured."""

    data: str
    distorted: int
    healthy: int
    rows: tuple[ReasoningRow, ...]
    comparisons: tuple[Comparison, ...] = ()
    boxes: tuple[BoxesRow, ...] = ()
    notes: tuple[str, ...] = ()


def to_tables(report: ReasoningReport) -> RenderableType:
    """For a terminal."""
    title = f"{report.data}: {report.distorted} distorted and {report.healthy} sound regions"
    parts: list[RenderableType] = [
        _table(title, [heading for _, heading in HEADINGS], {row.model: _cells(row) for row in report.rows})
    ]
    names = sorted({name for row in report.rows for name in row.per_category})
    parts.append(
        _table(
            "accuracy by category",
            [row.model for row in report.rows],
            {name.replace("_", " "): [_shown(row.per_category.get(name)) for row in report.rows] for name in names},
        )
    )
    if report.comparisons:
        parts.append(
            _table(
                "differences on the same regions, with 95% intervals",
                ["accuracy", "reward"],
                {
                    f"{one.after} - {one.before}": [_range(one.accuracy), _range(one.reward)]
                    for one in report.comparisons
                },
            )
        )
    if report.boxes:
        headings = ["AUC\nJudd ↑", "NSS\n↑", "CC\n↑", "SIM\n↑", "KLD\n↓", "read-\nable"]
        names_of = ("auc_judd", "nss", "cc", "sim", "kld", "readable")
        parts.append(
            _table(
                "asked for boxes, rasterised (Table 3)",
                headings,
                {row.model: [_shown(getattr(row, name)) for name in names_of] for row in report.boxes},
            )
        )
    return Group(*parts)


def _cells(row: ReasoningRow) -> list[str]:
    return [_shown(getattr(row, name)) for name, _ in HEADINGS]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _range(one: Difference) -> str:
    return f"{one.mean:+.3f} ({one.low:+.3f} to {one.high:+.3f})"


def _table(title: str, headings: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, title=title)
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table
