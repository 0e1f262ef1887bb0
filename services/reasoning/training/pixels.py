"""Patches as a picture processor gives them, kept in an eighth of the memory: bytes, and one of two equal frames.

Samples that are kept for another time, and batches on their way from the processes that read them, are small so; the
network's own numbers are made again where it runs.
"""

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor
from transformers import ProcessorMixin

_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Pixels:
    """A processor's numbers.

    Attributes:
        mean, std: of each channel, of values in [0, 1].
        frames: equal ones that a patch of a still picture holds.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    frames: int

    @classmethod
    def of(cls, processor: ProcessorMixin) -> Self:
        """Those of a processor whose patches are laid out as Qwen2-VL's: channel, frame, row, column."""
        part: Any = processor
        own = part.image_processor
        return cls(tuple(own.image_mean), tuple(own.image_std), own.temporal_patch_size)

    def packed(self, values: Tensor) -> Tensor:
        """`(T, channels * frames * p * p)` float32 as `(T, channels * p * p)` uint8.

        Raises:
            ValueError: the values are not those of a still picture of bytes.
        """
        parts = self._laid_out(values, self.frames)
        mean, std = self._numbers(values)
        packed = ((parts[:, :, 0] * std + mean) * 255).round().clamp(0, 255).to(torch.uint8).flatten(1)
        if not (self.values(packed) - values).abs().max() <= _TOLERANCE:
            raise ValueError("the picture processor's patches are not those of still pictures of bytes")
        return packed

    def values(self, packed: Tensor) -> Tensor:
        """What `packed` came from, on its device."""
        mean, std = self._numbers(packed)
        parts = (self._laid_out(packed, 1)[:, :, 0].float() / 255 - mean) / std
        return parts[:, :, None].expand(-1, -1, self.frames, -1).flatten(1)

    def _laid_out(self, patches: Tensor, frames: int) -> Tensor:
        return patches.reshape(len(patches), len(self.mean), frames, -1)

    def _numbers(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (torch.tensor(one, device=like.device)[:, None] for one in (self.mean, self.std))
        return mean, std
