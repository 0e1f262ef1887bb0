"""A stand-in for the benchmark with words: grey noise with a red, a green or a blue square as its flaw."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.datasets.schema import METADATA, BlemishRecord, RegionTruth, row
from services.datasets.sources import ToldSample
from shared.contracts.categories import Category
from shared.geometry import Mask, mask_box
from shared.images import encode_png

KINDS = (
    (Category.HAND, (230, 30, 30), "A red square."),
    (Category.FACE, (30, 200, 30), "A green square."),
    (Category.TEXT, (30, 30, 230), "A blue square."),
)


def truth(category: Category, mask: Mask, description: str) -> RegionTruth:
    """What the schema says of a mask."""
    box = mask_box(mask)
    assert box is not None
    return RegionTruth(
        category=category,
        description=description,
        inconsistency="the wall is grey",
        instruction="paint the square grey",
        centre_xy_px=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
        box_xyxy_px=box,
        visible_share=float(mask.mean()),
    )


@dataclass(frozen=True)
class MarkedSource:
    """Sample `i` is the same whenever it is asked for; every third is healthy, every fourth has two flaws."""

    count: int
    size_hw: tuple[int, int] = (80, 120)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> ToldSample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        rng = np.random.default_rng(index)
        height, width = self.size_hw
        clean = np.repeat(rng.integers(60, 140, (height, width, 1)).astype(np.uint8), 3, axis=2)
        image, masks, truths = clean.copy(), [], []
        for number in range(0 if index % 3 == 0 else 2 if index % 4 == 0 else 1):
            category, colour, words = KINDS[(index + number) % 3]
            side = int(rng.integers(10, 16))
            y, x = int(rng.integers(0, height - side)), int(rng.integers(60 * number, 60 * (number + 1) - side))
            mask = np.zeros(self.size_hw, np.bool_)
            mask[y : y + side, x : x + side] = True
            image[mask] = colour
            masks.append(mask)
            truths.append(truth(category, mask, words))
        return ToldSample(image, clean, "a grey wall", tuple(masks), tuple(truths))


def record(name: str, sample: ToldSample) -> BlemishRecord:
    """The sample's line in a folder where its files are named after `name`."""
    masks = tuple(f"{name}_{number}.png" for number in range(len(sample.visible_masks)))
    return BlemishRecord(
        file_name=f"{name}.png",
        clean_file_name=f"{name}_clean.png",
        visible_mask_file_names=masks,
        repair_mask_file_names=masks,
        prompt=sample.prompt,
        size_hw=(sample.image.shape[0], sample.image.shape[1]),
        healthy=not masks,
        source="marked",
        regions=tuple(sample.truths),
    )


def write_marked(folder: Path, count: int) -> Path:
    """The samples as a folder in the project's schema."""
    folder.mkdir()
    lines = []
    for index in range(count):
        sample = MarkedSource(count)[index]
        (folder / f"{index}.png").write_bytes(encode_png(sample.image))
        assert sample.clean is not None
        (folder / f"{index}_clean.png").write_bytes(encode_png(sample.clean))
        for number, one in enumerate(sample.visible_masks):
            (folder / f"{index}_{number}.png").write_bytes(encode_png(one.astype(np.uint8) * 255))
        lines.append(row(record(str(index), sample)))
    (folder / METADATA).write_text("".join(lines))
    return folder
