"""The text detector on signs set by a typesetter, and on photographs where it has nothing to say."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import data

from services.perception.detectors.base import Detection, Scene
from services.perception.detectors.text.detector import TextDetector
from shared.contracts.values import Region, TextFault
from shared.geometry import intersection
from shared.images import Rgb

HOTEL = 'a sign that says "Grand Hotel Paris"'


def _detect(detector: TextDetector, image: Rgb, prompt: str, *expected: str) -> Detection:
    return detector.detect(Scene(image, prompt, expected))


@pytest.mark.parametrize(
    ("written", "prompt"),
    [
        ("GRAND HOTEL PARIS", HOTEL),
        ("GRAND HOTEL\nPARIS", HOTEL),
        ("Grand\nHotel\nParis", HOTEL),
        ("open", 'a sign that says "OPEN"'),
        ("Café Noir", 'a sign that says "Café Noir"'),
        ("Straße 7", 'a sign that says "Straße 7"'),
        ("COFFEE", 'a sign that says "COFFEE"'),
        ("Illinois", 'a sign that says "Illinois"'),
        ("OPEN DAILY\n9 to 5", 'a sign that says "OPEN"'),
        ("BYE BYE", 'a sign that says "BYE BYE"'),
        ("ROCK 'N' ROLL", "a poster that says \"Rock 'n' Roll\""),
    ],
)
def test_a_correct_sign_is_left_alone(
    detector: TextDetector, sign: Callable[..., Rgb], written: str, prompt: str
) -> None:
    detection = _detect(detector, sign(written), prompt)
    assert detection.findings == ()
    assert detection.warnings == ()


@pytest.mark.parametrize("angle", [20, 90, 180])
def test_a_turned_sign_is_left_alone_and_a_turned_fault_is_found(
    detector: TextDetector, sign: Callable[..., Rgb], angle: int
) -> None:
    assert _detect(detector, sign("FRESH BREAD", hw=(600, 600), angle=angle), '"FRESH BREAD" on a sign').findings == ()
    found = _detect(detector, sign("FRESH BRAED", hw=(600, 600), angle=angle), '"FRESH BREAD" on a sign').findings
    assert [f.reading.expected for f in found if f.reading] == ["BREAD"]


@pytest.mark.parametrize(
    ("written", "text", "expected", "fault"),
    [
        ("GRAND HOTLE PARIS", "HOTLE", "HOTEL", TextFault.MISSPELT),
        ("GRAND HOTEL\nPARSI", "PARSI", "PARIS", TextFault.MISSPELT),
        ("GRAND HOTELL PARIS", "HOTELL", "HOTEL", TextFault.MISSPELT),
        ("GRAND PARIS", "", "GRAND HOTEL PARIS", TextFault.MISSING),
        ("GRAND HOTEL", "", "GRAND HOTEL PARIS", TextFault.MISSING),
        ("GRAND GRAND HOTEL\nPARIS", "GRAND", "", TextFault.DOUBLED),
        ("GRAND HOTEL\nPARIS\nPARIS", "PARIS", "", TextFault.DOUBLED),
        ("GRAND TABLE PARIS", "TABLE", "HOTEL", TextFault.WRONG),
    ],
)
def test_each_fault_is_named_with_what_should_be_there(
    detector: TextDetector, sign: Callable[..., Rgb], written: str, text: str, expected: str, fault: TextFault
) -> None:
    found = _detect(detector, sign(written, size=56), HOTEL).findings
    assert len(found) == 1
    reading = found[0].reading
    assert reading is not None
    assert (reading.text.replace(" ", ""), reading.expected, reading.fault) == (text, expected, fault)
    assert found[0].evidence > 0.8
    assert found[0].mask.shape == (
        found[0].box_xyxy_px[3] - found[0].box_xyxy_px[1],
        found[0].box_xyxy_px[2] - found[0].box_xyxy_px[0],
    )


SIGN = "NOTICE\nDOUBLE\nPARKING\nPROHIBITED\nAT ALL TIMES"


@pytest.mark.parametrize(
    ("phrase", "readings"),
    [
        ("NOTICE DOUBLE PARKING PROHIBITED AT ALL TIMES", []),
        ("DOUBLE PARKING ENCOURAGED AT ALL TIMES", [("PROHIBITED", "ENCOURAGED")]),
        ("NOTICE DOUBLE PARKING PROHIBITED AT NO TIMES", [("ALL", "NO")]),
        ("NOTICE DOUBLE TALKING PROHIBITED AT ALL TIMES", [("PARKING", "TALKING")]),
    ],
)
def test_a_wrong_word_on_a_sign_of_many_lines(
    detector: TextDetector, sign: Callable[..., Rgb], phrase: str, readings: list[tuple[str, str]]
) -> None:
    found = _detect(detector, sign(SIGN, size=52), f'a street sign that says "{phrase}"').findings
    assert [(f.reading.text, f.reading.expected) for f in found if f.reading] == readings


def test_several_phrases_on_one_board_keep_to_their_lines(detector: TextDetector, sign: Callable[..., Rgb]) -> None:
    board = sign("Sports Centre\nWivenioe Fark\nConference Centre\nCar Parks", size=52)
    prompt = 'a road sign with the words "Sports Centre", "Wivenhoe Park", "Concert Centre" and "Car Parks"'
    found = _detect(detector, board, prompt).findings
    assert {(f.reading.line_text, f.reading.line_expected) for f in found if f.reading} == {
        ("Conference Centre", "Concert Centre"),
        ("Wivenioe Fark", "Wivenhoe Park"),
    }


def test_two_separate_faults_in_a_line_are_one_finding(detector: TextDetector, sign: Callable[..., Rgb]) -> None:
    found = _detect(detector, sign("GARND HOTEL PARSI", size=56), HOTEL).findings
    assert len(found) == 1
    assert found[0].reading is not None
    assert found[0].reading.expected == "GRAND HOTEL PARIS"
    assert found[0].reading.quad_px == found[0].reading.line_quad_px


@pytest.mark.parametrize("end", ["first", "last"])
def test_one_mirrored_word_of_a_line_is_told_from_a_missing_one(
    detector: TextDetector, sign: Callable[..., Rgb], end: str
) -> None:
    image = sign("MARKET GARDEN").copy()
    whole = _detect(detector, sign("MARKET GARDNE"), 'a sign that says "MARKET GARDEN"').findings[0].reading
    assert whole is not None
    x0, y0, x1, y1 = (round(v) for v in (*whole.line_quad_px[0], *whole.line_quad_px[2]))
    middle = round(whole.quad_px[0][0]) - 8
    part = slice(x0 - 4, middle) if end == "first" else slice(middle, x1 + 4)
    image[y0 - 4 : y1 + 4, part] = image[y0 - 4 : y1 + 4, part][:, ::-1]
    found = _detect(detector, image, 'a sign that says "MARKET GARDEN"').findings
    expected = "MARKET" if end == "first" else "GARDEN"
    assert [(f.reading.fault, f.reading.expected, f.reading.line_expected) for f in found if f.reading] == [
        (TextFault.MIRRORED, expected, "MARKET GARDEN")
    ]


def test_mirrored_words_are_told_from_wrong_ones(detector: TextDetector, sign: Callable[..., Rgb]) -> None:
    for written in ("OPEN", "FRESH BREAD", "GRAND HOTEL\nPARIS"):
        found = _detect(detector, sign(written, mirror=True), f'a sign that says "{written}"').findings
        assert [f.reading.fault for f in found if f.reading] == [TextFault.MIRRORED] * len(written.split("\n"))
        for finding in found:
            assert finding.reading is not None
            tl, tr, _, bl = finding.reading.quad_px
            assert tr[0] > tl[0]
            assert bl[1] > tl[1]


def test_by_elimination_the_one_sign_is_wrong(detector: TextDetector, sign: Callable[..., Rgb]) -> None:
    found = _detect(detector, sign("STOP", size=110), 'a sign that says "SLOW"').findings
    assert [(f.reading.text, f.reading.expected) for f in found if f.reading] == [("STOP", "SLOW")]
    pair = sign("STOP\n\n\nEXIT", size=70)
    unclear = _detect(detector, pair, 'a sign that says "SLOW"')
    assert unclear.findings == ()
    assert "--regions" in unclear.warnings[0]


def test_a_shape_that_looks_like_one_letter_is_no_rival_of_the_one_sign(
    detector: TextDetector, sign: Callable[..., Rgb]
) -> None:
    """A person with arms and legs is read as an H."""
    image = np.minimum(sign("RECORDS", size=40), np.roll(sign("H", size=160), -230, axis=1))
    found = _detect(detector, image, 'a sign that says "SANDWICH"').findings
    assert [(f.reading.text, f.reading.expected) for f in found if f.reading] == [("RECORDS", "SANDWICH")]


def test_words_without_a_place_are_a_warning(detector: TextDetector, sign: Callable[..., Rgb]) -> None:
    detection = _detect(detector, sign(""), 'a sign that says "OPEN"')
    assert detection.findings == ()
    assert len(detection.warnings) == 1
    assert "OPEN" in detection.warnings[0]
    assert "--regions" in detection.warnings[0]


@pytest.mark.parametrize("phrase", ["ПРИВЕТ", "שלום", "مرحبا", "안녕하세요"])
def test_a_script_that_it_cannot_read_is_a_warning_never_an_alarm(
    detector: TextDetector, sign: Callable[..., Rgb], phrase: str
) -> None:
    detection = _detect(detector, sign("NPNBET"), f'a sign that says "{phrase}"')
    assert detection.findings == ()
    assert phrase in detection.warnings[0]


def test_the_callers_words_outweigh_the_prompt(detector: TextDetector, sign: Callable[..., Rgb]) -> None:
    assert _detect(detector, sign("CLOSED"), 'a sign that says "OPEN"', "Closed").findings == ()


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
@pytest.mark.parametrize("prompt", ["a photograph", 'a cat named "Tom" in the style of "Blade Runner"'])
def test_photographs_give_nothing(detector: TextDetector, name: str, prompt: str) -> None:
    detection = _detect(detector, np.ascontiguousarray(getattr(data, name)()), prompt)
    assert detection.findings == ()


def test_a_printed_page_gives_nothing(detector: TextDetector) -> None:
    page = np.repeat(data.page()[..., None], 3, axis=2)
    assert _detect(detector, page, "a page of a book").findings == ()
    assert _detect(detector, page, "a page", "Region-based segmentation").findings == ()
    unasked = _detect(detector, page, "a page", "chocolate imaging")
    assert unasked.findings == ()
    assert "chocolate imaging" in unasked.warnings[0]


def _region(detector: TextDetector, scene: Scene) -> tuple[Region, float]:
    detection = detector.detect(scene)
    finding = detection.findings[0]
    region = Region(
        id="r1",
        box_xyxy_px=finding.box_xyxy_px,
        mask_ref="r1",
        detector="text",
        evidence=finding.evidence,
        reading=finding.reading,
    )
    return region, detector.evidence_at(scene, detection, [region])[0]


def _evidence(detector: TextDetector, image: Rgb, prompt: str, region: Region) -> float:
    scene = Scene(image, prompt)
    return detector.evidence_at(scene, detector.detect(scene), [region])[0]


@pytest.mark.parametrize(
    "written", ["GRAND HOTLE PARIS", "GRAND PARIS", "GRAND GRAND HOTEL PARIS", "XQRNF HQZVL PZRXS"]
)
def test_evidence_falls_for_the_right_words_and_for_nothing_else(
    detector: TextDetector, sign: Callable[..., Rgb], written: str
) -> None:
    faulty = sign(written, size=50)
    region, before = _region(detector, Scene(faulty, HOTEL))
    assert before > 0.8
    assert before == pytest.approx(region.evidence)
    assert _evidence(detector, sign("GRAND HOTEL PARIS", size=50), HOTEL, region) <= 0.3
    for sabotaged in _sabotaged(faulty, region):
        assert _evidence(detector, sabotaged, HOTEL, region) > before - 0.2
    assert _evidence(detector, sign("GRAND HOUSE PARIS", size=50), HOTEL, region) > before - 0.2 - 1e-9


def _sabotaged(image: Rgb, region: Region) -> list[Rgb]:
    """The region blurred, and filled with the mean; erased does a doubled word good, so it is not among them."""
    x0, y0, x1, y1 = intersection(region.box_xyxy_px, (0, 0, image.shape[1], image.shape[0]))
    blurred, filled = image.copy(), image.copy()
    blurred[y0:y1, x0:x1] = cv2.GaussianBlur(image, (0, 0), (y1 - y0) / 4)[y0:y1, x0:x1]
    filled[y0:y1, x0:x1] = image[y0:y1, x0:x1].reshape(-1, 3).mean(axis=0)
    doubled = region.reading is not None and region.reading.fault is TextFault.DOUBLED
    return [] if doubled else [blurred, filled]


def test_other_detectors_regions_get_the_worst_own_finding_there(
    detector: TextDetector, sign: Callable[..., Rgb]
) -> None:
    scene = Scene(sign("GRAND HOTLE PARIS", size=50), HOTEL)
    detection = detector.detect(scene)
    over = Region(id="r1", box_xyxy_px=(0, 0, 700, 400), mask_ref="m", detector="saliency", evidence=0.5)
    beside = Region(id="r2", box_xyxy_px=(0, 0, 20, 20), mask_ref="m", detector="saliency", evidence=0.5)
    values = detector.evidence_at(scene, detection, [over, beside])
    assert list(values) == [detection.findings[0].evidence, 0.0]
