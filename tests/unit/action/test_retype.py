"""`retype` on signs drawn here with held-out typefaces: what it sets, where it may paint, what it declines."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fakes.tool_requests import a_mask_around, a_text_request
from PIL import Image, ImageDraw, ImageFont

from services.action.tools.base import EditRequest, EditResult, ToolDeclined, ToolKind
from services.action.tools.retype import Retype
from shared.contracts.base import QuadXY
from shared.contracts.values import TextFault, TextReading
from shared.fonts import FONTS, HELDOUT_FONTS, FontStyle
from shared.images import Rgb, compose

BY_NAME = {face.name: face for face in HELDOUT_FONTS}
INK, GROUND = (236, 232, 220), (28, 84, 62)


def sign(
    text: str, font: str = "Cabin-Bold", size: int = 60, noise: float = 2.0, seed: int = 1
) -> tuple[Rgb, list[QuadXY]]:
    """A lit, grainy board with a line of text; the quads of its words."""
    h, w = 240, 560
    _, x = np.mgrid[0:h, 0:w]
    board = np.array(GROUND) * (0.8 + 0.4 * x / w)[..., None]
    face = ImageFont.truetype(str(BY_NAME[font].path), size * 4)
    box = face.getbbox(text, anchor="ls")
    ox, oy = (w * 4 - box[2] - box[0]) // 2, (h * 4 - box[1] - box[3]) // 2
    mask = Image.new("L", (w * 4, h * 4), 0)
    ImageDraw.Draw(mask).text((ox, oy), text, font=face, fill=255, anchor="ls")
    cover = cv2.GaussianBlur(
        cv2.resize(np.asarray(mask, np.float32) / 255, (w, h), interpolation=cv2.INTER_AREA), (0, 0), 0.6
    )
    image = board * (1 - cover[..., None]) + np.array(INK) * cover[..., None]
    image += np.random.default_rng(seed).normal(0, noise, image.shape)
    quads: list[QuadXY] = []
    start = 0
    for word in text.split(" "):
        left = ox + face.getlength(text[:start])
        b = face.getbbox(word, anchor="ls")
        x0, y0, x1, y1 = (left + b[0]) / 4 - 2, (oy + b[1]) / 4 - 2, (left + b[2]) / 4 + 2, (oy + b[3]) / 4 + 2
        quads.append(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))
        start += len(word) + 1
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), quads


def request(
    image: Rgb,
    quads: list[QuadXY],
    text: str,
    index: int,
    expected: str | None,
    grow: int = 36,
    fault: TextFault = TextFault.MISSPELT,
    **settings: str | int,
) -> EditRequest:
    words = text.split(" ")
    line = (quads[0][0], quads[-1][1], quads[-1][2], quads[0][3])
    fixed = None if expected is None else " ".join([*words[:index], expected, *words[index + 1 :]])
    reading = TextReading(
        text=words[index],
        expected=expected,
        fault=fault,
        confidence=0.9,
        quad_px=quads[index],
        line_text=text,
        line_expected=fixed,
        line_quad_px=line,
    )
    area = line if settings.get("extent") == "line" else quads[index]
    return a_text_request(image, a_mask_around(area, image.shape[:2], grow), reading, **settings)


def edit(asked: EditRequest) -> EditResult:
    answer = Retype().edit([asked])[0]
    assert isinstance(answer, EditResult), str(answer)
    return answer


def declined(asked: EditRequest) -> str:
    answer = Retype().edit([asked])[0]
    assert isinstance(answer, ToolDeclined)
    return str(answer)


def ink_share(image: Rgb, box: tuple[int, int, int, int]) -> npt.NDArray[np.float64]:
    x0, y0, x1, y1 = box
    part = image[y0:y1, x0:x1].astype(float)
    step = np.array(INK, float) - np.array(GROUND)
    return np.clip((part - np.array(GROUND)) @ step / (step @ step), 0, 1)


def likeness(image: Rgb, truth: Rgb) -> float:
    """Best correlation of the ink of `truth` with that of `image` over shifts: alignment is the setter's choice."""
    full = (0, 0, image.shape[1], image.shape[0])
    wanted, seen = (ink_share(board, full).astype(np.float32) for board in (truth, image))
    rows, columns = np.nonzero(wanted > 0.6)
    template = wanted[rows.min() - 4 : rows.max() + 5, columns.min() - 4 : columns.max() + 5]
    return float(cv2.matchTemplate(np.pad(seen, 40), template, cv2.TM_CCOEFF_NORMED).max())


def test_is_a_mask_tool_with_a_name_and_a_licence() -> None:
    tool = Retype()
    assert (tool.name, tool.kind, tool.native_size_px) == ("retype", ToolKind.MASK, None)
    assert "OFL-1.1" in tool.licence
    assert tool.max_batch > 1


@pytest.mark.parametrize(
    ("wrong", "right", "font"),
    [
        ("BAKREY", "BAKERY", "PTSerif-Bold"),
        ("STREAT", "STREET", "BarlowCondensed-SemiBold"),
        ("Gadren", "Garden", "OpenSans-SemiBold"),
        ("SUMER", "SUMMER", "Arvo-Bold"),
    ],
)
def test_what_it_sets_looks_like_the_sign_that_was_right_from_the_start(wrong: str, right: str, font: str) -> None:
    image, quads = sign(wrong, font)
    truth, _ = sign(right, font, seed=2)
    result = edit(request(image, quads, wrong, 0, right))
    after = compose(image, result.image, result.alpha, (0, 0, image.shape[1], image.shape[0]))
    assert likeness(after, truth) > max(0.85, likeness(image, truth))


def test_changes_nothing_outside_the_mask_and_little_inside() -> None:
    image, quads = sign("MAIN STREAT")
    asked = request(image, quads, "MAIN STREAT", 1, "STREET")
    result = edit(asked)
    assert (result.alpha[~asked.mask] == 0).all()
    assert (result.image[result.alpha == 0] == image[result.alpha == 0]).all()
    assert 0 < (result.alpha > 0).sum() < 0.4 * asked.mask.sum()


def test_the_same_request_gives_the_same_pixels() -> None:
    image, quads = sign("COFEE")
    first, second = (edit(request(image, quads, "COFEE", 0, "COFFEE")) for _ in range(2))
    assert (first.image == second.image).all()
    assert (first.alpha == second.alpha).all()
    assert first.settings == second.settings


def test_letters_that_are_right_stay_on_their_own_pixels() -> None:
    image, quads = sign("STREAT")
    result = edit(request(image, quads, "STREAT", 0, "STREET"))
    assert result.settings["letters_kept"] in (4, 5)
    x0, x1 = int(quads[0][0][0]), int(quads[0][1][0])
    assert (result.alpha[:, x0 : x0 + (x1 - x0) // 3] == 0).all()


def test_the_next_best_typeface_is_another_one() -> None:
    image, quads = sign("COFEE")
    names = [edit(request(image, quads, "COFEE", 0, "COFFEE", typeface_rank=k)).settings["typeface"] for k in (0, 1)]
    assert names[0] != names[1]


def test_never_sets_in_a_held_out_typeface() -> None:
    assert not {face.path for face in FONTS} & {face.path for face in HELDOUT_FONTS}


def test_a_serif_is_answered_with_a_serif_and_a_sans_with_a_sans() -> None:
    style = {face.name: face.style for face in FONTS}
    for font, wanted in (("PTSerif-Bold", {FontStyle.SERIF}), ("OpenSans-SemiBold", {FontStyle.SANS})):
        image, quads = sign("Gadren", font)
        result = edit(request(image, quads, "Gadren", 0, "Garden"))
        assert style[str(result.settings["typeface"])] in wanted


def test_erased_ground_has_the_light_and_grain_of_its_surroundings() -> None:
    image, quads = sign("OPEN NOWI", noise=4.0)
    result = edit(request(image, quads, "OPEN NOWI", 1, "NOW"))
    after = compose(image, result.image, result.alpha, (0, 0, image.shape[1], image.shape[0]))
    x1 = int(quads[1][1][0])
    rows = slice(int(quads[1][0][1]), int(quads[1][2][1]))
    gone = after[rows, x1 - 14 : x1 - 4].astype(float)
    beside = after[rows, x1 + 10 : x1 + 20].astype(float)
    assert np.abs(gone.mean(axis=(0, 1)) - beside.mean(axis=(0, 1))).max() < 6.0
    assert 0.6 < gone.std(axis=(0, 1)).mean() / beside.std(axis=(0, 1)).mean() < 1.6


def test_a_whole_line_is_set_anew() -> None:
    image, quads = sign("FRSH BRED")
    truth, _ = sign("FRESH BREAD", seed=2)
    asked = request(image, quads, "FRSH BRED", 0, "FRESH", grow=60, extent="line")
    assert asked.region.reading is not None
    reading = asked.region.reading.model_copy(update={"line_expected": "FRESH BREAD"})
    region = asked.region.model_copy(update={"reading": reading})
    result = edit(
        EditRequest(image, asked.mask, asked.crop_box_xyxy_px, region, asked.diagnosis, "", 5, {"extent": "line"})
    )
    after = compose(image, result.image, result.alpha, (0, 0, image.shape[1], image.shape[0]))
    assert likeness(after, truth) > max(0.8, likeness(image, truth))


def test_a_longer_first_word_leaves_it_to_the_line_which_keeps_its_centre() -> None:
    image, quads = sign("LUNCH SITE")
    assert "off the centre" in declined(request(image, quads, "LUNCH SITE", 0, "LAUNCH"))
    result = edit(request(image, quads, "LUNCH SITE", 0, "LAUNCH", grow=60, extent="line"))
    after = compose(image, result.image, result.alpha, (0, 0, image.shape[1], image.shape[0]))
    middles = []
    for picture in (image, after):
        dark = np.flatnonzero((picture.astype(int).sum(axis=2) < picture.astype(int).sum(axis=2).max() / 2).any(axis=0))
        middles.append((dark[0] + dark[-1]) / 2)
    assert abs(middles[0] - middles[1]) < 4


@pytest.mark.parametrize(
    ("expected", "part"),
    [
        (None, "nothing says"),
        ("", "erase them"),
        ("مقهى", "Arabic"),
        ("喫茶店", "Cjk"),
        ("INTERNATIONALISATION", "too long"),
    ],
)
def test_says_why_it_declines_a_word(expected: str | None, part: str) -> None:
    image, quads = sign("CAFE")
    assert part in declined(request(image, quads, "CAFE", 0, expected))


def test_declines_what_was_not_read() -> None:
    image, quads = sign("CAFE")
    asked = request(image, quads, "CAFE", 0, "CAFÉ")
    region = asked.region.model_copy(update={"reading": None})
    answer = Retype().edit([EditRequest(image, asked.mask, asked.crop_box_xyxy_px, region, asked.diagnosis, "", 1)])[0]
    assert isinstance(answer, ToolDeclined)


def test_declines_letters_that_do_not_differ_from_their_ground() -> None:
    image, quads = sign("CAFE")
    grey = np.full_like(image, 120)
    assert "contrast" in declined(request(grey, quads, "CAFE", 0, "CAFÉ"))


def test_declines_tiny_letters() -> None:
    image, quads = sign("shp", size=9, noise=0.5)
    asked = request(image, quads, "shp", 0, "shop", grow=8)
    assert isinstance(Retype().edit([asked])[0], ToolDeclined)


def test_declines_where_the_old_words_may_not_be_touched() -> None:
    image, quads = sign("STREAT")
    asked = request(image, quads, "STREAT", 0, "GARDEN")
    mask = asked.mask.copy()
    mask[:, : image.shape[1] // 2] = False
    answer = Retype().edit([EditRequest(image, mask, asked.crop_box_xyxy_px, asked.region, asked.diagnosis, "", 1)])[0]
    assert isinstance(answer, ToolDeclined)


def test_an_unknown_extent_is_an_error_of_the_caller() -> None:
    image, quads = sign("CAFE")
    with pytest.raises(ValueError, match="extent"):
        Retype().edit([request(image, quads, "CAFE", 0, "CAFÉ", extent="page")])


def test_sets_accents() -> None:
    image, quads = sign("CAFF", "PTSerif-Bold")
    truth, _ = sign("CAFÉ", "PTSerif-Bold", seed=2)
    result = edit(request(image, quads, "CAFF", 0, "CAFÉ"))
    above = (int(quads[0][1][0]) - 40, int(quads[0][0][1]) - 12, int(quads[0][1][0]), int(quads[0][0][1]) + 1)
    after = compose(image, result.image, result.alpha, (0, 0, image.shape[1], image.shape[0]))
    assert ink_share(image, above).max() < 0.7 < ink_share(after, above).max()
    assert likeness(after, truth) > 0.8


def test_a_mirrored_letter_is_not_taken_for_the_right_one() -> None:
    image, quads = sign("REST", "OpenSans-SemiBold")
    ink = ink_share(image, (0, 0, image.shape[1], image.shape[0]))
    x0 = next(x for x in range(image.shape[1]) if ink[:, x].max() > 0.4)
    x1 = next(x for x in range(x0 + 10, image.shape[1]) if ink[:, x].max() < 0.2)
    spoilt = image.copy()
    spoilt[:, x0:x1] = image[:, x0:x1][:, ::-1]
    result = edit(request(spoilt, quads, "REST", 0, "REST"))
    after = compose(spoilt, result.image, result.alpha, (0, 0, image.shape[1], image.shape[0]))
    assert result.settings["letters_kept"] == 3
    assert likeness(after, image) > likeness(spoilt, image)


def test_a_right_word_moves_with_its_own_letters_whatever_they_look_like() -> None:
    image, quads = sign("MAIN STREEET", "OpenSans-SemiBold")
    x0, x1 = int(quads[0][0][0]), int(quads[0][1][0]) + 4
    odd = image.copy()
    odd[:, x0:x1] = image[:, x0:x1][:, ::-1]  # no typeface has such letters
    asked = request(odd, quads, "MAIN STREEET", 1, "STREET", grow=60, extent="line")
    result = edit(asked)
    assert result.settings["letters_kept"] + result.settings["letters_reused"] >= 9


def test_an_accent_goes_with_its_letter() -> None:
    image, quads = sign("CAFÉ BAR", "PTSerif-Bold")
    x0, y0, x1, y1 = *quads[0][0], *quads[0][2]
    cap = (y1 - y0) * 0.72
    tight: list[QuadXY] = [((x0, y1 - cap), (x1, y1 - cap), (x1, y1), (x0, y1)), quads[1]]
    result = edit(request(image, tight, "CAFE BAR", 0, "CAFF"))
    after = compose(image, result.image, result.alpha, (0, 0, image.shape[1], image.shape[0]))
    above = (int(x1) - 36, int(y0), int(x1), int(y1 - cap) - 3)
    assert ink_share(image, above).max() > 0.7 > 0.4 > ink_share(after, above).max()
