"""The figures of Table 3 as values and as tables. Computes nothing from pixels."""

from collections.abc import Mapping

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from shared.contracts.base import Contract, UnitFloat

UNIFORM, CENTRE_PRIOR, ORACLE, SPECTRAL, RAHF = (
    "uniform",
    "centre_prior",
    "foreground_oracle",
    "spectral_residual",
    "rahf",
)
PROMPT_CATEGORIES = ("attribute", "count", "text")
"""Those whose flaws only the prompt tells: another prompt must cost them most."""

HEADINGS = (
    ("auc_judd", "AUC\nJudd ↑"),
    ("nss", "NSS\n↑"),
    ("cc", "CC\n↑"),
    ("sim", "SIM\n↑"),
    ("kld", "KLD\n↓"),
    ("image_auroc", "AUROC\nimage ↑"),
)
"""With the direction that is better; of two lines, so that all columns fit into 80."""


class Figures(Contract):
    """Means over blemished images, and the AUROC of blemished against healthy ones; lower is better for `kld` alone.

    `image_auroc` is None where there are no healthy images.
    """

    auc_judd: float
    nss: float
    cc: float
    sim: float
    kld: float
    image_auroc: float | None


class ShuffledPrompt(Contract):
    """The same images, each with another image's prompt.

    Attributes:
        overall, per_category: as with the right prompts.
        relative_cc_loss: by category, and `overall`: 1 - CC shuffled / CC; None where CC is not above 0.
    """

    overall: Figures
    per_category: dict[str, Figures]
    relative_cc_loss: dict[str, float | None]


class PhotographVerdict(Contract):
    """What the detector would do to one photograph.

    Attributes:
        edited: without --force: it is in the domain, a region was found, and peak and judgement pass their gates.
        regions: found, edited or not.
    """

    name: str
    edited: bool
    in_domain: bool
    regions: int
    peak: UnitFloat
    any_distortion: UnitFloat
    domain_distance: float


class PhotographFigures(Contract):
    """Over all photographs; `edited_share` is to be low: nothing is wrong with them, or nothing it could know of."""

    count: int
    edited_share: UnitFloat
    in_domain_share: UnitFloat
    verdicts: tuple[PhotographVerdict, ...]


class WouldEdit(Contract):
    """Shares of images that the loop would edit without --force; None where there are no such images."""

    blemished: UnitFloat | None
    healthy: UnitFloat | None


class ColourFigures(Contract):
    """Regions of which the detector knows that their colour is wrong; of pictures that its gate lets through.

    Attributes:
        wrong: regions where a colour is wrong, and the right one is known.
        told: of these, known for such.
        seen, first, among: of those told, where the present colour is named, the right one comes first, or is named.
        other, other_told: regions of flawed pictures where no colour is wrong, and those taken for such.
        sound, sound_told: the same of regions in sound pictures.
    """

    wrong: int = 0
    told: int = 0
    seen: int = 0
    first: int = 0
    among: int = 0
    other: int = 0
    other_told: int = 0
    sound: int = 0
    sound_told: int = 0


class PerceptionReport(Contract):
    """Table 3 on one folder.

    Attributes:
        overall: of the network.
        per_category: an image counts for each category that it holds, with that category's masks.
        shuffled_prompt: None where all prompts are the same.
        baselines: on the same images.
        discs: of the network, on the paper's discs of radius H/20 around the regions' centres.
        would_edit: what the gates and the domain check of the calibration let through.
        photographs: None where they were not asked for.
        colours: likewise.
        blemished, healthy: images.
        blemished_by_category: images that hold the category.
    """

    overall: Figures
    per_category: dict[str, Figures]
    shuffled_prompt: ShuffledPrompt | None
    baselines: dict[str, Figures]
    discs: Figures
    would_edit: WouldEdit
    photographs: PhotographFigures | None = None
    colours: ColourFigures | None = None
    data: str
    checkpoint: str
    blemished: int
    healthy: int
    blemished_by_category: dict[str, int]
    notes: tuple[str, ...] = ()


def relative_cc_losses(right: Mapping[str, Figures], shuffled: Mapping[str, Figures]) -> dict[str, float | None]:
    """Share of its CC that each row loses with shuffled prompts; negative where it gains."""
    return {name: 1 - shuffled[name].cc / one.cc if one.cc > 0 else None for name, one in right.items()}


def to_tables(report: PerceptionReport) -> RenderableType:
    """For a terminal."""
    parts: list[RenderableType] = [_overall(report), _categories(report)]
    if report.photographs is not None:
        parts.append(_photographs(report.photographs))
    if report.colours is not None:
        parts.append(_colours(report.colours))
    return Group(*parts)


def shown(value: float | None, digits: int = 3) -> str:
    """A figure in a table."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(share: float | None) -> str:
    """A share in words."""
    return "-" if share is None else f"{100 * share:.1f}%"


def row(figures: Figures) -> list[str]:
    """The cells of one line, in the order of `HEADINGS`."""
    return [shown(getattr(figures, name)) for name, _ in HEADINGS]


def slim_table(first: str, *headings: str, title: str | None = None) -> Table:
    """A table whose first column names the row and is never cut, the others figures."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, title=title)
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _overall(report: PerceptionReport) -> Table:
    table = slim_table(
        "",
        *(heading for _, heading in HEADINGS),
        title=f"{report.data}: {report.blemished} blemished and {report.healthy} healthy images\n"
        f"of which {percent(report.would_edit.blemished)} and {percent(report.would_edit.healthy)} would be edited",
    )
    table.add_row(report.checkpoint, *row(report.overall))
    if report.shuffled_prompt is not None:
        table.add_row("shuffled prompts", *row(report.shuffled_prompt.overall))
    table.add_row("discs of H/20", *row(report.discs), end_section=True)
    for name, figures in report.baselines.items():
        table.add_row(name.replace("_", " "), *row(figures))
    return table


def _categories(report: PerceptionReport) -> Table:
    shuffled = report.shuffled_prompt
    title = "by category; CC lost with shuffled prompts" if shuffled is not None else "by category"
    table = slim_table("category", "n", *(heading for _, heading in HEADINGS), "CC\nlost", title=title)
    for name, figures in report.per_category.items():
        loss = shuffled.relative_cc_loss[name] if shuffled is not None else None
        lost = "-" if loss is None else f"{100 * loss:.0f}%"
        table.add_row(name.replace("_", " "), str(report.blemished_by_category[name]), *row(figures), lost)
    return table


def _colours(figures: ColourFigures) -> Table:
    table = slim_table("regions", "n", "told\nof colour", title="wrong colours that are known for such")
    table.add_row("of a wrong colour", str(figures.wrong), str(figures.told))
    table.add_row("  present one named rightly", "", str(figures.seen))
    table.add_row("  right one named first", "", str(figures.first))
    table.add_row("  right one named at all", "", str(figures.among))
    table.add_row("of other flaws, or of none", str(figures.other), str(figures.other_told))
    table.add_row("in sound pictures", str(figures.sound), str(figures.sound_told))
    return table


def _photographs(figures: PhotographFigures) -> Table:
    table = slim_table(
        "photograph", "edited", "in\ndomain", "distance", "regions", "peak", "any\ndistortion",
        title=f"{figures.count} photographs: {percent(figures.edited_share)} would be edited without --force",
    )  # fmt: skip
    for one in figures.verdicts:
        table.add_row(
            one.name,
            "EDITED" if one.edited else "no",
            "yes" if one.in_domain else "no",
            shown(one.domain_distance, 1),
            str(one.regions),
            shown(one.peak, 2),
            shown(one.any_distortion, 2),
        )
    return table
