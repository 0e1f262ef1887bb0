"""Statistics of a data set in the project's schema: dimensions, categories, regions per image, words (paper, Fig. 2).

`dataset_statistics` reads, prints with rich and draws with matplotlib; the numbers alone come from `summarise`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from services.datasets.schema import BlemishRecord, read_records
from shared.contracts.categories import DIMENSION_OF, Category, Dimension
from shared.errors import BadInput, ErrorCode

CHART = "statistics.png"


@dataclass(frozen=True)
class Statistics:
    """Counts over images and regions.

    Attributes:
        regions_per_image: how many blemished images have 1, 2, … regions.
        words: how many descriptions have so many words.
        median_visible_share: of a region, over its image's area; NaN without regions.
        mean_regions: over blemished images; NaN without any.
        mean_words: of a description; NaN without regions.
    """

    images: int
    healthy: int
    contradicting: int
    regions: int
    dimensions: Mapping[Dimension, int]
    categories: Mapping[Category, int]
    kinds: Mapping[tuple[Category, str], int]
    layouts: Mapping[str, int]
    regions_per_image: Mapping[int, int]
    words: Mapping[int, int]
    mean_regions: float
    mean_words: float
    median_visible_share: float


def summarise(records: Iterable[BlemishRecord]) -> Statistics:
    """Counts everything once."""
    rows = list(records)
    regions = [region for r in rows for region in r.regions]
    categories = Counter(region.category for region in regions)
    per_image = Counter(len(r.regions) for r in rows if r.regions)
    words = Counter(len(region.description.split()) for region in regions)
    return Statistics(
        images=len(rows),
        healthy=sum(r.healthy for r in rows),
        contradicting=sum(r.prompt_contradicts for r in rows),
        regions=len(regions),
        dimensions={d: sum(categories[c] for c in Category if DIMENSION_OF[c] is d) for d in Dimension},
        categories={c: categories[c] for c in Category},
        kinds=dict(sorted(Counter((r.category, r.kind) for r in regions).items())),
        layouts=dict(sorted(Counter(r.layout for r in rows).items())),
        regions_per_image=dict(sorted(per_image.items())),
        words=dict(sorted(words.items())),
        mean_regions=len(regions) / sum(per_image.values()) if per_image else float("nan"),
        mean_words=sum(n * c for n, c in words.items()) / len(regions) if regions else float("nan"),
        median_visible_share=float(np.median([r.visible_share for r in regions])) if regions else float("nan"),
    )


def dataset_statistics(folder: Path, chart: Path | None = None, console: Console | None = None) -> Statistics:
    """Prints the statistics of a folder and draws them into a PNG.

    Args:
        folder: holds `metadata.jsonl`.
        chart: where the drawing goes; `statistics.png` in the folder by default.
        console: where the tables go; standard output by default.

    Raises:
        BadInput: no or bad metadata, or the chart cannot be written.
    """
    found = summarise(read_records(folder))
    target = chart or folder / CHART
    _print(found, console or Console())
    try:
        _draw(found, target)
    except OSError as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{target} cannot be written ({error.strerror}): give another path"
        ) from error
    return found


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _print(found: Statistics, console: Console) -> None:
    console.print(
        f"{found.images} images, {found.healthy} healthy ({_share(found.healthy, found.images)}), "
        f"{found.contradicting} at odds with their prompt; {found.regions} regions, "
        f"{found.mean_regions:.2f} per blemished image, {found.mean_words:.1f} words per description, "
        f"median visible area {100 * found.median_visible_share:.2f} %"
    )
    table = Table("dimension", "category", "kind", "regions", "share")
    for category, count in found.categories.items():
        table.add_row(DIMENSION_OF[category].value, category.value, "", str(count), _share(count, found.regions))
        for (owner, kind), number in found.kinds.items():
            if owner is category and kind:
                table.add_row("", "", kind, str(number), _share(number, found.regions))
    console.print(table)
    spread = Table("regions", *map(str, found.regions_per_image))
    spread.add_row("images", *map(str, found.regions_per_image.values()))
    console.print(spread)


def _draw(found: Statistics, target: Path) -> None:
    """Four panels in one PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # heavy, and wanted by this command alone
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    panels = (
        (axes[0, 0], "dimensions", {d.value: n for d, n in found.dimensions.items()}, True),
        (axes[0, 1], "categories", {c.value: n for c, n in found.categories.items()}, True),
        (axes[1, 0], f"regions per image, mean {found.mean_regions:.2f}", found.regions_per_image, False),
        (axes[1, 1], f"words per description, mean {found.mean_words:.1f}", found.words, False),
    )
    for axis, title, counts, across in panels:
        names = [str(name).replace("_", " ") for name in counts]
        bars = axis.barh(names, list(counts.values())) if across else axis.bar(names, list(counts.values()))
        bars_label = [str(n) for n in counts.values()]
        axis.bar_label(bars, bars_label, fontsize=8)
        if across:
            axis.invert_yaxis()
        axis.set_title(title)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=110)
