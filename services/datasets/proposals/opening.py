"""A folder's proposed regions, whether it holds them already or a data set of which they are to be proposed."""

from pathlib import Path

from services.datasets.proposals.folder import PROPOSALS, ProposalFolder, read_proposals
from services.datasets.proposals.propose import ProposalSource, Proposing
from services.datasets.schema import read_records
from services.datasets.sources import FolderSamples

_ALL = slice(None)


def open_regions(folder: Path, seed: int = 0) -> ProposalSource:
    """A folder of proposed regions as it is, or regions of a data set, proposed by seed.

    Raises:
        BadInput: the folder holds neither.
    """
    return open_part(folder, seed)[1]


def open_part(folder: Path, seed: int, part: slice = _ALL, passes: int = 1) -> tuple[int, ProposalSource]:
    """How many samples a part of the folder has, and their regions; raises as `open_regions`."""
    if (folder / PROPOSALS).is_file():
        samples = read_proposals(folder).samples[part]
        return len(samples), ProposalFolder(folder, samples)
    records = tuple(read_records(folder))[part]
    return len(records), Proposing(FolderSamples(folder, records), seed, passes=passes)
