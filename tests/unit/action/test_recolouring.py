"""Recolouring: the thing takes the colour, its shading, pattern and edges stay, and so does all else."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from fakes.tool_requests import a_request
from hypothesis import given, settings
from hypothesis import strategies as st

from services.action.tools.base import EditRequest, EditResult, ToolDeclined
from services.action.tools.recolour import Recolour, nearest_name
from shared.appearance import TONE, check_patch
from shared.colours import TONES
from shared.contracts.jobs import LoopPolicy
from shared.geometry import Mask
from shared.images import Rgb

SIDE, CENTRE, RADIUS = 96, (48, 50), 20
WALL = (176, 190, 170)


def disc(radius: float = RADIUS) -> np.ndarray:
    """`(SIDE, SIDE)` share of each pixel that the disc covers."""
    large = np.zeros((8 * SIDE, 8 * SIDE), np.uint8)
    cv2.circle(large, (8 * CENTRE[0] + 4, 8 * CENTRE[1] + 4), round(8 * radius), 255, -1)
    return cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., None] / 255.0


def ball(name: str, striped: bool = False, wall: tuple[int, int, int] = WALL) -> Rgb:
    """A ball that is lit from the left, on a wall."""
    light = np.linspace(1.15, 0.75, SIDE)[None, :, None]
    paint = np.asarray(TONES[name], float) * light
    if striped:
        paint = np.where((np.arange(SIDE) % 12 < 4)[:, None, None], np.asarray((240.0, 240, 236)) * light, paint)
    grain = np.random.default_rng(3).normal(0, 1.5, (SIDE, SIDE, 1))
    picture = np.asarray(wall, float) * (1 - disc()) + paint * disc() + grain
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def around(grow: int = 6) -> Mask:
    return disc(RADIUS + grow)[..., 0] > 0.5


def asked(picture: Rgb, colour: str, seen: str = "", mask: Mask | None = None) -> EditRequest:
    request = a_request(crop=picture, mask=around() if mask is None else mask, colour=colour, seen=seen)
    x0, y0, x1, y1 = (CENTRE[0] - RADIUS, CENTRE[1] - RADIUS, CENTRE[0] + RADIUS, CENTRE[1] + RADIUS)
    return replace(request, region=request.region.model_copy(update={"box_xyxy_px": (x0, y0, x1, y1)}))


def recoloured(request: EditRequest) -> EditResult:
    [answer] = Recolour().edit([request])
    assert isinstance(answer, EditResult), answer
    return answer


def refusal(request: EditRequest) -> str:
    [answer] = Recolour().edit([request])
    assert isinstance(answer, ToolDeclined)
    return str(answer)


def error(image: Rgb, truth: Rgb, where: Mask) -> float:
    return float(np.abs(image.astype(float) - truth)[where].mean())


COLOURED = sorted(set(TONES) - {"black", "white", "grey", "blond"})


@pytest.mark.parametrize("striped", [False, True])
@pytest.mark.parametrize(
    ("old", "new"), [("red", "blue"), ("yellow", "purple"), ("blue", "orange"), ("green", "brown")]
)
def test_it_looks_as_if_it_had_been_painted_so(old: str, new: str, striped: bool) -> None:
    before, truth = ball(old, striped), ball(new, striped)
    answer = recoloured(asked(before, new, old))
    core, edge = disc(RADIUS - 2)[..., 0] > 0.5, around(2) & ~(disc(RADIUS - 2)[..., 0] > 0.5)
    assert error(answer.image, truth, core) < 0.35 * error(before, truth, core)
    assert error(answer.image, truth, edge) < 0.5 * error(before, truth, edge)
    tone = np.asarray(answer.settings[TONE], np.float32)
    assert nearest_name(tone) == new


@pytest.mark.parametrize("new", ["white", "grey", "black"])
def test_a_colour_without_a_hue_leaves_none(new: str) -> None:
    answer = recoloured(asked(ball("red"), new, "red"))
    core = disc(RADIUS - 3)[..., 0] > 0.5
    lab = cv2.cvtColor(answer.image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[core]
    assert np.hypot(lab[:, 1], lab[:, 2]).mean() < 6


def test_what_has_no_hue_takes_one_and_keeps_its_shading() -> None:
    before = ball("white")
    answer = recoloured(asked(before, "red", "white"))
    row = answer.image[CENTRE[1], CENTRE[0] - 14 : CENTRE[0] + 15].astype(float)
    assert (row[:, 0] > row[:, 1] + 60).all()
    assert row[:8].mean() > row[-8:].mean() + 10  # still lit from the left


def test_a_muted_picture_gets_no_vivid_colour() -> None:
    muted = cv2.cvtColor(ball("blue"), cv2.COLOR_RGB2LAB).astype(float)
    muted[..., 1:] = 128 + 0.35 * (muted[..., 1:] - 128)
    picture = np.asarray(cv2.cvtColor(np.rint(muted).astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8)
    tones = [np.asarray(recoloured(asked(one, "red", "blue")).settings[TONE]) for one in (picture, ball("blue"))]
    assert np.hypot(*tones[0][1:]) < 0.7 * np.hypot(*tones[1][1:])


def test_a_hand_that_holds_it_keeps_its_colour() -> None:
    picture = ball("blue")
    picture[40:56, 40:70] = (214, 160, 130)
    answer = recoloured(asked(picture, "red", "blue"))
    assert (answer.image[42:54, 42:58] == picture[42:54, 42:58]).all() and not answer.alpha[42:54, 42:58].any()


@settings(max_examples=40, deadline=None)
@given(
    old=st.sampled_from(sorted(TONES)),
    new=st.sampled_from(sorted(TONES)),
    seed=st.integers(0, 10**6),
    told=st.booleans(),
)
def test_nothing_changes_outside_the_mask_or_where_the_alpha_is_none(old: str, new: str, seed: int, told: bool) -> None:
    rng = np.random.default_rng(seed)
    picture = ball(old, striped=bool(rng.integers(2)), wall=tuple(int(v) for v in rng.integers(0, 256, 3)))
    mask = around(int(rng.integers(0, 12))) & (rng.random((SIDE, SIDE)) > 0.1)
    request = asked(picture, new, old if told else "", mask)
    [answer] = Recolour().edit([request])
    if isinstance(answer, ToolDeclined):
        return
    assert answer.image.shape == picture.shape and not answer.alpha[~mask].any()
    assert (answer.image == picture)[answer.alpha == 0].all() or (~mask)[answer.alpha == 0].any()
    [again] = Recolour().edit([request])
    assert isinstance(again, EditResult) and (again.image == answer.image).all()


def test_the_check_of_its_patch_knows_the_colour_that_it_was_told_to_bring() -> None:
    before = ball("red")
    answer = recoloured(asked(before, "blue", "red"))
    box, tone = (0, 0, SIDE, SIDE), answer.settings[TONE]
    assert isinstance(tone, list)
    told = check_patch(before, answer.image, "p", box, answer.alpha, [float(str(value)) for value in tone])
    untold = check_patch(before, answer.image, "p", box, answer.alpha)
    limit = LoopPolicy().max_colour_shift
    assert told.colour_shift < limit < untold.colour_shift
    grey = np.where(answer.alpha[..., None] > 0, np.uint8(128), before)
    fill = check_patch(before, grey, "p", box, answer.alpha, [float(str(value)) for value in tone])
    assert fill.colour_shift > limit


def test_what_it_cannot_do_well_it_declines() -> None:
    plain = np.full((SIDE, SIDE, 3), 200, np.uint8)
    assert "stands out" in refusal(asked(plain, "red", "blue"))
    assert "nothing green stands out" in refusal(asked(ball("red"), "blue", "green"))
    assert "nothing else" in refusal(asked(ball("red"), "mauve", "red"))
    assert "nothing else" in refusal(a_request())
    assert "stands out" in refusal(asked(ball("red"), "blue", "red", np.ones((SIDE, SIDE), bool)))
    assert "stands out" in refusal(asked(ball("red"), "blue", "red", np.zeros((SIDE, SIDE), bool)))
