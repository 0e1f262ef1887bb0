"""The reader: any angle, tiny and large pictures, the same answer each time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from services.perception.detectors.text.ocr import OcrReader
from services.perception.detectors.text.reading import Line
from shared.images import Rgb


def _longest(lines: tuple[Line, ...]) -> Line:
    return max(lines, key=lambda line: line.size_px[1])


@pytest.mark.parametrize("angle", [0, 25, 60, 90, 140, 180, 225, 270, 330])
def test_a_line_at_any_angle_has_its_corners_in_reading_order(
    reader: OcrReader, sign: Callable[..., Rgb], angle: int
) -> None:
    line = _longest(reader.read(sign("FRESH BREAD", hw=(600, 600), angle=angle)))
    assert line.text.replace(" ", "") == "FRESHBREAD"
    turned = (np.degrees(-line.angle) - angle + 180) % 360 - 180
    assert abs(turned) < 6
    # The letters' feet lie a quarter turn clockwise from the reading direction, as on paper.
    x, y = line.down
    assert np.cos(line.angle) * y - np.sin(line.angle) * x > 0.9


def test_small_pictures_and_small_words_on_large_ones(reader: OcrReader, sign: Callable[..., Rgb]) -> None:
    assert _longest(reader.read(sign("OPEN", size=16, hw=(32, 64)))).text == "OPEN"
    large = reader.read(sign("small words", size=24, hw=(1500, 2400)))
    assert _longest(large).text.replace(" ", "") == "smallwords"
    assert reader.read(np.zeros((32, 32, 3), np.uint8)) == ()


def test_characters_stand_where_they_are_read(reader: OcrReader, sign: Callable[..., Rgb]) -> None:
    reading = _longest(reader.read(sign("MMMM iiii"))).reading
    assert len(reading.centres) == len(reading.text) == len(reading.probabilities)
    assert all(a < b for a, b in zip(reading.centres, reading.centres[1:], strict=False))
    assert reading.centres[0] >= 0
    assert reading.centres[-1] <= 1


def test_a_given_quadrilateral_is_read_again(reader: OcrReader, sign: Callable[..., Rgb]) -> None:
    image = sign("BAKERY")
    line = _longest(reader.read(image))
    reading = reader.read_line(image, line.quad_px)
    assert reading.text == "BAKERY"
    sums = np.exp(reading.log_probs).sum(axis=1)
    assert ((sums > 0.98) & (sums < 1.001)).all()
    tl, tr, br, bl = line.quad_px
    assert reader.read_line(image, (tr, tl, bl, br)).text != "BAKERY"


def test_threads_share_the_reader_and_agree(reader: OcrReader, sign: Callable[..., Rgb]) -> None:
    images = [sign("ONE TWO"), sign("THREE"), sign("FOUR\nFIVE")] * 2
    alone = [[line.text for line in reader.read(image)] for image in images]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda image: [line.text for line in reader.read(image)], images))
    assert together == alone


def test_a_second_look_gives_the_same_and_a_changed_line_is_read_anew(sign: Callable[..., Rgb]) -> None:
    reader = OcrReader(threads=1)
    image = sign("ONE\nTWO")
    first = reader.read(image)
    again = reader.read(image)
    assert [line.reading is other.reading for line, other in zip(first, again, strict=True)] == [True, True]
    changed = image.copy()
    changed[200:] = sign("ONE\nSIX")[200:]
    assert sorted(line.text for line in reader.read(changed)) == ["ONE", "SIX"]


def test_lines_that_are_not_tall_enough_are_left_out(reader: OcrReader, sign: Callable[..., Rgb]) -> None:
    image = sign("small", size=24)
    assert reader.read(image, least_height_px=60) == ()
    assert len(reader.read(image, least_height_px=10)) == 1
