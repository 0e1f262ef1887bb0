"""Where training samples come from: the procedural benchmark, rendered on the fly, or a folder in the project's schema.

Both give the same sample for the same index in any process, so that loaders may work side by side.
"""

from dataclasses import replace
from pathlib import Path

from services.datasets.schema import read_records
from services.datasets.sources import DrawnSamples, FolderSamples, Mix, measured_on
from services.perception.training.run import TrainingData
from shared.errors import BadInput, ErrorCode

_VALIDATION_SEED = 10_000
"""Added to a rendering's seed for its validation samples."""

_HELD_OUT = 0.1

_SPOILT = 0.3
"""Share of labelled training samples that also show a bad repair."""


def rendered_data(
    count: int, validation_count: int, seed: int, size: int = 256, mix: Mix = "balanced", labelled: bool = True
) -> TrainingData:
    """`count` samples of the benchmark's training split, and validation samples of the same split with another seed.

    Validation samples are of the mix `measured_on`.

    Raises:
        BadInput: BAD_OPTION, the benchmark does not draw such samples.
    """
    plain = DrawnSamples(count, seed, size, mix)
    training = replace(plain, labelled=True, varied=True, spoilt=_SPOILT) if labelled else plain
    training[0]  # what the benchmark refuses is refused now, not in a loader's process
    held = measured_on(mix)
    return TrainingData(
        training,
        DrawnSamples(validation_count, seed + _VALIDATION_SEED, size, held),
        f"the procedural blemish benchmark, split train, mix {mix}, {size} px, seed {seed}, rendered on the fly "
        f"(validation with seed {seed + _VALIDATION_SEED})"
        + (f", backdrops and tones varied, {_SPOILT:.0%} also with a place spoilt" if labelled else ""),
        known=replace(plain, mix=held),
    )


def folder_data(folder: Path, validation: Path | None = None) -> TrainingData:
    """A folder's samples; validation samples from another folder, or the last tenth of this one.

    Raises:
        BadInput: a folder has no metadata, another schema, or too few rows.
    """
    records = tuple(read_records(folder))
    if validation is not None:
        held_folder, kept, held = validation, records, tuple(read_records(validation))
    else:
        cut = len(records) - max(1, round(len(records) * _HELD_OUT))
        held_folder, kept, held = folder, records[: max(cut, 0)], records[max(cut, 0) :]
    if not kept or not held:
        raise BadInput(ErrorCode.MISSING_DATA, f"{folder} holds {len(records)} samples: training needs more")
    where = f"{validation.name}" if validation is not None else "its last tenth"
    sources = ", ".join(sorted({record.source for record in kept}))
    return TrainingData(
        FolderSamples(folder, kept),
        FolderSamples(held_folder, held),
        f"{len(kept)} samples of the folder {folder.name} ({sources}); validation on {len(held)} of {where}",
    )
