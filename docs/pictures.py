"""Makes the pictures of the README from the folders that `make demo` wrote: before and after, whole and close by.

`make pictures` runs it.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from shared.contracts.jobs import JobRecord
from shared.geometry import expand, mask_box, union

DOCS = Path(__file__).parent
WIDTH_PX = 560
GAP_PX = 12


def main(demo: Path) -> None:
    """Writes one picture for each demo folder in which something was edited."""
    for folder in sorted(path.parent for path in demo.glob("*/result.json")):
        edited = np.asarray(Image.open(folder / "edited_mask.png")) > 0
        box = mask_box(edited)
        if box is None:
            continue
        record = JobRecord.model_validate_json((folder / "result.json").read_bytes())
        for region in record.regions:
            box = union(box, region.box_xyxy_px)
        close = expand(box, (box[3] - box[1]) // 4, edited.shape)
        rows = []
        for name in ("original.png", "result.png"):
            image = Image.open(folder / name).convert("RGB")
            rows.append([_to_width(image), _to_width(image.crop(close))])
        picture = DOCS / f"{folder.name}.webp"
        _sheet(rows).save(picture, quality=88, method=6)
        sys.stdout.write(f"{picture.relative_to(DOCS.parent)}: {picture.stat().st_size / 1024:.0f} KB\n")


def _to_width(image: Image.Image) -> Image.Image:
    return image.resize((WIDTH_PX, round(image.height * WIDTH_PX / image.width)), Image.Resampling.LANCZOS)


def _sheet(columns: list[list[Image.Image]]) -> Image.Image:
    """The columns side by side on transparent ground."""
    height = sum(image.height for image in columns[0]) + GAP_PX * (len(columns[0]) - 1)
    sheet = Image.new("RGBA", (len(columns) * (WIDTH_PX + GAP_PX) - GAP_PX, height), (0, 0, 0, 0))
    for x, column in enumerate(columns):
        y = 0
        for image in column:
            sheet.paste(image, (x * (WIDTH_PX + GAP_PX), y))
            y += image.height + GAP_PX
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1]))
