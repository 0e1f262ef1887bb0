"""Where a run's pairs come from: the procedural benchmark, rendered on the fly, or folders in the project's schema."""

from collections.abc import Sequence
from pathlib import Path

from services.action.training.run import PairData
from services.datasets.pairs import FolderPairs, RenderedPairs, folder_pairs
from services.datasets.sources import Mix, measured_on
from shared.errors import BadInput, ErrorCode

_VALIDATION_SEED = 10_000
"""Added to a rendering's seed for its validation samples."""

_HELD_OUT = 0.1


def rendered_data(
    count: int, validation_count: int, seed: int, mix: Mix = "balanced", *, labelled: bool = False
) -> PairData:
    """`count` samples of the benchmark's training split; validation has another seed and `measured_on`'s mix."""
    held = RenderedPairs(2 * validation_count, seed + _VALIDATION_SEED, mix=measured_on(mix))  # a third is healthy
    return PairData(
        RenderedPairs(count, seed, mix=mix, labelled=labelled),
        held,
        f"the procedural blemish benchmark, split train, mix {mix}, 256 px, seed {seed}, rendered on the fly "
        f"(validation with seed {seed + _VALIDATION_SEED})" + (", backdrops and tones varied" if labelled else ""),
    )


def folder_data(folders: Sequence[Path]) -> PairData:
    """The samples of folders; the last tenth of them is for validation.

    Raises:
        BadInput: a folder has no metadata, another schema, or too few rows.
    """
    pairs = folder_pairs(folders)
    cut = len(pairs) - max(1, round(len(pairs) * _HELD_OUT))
    if cut < 1:
        raise BadInput(ErrorCode.MISSING_DATA, f"there are {len(pairs)} samples: training needs more")
    sources = ", ".join(sorted({record.source for _, record in pairs.rows}))
    return PairData(
        FolderPairs(pairs.rows[:cut]),
        FolderPairs(pairs.rows[cut:]),
        f"{cut} samples of {', '.join(folder.name for folder in folders)} ({sources}); validation on "
        f"{len(pairs) - cut} more",
    )
