from dataclasses import replace

import cv2
import numpy as np
import pytest

from services.evaluation.text.corruptions import DrawnWord, Manner, plain
from services.evaluation.text.lens import grain_sigma, is_grey, sharpness_sigma_px
from services.evaluation.text.lettering import FONT_FOLDER, Face, Manuscript, set_lines
from services.evaluation.text.photographs import materials, photograph, photographs
from services.evaluation.text.surfaces import Surface
from services.evaluation.text.typesetter import SetPicture, Setting, typeset
from shared.geometry import quad_mask
from shared.images import Rgb

LINES = (("FRESH", "COFFEE"), ("TODAY",))
RIGHT = Manuscript(LINES, plain(LINES), Face.SLAB)
QUAD = ((60.0, 60.0), (340.0, 80.0), (330.0, 220.0), (50.0, 190.0))


@pytest.fixture(scope="module")
def wall() -> Rgb:
    return photograph("brick").load(400)


def _set(wall: Rgb, script: Manuscript, surface: Surface, seed: int = 5) -> SetPicture:
    return typeset(wall, script, Setting(QUAD, surface, seed), materials())


@pytest.mark.parametrize("surface", list(Surface))
def test_every_surface_is_replayed_by_its_seed_and_shows_its_words(wall: Rgb, surface: Surface) -> None:
    picture = _set(wall, RIGHT, surface)
    assert np.array_equal(picture.image, _set(wall, RIGHT, surface).image)
    assert [len(line) for line in picture.words] == [2, 1]
    grey = cv2.cvtColor(picture.image, cv2.COLOR_RGB2GRAY).astype(int)
    for line in picture.words:
        for quad in line:
            inside = grey[quad_mask(quad, (0, 0, 400, 400))]
            assert np.percentile(inside, 97) - np.percentile(inside, 3) > 35


@pytest.mark.parametrize("surface", list(Surface))
def test_the_twin_differs_in_the_spoilt_word_alone(wall: Rgb, surface: Surface) -> None:
    spoilt = replace(RIGHT, drawn=((DrawnWord("FRESH"), DrawnWord("COFEE", slot="COFFEE")), plain(LINES)[1]))
    wrong, twin = _set(wall, spoilt, surface), _set(wall, RIGHT, surface)
    differs = (wrong.image != twin.image).any(axis=2)
    word = quad_mask(twin.words[0][1], (0, 0, 400, 400)) | quad_mask(wrong.words[0][1], (0, 0, 400, 400))
    nearby = cv2.dilate(word.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    assert differs.any()
    assert not (differs & ~nearby).any()
    assert wrong.words[0][0] == twin.words[0][0]


def test_nothing_far_from_the_sign_changes(wall: Rgb) -> None:
    picture = _set(wall, RIGHT, Surface.STREET)
    assert np.array_equal(picture.image[330:], wall[330:])


def test_a_painted_word_leaves_the_wall_between_its_letters(wall: Rgb) -> None:
    picture = _set(wall, RIGHT, Surface.PAINTED)
    sign = quad_mask(QUAD, (0, 0, 400, 400))
    same = (picture.image == wall).all(axis=2)
    assert 0.3 < same[sign].mean() < 0.95


def test_a_mirrored_word_is_the_mirror_image_of_the_right_one(wall: Rgb) -> None:
    room = (20.0, 20.0, 380.0, 180.0)
    one = Manuscript((("READ",),), ((DrawnWord("READ"),),), Face.SANS)
    flipped = replace(one, drawn=((DrawnWord("READ", "READ", Manner.MIRRORED),),))
    right, wrong = set_lines(one, (200, 400), room), set_lines(flipped, (200, 400), room)
    x0, y0, x1, y1 = (int(value) for value in right.words[0][0])
    a = right.coverage[y0:y1, x0:x1]
    x0, y0, x1, y1 = (int(value) for value in wrong.words[0][0])
    assert np.array_equal(a, wrong.coverage[y0:y1, x0:x1][:, ::-1])


def test_only_the_fonts_set_aside_for_tests_are_used() -> None:
    assert FONT_FOLDER.name == "heldout"
    assert {path.stem for path in FONT_FOLDER.glob("*.ttf")} == {str(face) for face in Face}


def test_sharpness_and_grain_follow_the_photograph() -> None:
    sharp = photograph("coffee").load()
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 2.0), np.uint8)
    noisy = np.clip(blurred + np.random.default_rng(0).normal(0, 5, blurred.shape), 0, 255).astype(np.uint8)
    assert sharpness_sigma_px(blurred) > sharpness_sigma_px(sharp) + 0.5
    assert grain_sigma(noisy) > grain_sigma(blurred) + 1.5


def test_only_a_black_and_white_photograph_is_grey() -> None:
    assert is_grey(photograph("camera").load(200))
    assert not is_grey(photograph("brick").load(200))


def test_the_photographs_that_ship_are_all_here() -> None:
    names = {photo.name for photo in photographs()}
    assert {"coffee", "motorcycle_left", "rocket", "astronaut", "chelsea", "brick", "grass", "gravel"} <= names
    for photo in photographs():
        assert photo.licence
        assert max(photo.load(320).shape[:2]) == 320
