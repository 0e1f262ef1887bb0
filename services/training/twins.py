"""Twins of a batch: a blemished picture and its clean one, which differ in the blemish alone.

`twin_of` `(B,)` int64 is, for a clean twin, the index of its blemished one in the batch, and -1 for all others.
"""

import torch
from torch import Tensor
from torch.nn import functional


def twin_pairs(twin_of: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the clean ones, and of their blemished ones; both `(P,)`."""
    clean = torch.nonzero(twin_of >= 0).squeeze(1)
    return clean, twin_of[clean]


def twin_contrast(odds: Tensor, twin_of: Tensor) -> Tensor:
    """Mean over the pairs of softplus(clean - blemished).

    Burges et al. 2005, "Learning to rank using gradient descent". 0 without pairs; ln 2 where twins are not told apart.

    Args:
        odds: `(B,)`, log odds that something is wrong.
        twin_of: `(B,)`.
    """
    clean, blemished = twin_pairs(twin_of)
    if not len(clean):
        return odds.new_zeros(())
    return functional.softplus(odds[clean] - odds[blemished]).mean()


def twins_told(odds: Tensor, twin_of: Tensor) -> Tensor:
    """Share of pairs whose blemished one has the higher odds; not a number without pairs."""
    clean, blemished = twin_pairs(twin_of)
    return (odds[blemished] > odds[clean]).float().mean()
