"""False alarms and recall on lettering in every bundled font: the figures that the detector's thresholds rest on.

A test holds the line with a few dozen signs; `retoucher evaluate text` measures on many, in photographs.
"""

import io
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from services.perception.detectors.base import Scene
from services.perception.detectors.text.detector import TextDetector
from shared.images import Rgb

FONTS = Path(__file__).parents[3] / "shared" / "fonts"
PAIRS = [
    ("COFFEE", "COFFE"),
    ("Grand Hotel", "Grand Hotle"),
    ("FRESH BREAD", "FRESH BREDA"),
    ("Library", "Libary"),
    ("NO PARKING", "NO PRAKING"),
    ("Welcome Home", "Welcome Hame"),
    ("Ice Cream", "Ice Ice Cream"),
    ("THE OLD MILL", "THE MILL"),
    ("Balloon", "Ballon"),
    ("Committee", "Commitee"),
    ("BOOKS", "BOKOS"),
    ("Good Morning", "Gopd Morning"),
]


def _set(text: str, font: Path, rng: random.Random) -> Rgb:
    """Lettering of 18 to 90 px on a plain card, turned a little, blurred, with grain and JPEG."""
    size = round(18 * 5 ** rng.random())
    face = ImageFont.truetype(str(font), size)
    paper, ink = rng.choice(
        [((240, 236, 224), (30, 28, 40)), ((24, 60, 110), (236, 232, 220)), ((230, 200, 60), (60, 20, 20))]
    )
    width = max(320, round(face.getlength(text) * 1.3))
    card = Image.new("RGB", (width, 260), paper)
    ImageDraw.Draw(card).text((width / 2, 130), text, font=face, fill=ink, anchor="mm")
    card = card.rotate(rng.uniform(-7, 7), resample=Image.Resampling.BICUBIC, fillcolor=paper)
    pixels = cv2.GaussianBlur(np.asarray(card), (0, 0), rng.uniform(0.3, 0.9)).astype(np.float32)
    pixels += np.random.default_rng(rng.randrange(2**31)).normal(0, 3, pixels.shape)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=rng.choice([65, 85, 95]))
    return np.asarray(Image.open(buffer).convert("RGB"))


def _signs(wrong: bool) -> Iterator[tuple[str, str, Path, Rgb]]:
    fonts = sorted(FONTS.rglob("*.ttf"))
    rng = random.Random(11)
    for number, font in enumerate(fonts):
        right, corrupted = PAIRS[number % len(PAIRS)]
        written = corrupted if wrong else right
        yield right, written, font, _set(written, font, rng)


@pytest.mark.slow
def test_at_most_one_false_alarm_over_all_fonts(detector: TextDetector) -> None:
    alarms = [
        (right, font.stem)
        for right, _, font, image in _signs(wrong=False)
        if detector.detect(Scene(image, f'a sign that says "{right}"')).findings
    ]
    assert len(alarms) <= 1, alarms


@pytest.mark.slow
def test_nine_of_ten_corruptions_are_found_over_all_fonts(detector: TextDetector) -> None:
    missed = [
        (written, font.stem)
        for right, written, font, image in _signs(wrong=True)
        if not detector.detect(Scene(image, f'a sign that says "{right}"')).findings
    ]
    assert len(missed) <= 3, missed
