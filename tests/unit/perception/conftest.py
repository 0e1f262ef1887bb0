"""Signs set with the bundled fonts, and one reader for all tests: loading it takes longer than a test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from services.perception.detectors.text.detector import TextDetector
from services.perception.detectors.text.ocr import OcrReader
from shared.images import Rgb

FONTS = Path(__file__).parents[3] / "shared" / "fonts"


@pytest.fixture(scope="session")
def reader() -> OcrReader:
    return OcrReader(threads=1)


@pytest.fixture(scope="session")
def detector(reader: OcrReader) -> TextDetector:
    return TextDetector(reader)


@pytest.fixture(scope="session")
def sign() -> Callable[..., Rgb]:
    """Draws centred lines of text on a plain card."""

    def draw(
        text: str,
        *,
        size: int = 64,
        hw: tuple[int, int] = (400, 700),
        font: str = "Roboto-Bold.ttf",
        angle: float = 0.0,
        mirror: bool = False,
    ) -> Rgb:
        paper, ink = (232, 226, 210), (32, 30, 44)
        card = Image.new("RGB", (hw[1], hw[0]), paper)
        ImageDraw.Draw(card).multiline_text(
            (hw[1] / 2, hw[0] / 2),
            text,
            font=ImageFont.truetype(str(FONTS / font), size),
            fill=ink,
            anchor="mm",
            align="center",
        )
        if angle:
            card = card.rotate(angle, resample=Image.Resampling.BICUBIC, fillcolor=paper)
        pixels = np.asarray(card)
        return np.ascontiguousarray(pixels[:, ::-1] if mirror else pixels)

    return draw
