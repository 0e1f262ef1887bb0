"""Exact pairs without a drawing: soft gradients with a red square that should not be there."""

from dataclasses import dataclass

import numpy as np

from services.datasets.pairs import Blemish, Pair


@dataclass(frozen=True)
class BlobPairs:
    """Every third image is healthy."""

    count: int
    seed: int = 0
    size: int = 64

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Pair:
        if not 0 <= index < self.count:
            raise IndexError(index)
        rng = np.random.default_rng([self.seed, index])
        y, x = np.mgrid[0 : self.size, 0 : self.size] / self.size
        a, b, c = rng.uniform(60, 180, 3)
        clean = np.clip(np.stack([a + 40 * x, b + 40 * y, c + 20 * x * y], axis=2), 0, 255).astype(np.uint8)
        if index % 3 == 2:
            return Pair(clean, clean, "a wall", ())
        side = int(rng.integers(8, 16))
        left, top = (int(v) for v in rng.integers(8, self.size - side - 8, 2))
        mask = np.zeros((self.size, self.size), np.bool_)
        mask[top : top + side, left : left + side] = True
        image = clean.copy()
        image[mask] = (220, 30, 30)
        return Pair(image, clean, "a wall", (Blemish(mask, mask, "object_redundancy", "remove the red square"),))
