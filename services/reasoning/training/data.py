"""Where regions come from: the benchmark drawn on the fly, a data set's folder, or a folder of proposed regions."""

from dataclasses import dataclass, replace
from pathlib import Path

from services.datasets.proposals.opening import open_part
from services.datasets.proposals.propose import ProposalSource, Proposing
from services.datasets.sources import DrawnSamples, Mix, measured_on
from shared.errors import BadInput, ErrorCode

_VALIDATION_SEED = 10_000
"""Added to a drawing's seed for its validation samples."""
_LOOKING_SEED = 20_000
"""Added for the samples that the picture encoder learns from: the model then meets others."""
_LOOKED_AT = 128
"""Validation samples of the encoder."""
_ROUNDS = 2
"""Of regions per drawn sample: to draw one takes longer than to learn from its regions."""
_HELD_OUT = 0.1
_PASSES = 100
"""A data set's samples are proposed anew each time that training goes through them, so often at most."""


@dataclass(frozen=True)
class AlignmentData:
    """What a run learns from and is measured on.

    Attributes:
        training, validation: proposed regions.
        description: a sentence for the card.
        looking: labelled samples, to learn from and to measure on, of which is known what is seen where; None where
            the data does not tell.
    """

    training: ProposalSource
    validation: ProposalSource
    description: str
    looking: tuple[DrawnSamples, DrawnSamples] | None = None


def rendered_data(
    count: int, validation_count: int, seed: int, size: int = 256, mix: Mix = "balanced", *, retold: int = 0
) -> AlignmentData:
    """Regions of `count` samples of the benchmark's training split; validation: another seed, `measured_on`'s mix.

    Each sound picture is also told by up to `retold` prompts that deny it; its samples are then proposed of once.

    Raises:
        BadInput: BAD_OPTION, the benchmark does not draw such samples.
    """
    drawn = DrawnSamples(count, seed, size, mix, labelled=True, varied=True)
    drawn[0]  # what the benchmark refuses is refused now, not in a loader's process
    told = replace(drawn, retold=retold)
    held = DrawnSamples(validation_count, seed + _VALIDATION_SEED, size, measured_on(mix))
    return AlignmentData(
        Proposing(told, seed, rounds=1 if retold else _ROUNDS),
        Proposing(held, seed),
        f"proposed regions of the procedural blemish benchmark, split train, mix {mix}, {size} px, seed {seed}, drawn "
        f"on the fly ({count} samples, backdrops and tones varied{f', each retold {retold} times' if retold else ''}; "
        f"validation with seed {seed + _VALIDATION_SEED})",
        looking=(
            replace(drawn, seed=seed + _LOOKING_SEED),
            replace(held, count=min(validation_count, _LOOKED_AT), labelled=True),
        ),
    )


def folder_data(folder: Path, validation: Path | None = None, seed: int = 0) -> AlignmentData:
    """A folder's regions; validation samples from another folder, or the last tenth of this one.

    Raises:
        BadInput: a folder holds neither a data set nor proposed regions, or too few samples.
    """
    if validation is not None:
        count, training = open_part(folder, seed, passes=_PASSES)
        held_count, held = open_part(validation, seed)
        where = validation.name
    else:
        kept = _kept(open_part(folder, seed)[0])
        count, training = open_part(folder, seed, slice(kept), _PASSES)
        held_count, held = open_part(folder, seed, slice(kept, None))
        where = "its last tenth"
    if not count or not held_count:
        raise BadInput(ErrorCode.MISSING_DATA, f"{folder} holds too few samples to train on: give one with more")
    words = f"proposed regions of {count} samples of the folder {folder.name}"
    return AlignmentData(training, held, f"{words}; validation on {held_count} of {where}")


def _kept(count: int) -> int:
    return max(0, count - max(1, round(count * _HELD_OUT)))
