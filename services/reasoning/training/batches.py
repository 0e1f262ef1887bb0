"""A sample's own batch, made once, and such batches joined for a step.

Drawing, cropping, patches and tokens are dear: where a sample is learned from several times, all of them are done
before it is kept, and to join kept ones takes next to nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

from services.reasoning.training.pixels import Pixels

Batch = dict[str, Tensor]

_TWIN_OF = "twin_of"
_FILLED = {"input_ids": None, "attention_mask": 0, "mm_token_type_ids": 0, "labels": -100, "decision": 0, "places": 0}
"""What is as long as its region's text, and what stands after the end of a shorter one; None for the pad token."""


class Prepared(Dataset[Batch]):
    """Each sample as a batch by itself; its patches are packed."""

    def __init__(self, samples: Dataset[Any], collate: Callable[[Sequence[Any]], Batch], pixels: Pixels) -> None:
        self._samples, self._collate, self._pixels = samples, collate, pixels

    def __len__(self) -> int:
        samples: Any = self._samples  # its annotation knows no length
        return len(samples)

    def __getitem__(self, index: int) -> Batch:
        batch = self._collate([self._samples[index]])
        return {**batch, "pixel_values": self._pixels.packed(batch["pixel_values"])}


@dataclass(frozen=True)
class Joiner:
    """Batches of one sample each as one.

    Attributes:
        pad_token: stands after the end of a shorter text.
    """

    pad_token: int = 0

    def __call__(self, batches: Sequence[Batch]) -> Batch:
        """What the collator would give of the samples together, with `places` where it gives them."""
        return {name: torch.cat(self._parts(name, [one[name] for one in batches])) for name in batches[0]}

    def _parts(self, name: str, parts: list[Tensor]) -> list[Tensor]:
        if name == _TWIN_OF:
            begins = [sum(len(one) for one in parts[:at]) for at in range(len(parts))]
            return [torch.where(one >= 0, one + begin, one) for one, begin in zip(parts, begins, strict=True)]
        if name not in _FILLED:
            return parts
        fill = _FILLED[name]
        value = self.pad_token if fill is None else fill
        longest = max(one.shape[-1] for one in parts)
        return [functional.pad(one, (0, longest - one.shape[-1]), value=value) for one in parts]


@dataclass(frozen=True)
class Rows:
    """`TRL`'s trainers take tables alone: one of batches, made when they are asked for.

    Its column is named as theirs for pictures, by which they tell that there is nothing to tokenise.
    """

    batches: Dataset[Batch]

    def table(self, count: int) -> datasets.Dataset:
        """The first `count` of the batches."""
        return datasets.Dataset.from_dict({"row": list(range(count))}).with_transform(self._load)

    def _load(self, columns: dict[str, list[int]]) -> dict[str, list[Batch]]:
        return {"images": [self.batches[row] for row in columns["row"]]}


@dataclass(frozen=True)
class RowJoiner:
    """A `Joiner` of a table's rows."""

    joiner: Joiner

    def __call__(self, rows: Sequence[dict[str, Batch]]) -> Batch:
        """The rows' batches as one."""
        return self.joiner([row["images"] for row in rows])


class Places:
    """Where a text's tokens and its pictures' stand for Qwen2.5-VL's rotary positions, found by its own rule.

    The model finds them itself, token by token in Python and at each step: that keeps a GPU waiting.
    """

    def __init__(self, config: Qwen2_5_VLConfig) -> None:
        with torch.device("meta"):
            network: Any = Qwen2_5_VLModel(config)  # of no weights; its rule knows the configuration
        self._rule = network.get_rope_index

    def __call__(self, batch: Batch) -> Tensor:
        """`(B, 3, L)` int64 of a collated batch."""
        names = ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")
        places: Tensor = self._rule(**{name: batch[name] for name in names})[0]
        return places.transpose(0, 1).contiguous()
