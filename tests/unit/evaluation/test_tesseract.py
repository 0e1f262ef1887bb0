import shutil
from pathlib import Path

import numpy as np
import pytest

from services.evaluation.text.corruptions import plain
from services.evaluation.text.lettering import Face, Manuscript
from services.evaluation.text.photographs import materials
from services.evaluation.text.surfaces import Surface
from services.evaluation.text.tesseract import READING_HEIGHT_PX, read, rectified, require_tesseract
from services.evaluation.text.typesetter import Setting, typeset
from shared.errors import ErrorCode, MissingResource

installed = pytest.mark.skipif(shutil.which("tesseract") is None, reason="the Debian package tesseract-ocr is not here")


def test_its_absence_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingResource, match="apt-get install tesseract-ocr") as missing:
        require_tesseract()
    assert missing.value.code is ErrorCode.MISSING_PACKAGE


@installed
@pytest.mark.parametrize("surface", [Surface.CARD, Surface.STREET, Surface.CHALK])
def test_it_reads_a_word_in_perspective_on_light_and_on_dark_ground(surface: Surface) -> None:
    ground = np.full((300, 500, 3), 140, np.uint8)
    lines = (("GARDEN",),)
    quad = ((60.0, 40.0), (440.0, 80.0), (430.0, 230.0), (70.0, 250.0))
    picture = typeset(ground, Manuscript(lines, plain(lines), Face.SANS), Setting(quad, surface, 2), materials())
    assert read(picture.image, picture.words[0][0]) == "GARDEN"


@installed
def test_it_reads_no_word_where_nothing_is_written() -> None:
    ground = np.full((200, 300, 3), 180, np.uint8)
    assert len(read(ground, ((50.0, 50.0), (200.0, 50.0), (200.0, 100.0), (50.0, 100.0)))) < 4


def test_crops_have_one_height_and_dark_letters() -> None:
    image = np.full((200, 300, 3), 20, np.uint8)
    image[90:110, 80:200:20] = 240
    crop = rectified(image, ((70.0, 80.0), (210.0, 80.0), (210.0, 120.0), (70.0, 120.0)))
    assert crop.shape[0] == READING_HEIGHT_PX
    assert np.median(crop) > 200
