"""The `recolour` tool: gives the thing in the mask another colour, and leaves shading, pattern and edges as they are.

For what is right but for its colour, which models that draw anew change in more than that. The thing is what, of all in
the mask, has the colour that is to go and is rarer around it; its tones keep their differences in lightness, hue and
strength, about a new mean. Pixels at its edge are mixtures with what lies behind, and change by the thing's share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from services.action.tools.base import EditRequest, EditResult, ToolDeclined, Weightless
from shared.appearance import TONE, chief_colours, to_lab
from shared.colours import TONES
from shared.geometry import Mask, dilate
from shared.images import Rgb

Floats = npt.NDArray[np.float32]

_WEIGHTS = np.asarray((0.5, 1, 1), np.float32)
"""Of CIELAB's axes: a thing's shaded side is of its colour."""
_APART = 12.0
_MOST_COLOURS = 16
_LEAST_SHARE = 0.004
_LIKE_NAMED = 35.0
"""Weighted CIELAB distance to a named colour's tone at which a colour counts 1/e as much: palettes differ."""
_STRANGE = 50.0
"""Beyond this distance a colour does not bear the name."""
_LEAST_OWN = 0.25
"""Of what has the colour in crop and mask alike, in equal areas, so much lies in the mask at the least."""
_MORE_INSIDE = 0.5
_GREY = 12.0
"""Chroma below which a colour has no hue to speak of."""
_HUE_DEGREES = 22.0
_LEAST_CHROMA = 0.4
_SHADING = 45.0
_GREY_SHADING, _GREY_CHROMA = 25.0, 10.0
_LEAST_PART = 0.03
_LEAST_PX = 8
_OWN_LIGHT = 0.7
"""Of what sets the old tone apart from its name's, so much the new one keeps: the picture's light and manner."""
_VIVID, _LEAST_VIVID = 1.2, 40.0
"""A new colour is at most so much stronger than the strongest of the crop, or has this chroma."""
_EDGE_SIGMA_PX = 2.0


class Recolour(Weightless):
    """Recolours. `settings`: `colour`, the name to bring; `seen`, the one to go."""

    name = "recolour"

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        """One answer for each request, in order."""
        return [self._recolour(request) for request in batch]

    def _recolour(self, request: EditRequest) -> EditResult | ToolDeclined:
        asked, seen = (str(request.settings.get(name) or "") for name in ("colour", "seen"))
        if asked not in TONES or (seen and seen not in TONES):
            return ToolDeclined("recolour is told one of the basic colours, and nothing else")
        thing = thing_of_colour(request.crop, request.mask, _core(request), seen or None)
        if thing is None:
            return ToolDeclined(f"nothing {seen or 'of one colour'} stands out there from what is around it")
        tone = tone_for(asked, thing.tone, request.crop)
        image = recoloured(request.crop, thing, tone)
        changed = (image != request.crop).any(axis=2) & request.mask
        if not changed.any():
            return ToolDeclined(f"it is {asked} already")
        alpha = np.where(changed, 255, 0).astype(np.uint8)
        settings: dict[str, JsonValue] = {
            "colour": asked,
            "seen": seen,
            TONE: [round(float(value), 2) for value in tone],
        }
        return EditResult(image, alpha, settings)


@dataclass(frozen=True)
class ColouredThing:
    """`(h, w)` bool, where it is, without pixels that are half something else; and its CIELAB tone."""

    mask: Mask
    tone: Floats


def thing_of_colour(image: Rgb, mask: Mask, core: Mask, seen: str | None) -> ColouredThing | None:
    """What, in the mask, is of the colour that stands out there; None where nothing does.

    Args:
        image: `(h, w, 3)`.
        mask: `(h, w)` bool, where it may lie.
        core: `(h, w)` bool, part of the mask: where the region is.
        seen: the name of its colour; None for whatever colour stands out most.
    """
    around = ~mask
    if not core.any() or not around.any():
        return None
    lab = to_lab(np.asarray(cv2.bilateralFilter(image, 5, 30, 3), np.uint8))
    palette = chief_colours((lab * _WEIGHTS).reshape(-1, 3), _APART, _MOST_COLOURS, _LEAST_SHARE)
    nearest = np.argmin([np.linalg.norm(lab * _WEIGHTS - colour, axis=2) for colour in palette], axis=0)
    inside, outside = (np.bincount(nearest[part], minlength=len(palette)) / part.sum() for part in (core, around))
    own = inside / np.maximum(inside + outside, 1e-3)
    likely = inside * own**2
    if seen is not None:
        off = np.linalg.norm(palette - _lab_of(TONES[seen]) * _WEIGHTS, axis=1)
        likely *= np.exp(-((off / _LIKE_NAMED) ** 2)) * (off <= _STRANGE)
    best = int(np.argmax(likely))
    if likely[best] == 0 or own[best] < _LEAST_OWN:
        return None
    tone = np.median(lab[core & (nearest == best)], axis=0)
    alike = _alike(lab, tone) & ((own > _MORE_INSIDE)[nearest] | (nearest == best)) & mask
    kept = _parts(alike, core) & mask
    return ColouredThing(kept, np.asarray(tone, np.float32)) if kept.any() else None


def tone_for(name: str, old: Floats, image: Rgb) -> Floats:
    """The CIELAB tone of a named colour in this picture's light and manner.

    What sets the old tone apart from the one that its own name stands for, in lightness and strength, sets the new one
    apart in the same way; a muted picture gets no vivid colour.
    """
    tone, plain = _lab_of(TONES[name]).copy(), _lab_of(TONES[nearest_name(old)])
    tone[0] = np.clip(tone[0] + _OWN_LIGHT * (old[0] - plain[0]), 4, 97)
    chroma = float(np.hypot(*tone[1:]))
    if chroma <= _GREY:
        return tone
    wanted = chroma
    if np.hypot(*plain[1:]) > _GREY:
        wanted *= float(np.clip(np.hypot(*old[1:]) / np.hypot(*plain[1:]), 0.4, 1.3)) ** _OWN_LIGHT
    strongest = float(np.percentile(_chroma(to_lab(image)), 98))
    tone[1:] *= min(wanted, max(_LEAST_VIVID, _VIVID * strongest)) / chroma
    return tone


def nearest_name(tone: Floats) -> str:
    """The basic colour that a CIELAB tone is nearest to."""
    return min(TONES, key=lambda name: float(np.linalg.norm((_lab_of(TONES[name]) - tone) * _WEIGHTS)))


def recoloured(image: Rgb, thing: ColouredThing, tone: Floats) -> Rgb:
    """The image with the thing's tones moved from its own to another, and its edges mixed anew."""
    moved = _moved(to_lab(image), thing.tone, tone)
    pixels, inner = image.astype(np.float32), ~dilate(~thing.mask, 1)
    inner = inner if inner.any() else thing.mask
    reach = dilate(thing.mask, 2)
    own, _ = _mean_of(pixels, inner)
    new, _ = _mean_of(moved, inner)
    behind, seen = _mean_of(pixels, ~reach)
    across = own - behind
    share = ((pixels - behind) * across).sum(axis=2) / np.maximum((across * across).sum(axis=2), 1.0)
    mixed = pixels + np.clip(share, 0, 1)[..., None] * (new - own)
    edge = reach & ~inner & (seen > 1e-3)
    result = np.where(edge[..., None], mixed, np.where((thing.mask | inner)[..., None], moved, pixels))
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def _moved(lab: Floats, old: Floats, new: Floats) -> Floats:
    """Each tone as it would be were `old` `new`: `(h, w, 3)` RGB in 0..255.

    Chroma is kept as a share of the old tone's, the hue's difference as an angle; what is paler than the thing, as the
    white of its stripes, is moved the less.
    """
    has_hue = np.hypot(*old[1:]) > _GREY
    share = np.clip(_chroma(lab) / max(float(np.hypot(*old[1:])), 1e-3), 0, 1.3) if has_hue else np.ones(lab.shape[:2])
    turned = np.arctan2(lab[..., 2], lab[..., 1]) - np.arctan2(old[2], old[1]) if has_hue else np.zeros(lab.shape[:2])
    hue, chroma = np.arctan2(new[2], new[1]) + turned, np.hypot(*new[1:]) * share
    lightness = np.clip(lab[..., 0] + (new[0] - old[0]) * np.minimum(share, 1), 0, 100)
    moved = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=2).astype(np.float32)
    return np.asarray(np.clip(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB) * 255, 0, 255), np.float32)


def _alike(lab: Floats, tone: Floats) -> Mask:
    """Pixels of the tone's colour, in whatever light."""
    chroma, shade = float(np.hypot(*tone[1:])), np.abs(lab[..., 0] - tone[0])
    if chroma <= _GREY:
        return np.asarray((shade < _GREY_SHADING) & (_chroma(lab) < chroma + _GREY_CHROMA))
    angle = np.arctan2(lab[..., 2], lab[..., 1]) - np.arctan2(tone[2], tone[1])
    hue = np.degrees(np.abs(np.angle(np.exp(1j * angle))))
    return np.asarray((hue < _HUE_DEGREES) & (_chroma(lab) > _LEAST_CHROMA * chroma) & (shade < _SHADING))


def _parts(alike: Mask, core: Mask) -> Mask:
    """Connected parts that lie in the region for a good part of them, their pinholes closed."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    closed = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    within = np.bincount(labels[core], minlength=count)
    areas = statistics[:, cv2.CC_STAT_AREA]
    kept = (within >= 0.4 * areas) & (areas >= max(_LEAST_PX, _LEAST_PART * core.sum()))
    kept[0] = False
    return np.asarray(kept[labels])


def _mean_of(pixels: Floats, where: Mask) -> tuple[Floats, Floats]:
    """Around each pixel the mean of those at `where`, and how much of them there is."""
    weight = where.astype(np.float32)
    there = np.asarray(cv2.GaussianBlur(weight, (0, 0), _EDGE_SIGMA_PX), np.float32)
    summed = cv2.GaussianBlur(pixels * weight[..., None], (0, 0), _EDGE_SIGMA_PX)
    return np.asarray(summed / np.maximum(there, 1e-4)[..., None], np.float32), there


def _core(request: EditRequest) -> Mask:
    """The part of the mask in the region's own box."""
    x, y = request.crop_box_xyxy_px[:2]
    x0, y0, x1, y1 = request.region.box_xyxy_px
    box = np.zeros_like(request.mask)
    box[max(0, y0 - y) : max(0, y1 - y), max(0, x0 - x) : max(0, x1 - x)] = True
    return request.mask & box


def _chroma(lab: Floats) -> Floats:
    return np.asarray(np.hypot(lab[..., 1], lab[..., 2]), np.float32)


def _lab_of(rgb: tuple[int, int, int]) -> Floats:
    return np.asarray(to_lab(np.asarray([[rgb]], np.uint8))[0, 0])
