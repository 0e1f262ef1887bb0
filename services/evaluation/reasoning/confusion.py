"""The confusion of categories as a picture: one square of counts for each model."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from services.evaluation.reasoning.measure import Asked, confusion
from services.reasoning.contract import CATEGORY_NAMES
from shared.errors import BadInput, ErrorCode

UNREADABLE = "unreadable"


def draw_confusion(models: Sequence[Asked], path: Path) -> None:
    """Writes the picture; rows are the truth, columns what a model said, colours shares of a row.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE.
    """
    names = CATEGORY_NAMES
    figure = Figure(figsize=(7 * len(models), 6.5), layout="constrained")
    for at, asked in enumerate(models, start=1):
        counts = confusion(asked.judged, names)
        shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        axes = figure.add_subplot(1, len(models), at)
        axes.imshow(shares, cmap=mpl.colormaps["Blues"], vmin=0, vmax=1)
        axes.set_title(asked.model)
        axes.set_xticks(range(len(names) + 1), [*names, UNREADABLE], rotation=90)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("said")
        axes.set_ylabel("true")
        for row, column in zip(*counts.nonzero(), strict=True):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=7)
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{path} cannot be written ({error}): give another file, ending in .png"
        ) from error
