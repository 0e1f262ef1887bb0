"""Makes the worked examples of the web page from the folders that `make demo` wrote: close-ups, and pictures to try.

`make pictures` runs it.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from shared.contracts.base import BoxXYXY
from shared.geometry import mask_box

FOLDER = Path(__file__).parents[1] / "services" / "gateway" / "page" / "examples"
CLOSE_PX = (480, 300)
"""Width and height of a close-up; the page crops it further where two stand one above the other."""
WIDTH_PX = 1000
"""Of a picture to try: small letters stay legible, and it loads at once."""
QUALITY = 82


def main(demo: Path) -> None:
    """Writes the pictures of all three examples."""
    FOLDER.mkdir(exist_ok=True)
    for folder, name in (("misspelt", "coffee"), ("wrong-word", "rocket")):
        box = _around(demo / folder)
        _close(demo / folder / "original.png", box, f"{name}-before")
        _close(demo / folder / "result.png", box, f"{name}-after")
        _whole(demo / folder / "original.png", name)
    _close(demo / "correct" / "original.png", _around(demo / "misspelt"), "fine")
    _whole(demo / "correct" / "original.png", "fine")


def _around(folder: Path) -> BoxXYXY:
    """A box of the close-up's shape around what was edited, inside the picture; XYXY in pixels."""
    edited = np.asarray(Image.open(folder / "edited_mask.png")) > 0
    box = mask_box(edited)
    if box is None:
        raise SystemExit(f"{folder}: nothing was edited there: run the demo again")
    h, w = edited.shape
    width = min(w, round(1.18 * (box[2] - box[0])))
    height = min(h, round(width * CLOSE_PX[1] / CLOSE_PX[0]))
    left = min(max(0, (box[0] + box[2] - width) // 2), w - width)
    top = min(max(0, (box[1] + box[3] - height) // 2), h - height)
    return (left, top, left + width, top + height)


def _close(path: Path, box: BoxXYXY, name: str) -> None:
    _save(Image.open(path).convert("RGB").crop(box).resize(CLOSE_PX, Image.Resampling.LANCZOS), name)


def _whole(path: Path, name: str) -> None:
    image = Image.open(path).convert("RGB")
    height = round(image.height * WIDTH_PX / image.width)
    _save(image.resize((WIDTH_PX, height), Image.Resampling.LANCZOS), f"{name}-picture")


def _save(image: Image.Image, name: str) -> None:
    path = FOLDER / f"{name}.webp"
    image.save(path, quality=QUALITY, method=6)
    sys.stdout.write(f"{path.relative_to(FOLDER.parents[3])}: {path.stat().st_size / 1024:.0f} KB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
