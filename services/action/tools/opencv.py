"""The `opencv` tool: erases what lies in the mask by continuing its surroundings. It removes and never repairs.

Flat surroundings (paper, painted signs, sky) are continued by a smooth fit and their own grain; textured ones (brick,
wood, fabric) by patches of the texture, or by its detail in the place's own light where those are lit otherwise; where
nothing else is possible by OpenCV's Navier-Stokes inpainting. Nothing of the words or of planning is known here.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from services.action.exemplar import fill_from_exemplars
from services.action.light_and_detail import fill, interpolate
from services.action.surface import Surface, fit_surface, grain_like
from services.action.tools.base import EditRequest, EditResult, ToolDeclined, Weightless
from shared.geometry import Mask, dilate
from shared.images import Rgb

# Above these the surroundings are not one smooth surface: levels of grain, of what the fit leaves over after blurring
# the grain away, and the share of the ring that belongs to the surface.
MAX_GRAIN_SIGMA = 9.0
MAX_STRUCTURE = 2.5
LEAST_INLIERS = 0.6
MAX_HOLE_SHARE = 0.8
LEAST_SUPPORT = 0.5  # of a blur's window must be known
INPAINT_RADIUS_PX = 5
LEAST_INK_CONTRAST = 25.0  # levels
MOST_INK = 0.6  # of the hole; more is no lettering
INK_MARGIN_PX = 3
MAX_LIGHT_ERROR = 8.0  # levels of RGB distance, on the mean
_REACH = 6.0  # depths of the hole


class OpenCvTool(Weightless):
    """Erases."""

    name = "opencv"

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        """One answer for each request, in order. `settings` needs `operation: "erase"`: the tool knows nothing else."""
        return [self._erase(request) for request in batch]

    def _erase(self, request: EditRequest) -> EditResult | ToolDeclined:
        if request.settings.get("operation") != "erase":
            return ToolDeclined("opencv only removes things: it cannot repair or draw anything")
        if not request.mask.any():
            return ToolDeclined("there is nothing to erase: the mask is empty")
        if request.mask.mean() > MAX_HOLE_SHARE:
            return ToolDeclined("too little of the surroundings is visible to continue them")
        lettering = request.region.reading is not None
        image, method = erase(request.crop, request.mask, request.seed, lettering=lettering)
        alpha = np.where(request.mask, 255, 0).astype(np.uint8)
        return EditResult(image, alpha, {"operation": "erase", "method": method, "seed": request.seed})


def erase(image: Rgb, hole: Mask, seed: int, *, lettering: bool = False) -> tuple[Rgb, str]:
    """The image with the hole continued from its surroundings, and how: `surface`, `exemplar`, `detail`, `diffusion`.

    Args:
        image: `(h, w, 3)` RGB with context around the hole.
        hole: `(h, w)` bool, at least one pixel each way.
        seed: of grain and search.
        lettering: the hole holds letters on a ground; on a textured ground only they are filled, so that all of the
            texture that shows between them stays.
    """
    ring = _ring(hole)
    surface = fit_surface(image.astype(np.float32), ring, order=2)
    if _is_flat(surface):
        filled = surface.values + grain_like(surface, seed)
        result = image.copy()
        result[hole] = np.clip(np.round(filled[hole]), 0, 255).astype(np.uint8)
        return result, "surface"
    others = np.zeros_like(hole)
    if lettering:
        hole, others = _ink(image, hole, ring)
    patched = fill_from_exemplars(image, hole, seed, others)
    if patched is not None:
        return _in_its_light(image, patched, hole, others, seed)
    holes = hole.astype(np.uint8)
    return np.asarray(cv2.inpaint(image, holes, INPAINT_RADIUS_PX, cv2.INPAINT_NS), np.uint8), "diffusion"


def _in_its_light(image: Rgb, patched: Rgb, hole: Mask, others: Mask, seed: int) -> tuple[Rgb, str]:
    """What exemplars filled, or, where their light is another than there, as on wood that is lit from one side, detail
    from around in the hole's own light.
    """
    depth = _depth(hole)
    known = dilate(hole, round(_REACH * depth)) & ~dilate(hole, 1) & ~others
    if not known.any():
        return patched, "exemplar"
    pixels = image.astype(np.float32)
    light = interpolate(pixels, known, depth)
    if _light_error(patched, light, hole, depth) <= MAX_LIGHT_ERROR:
        return patched, "exemplar"
    filled = fill(pixels, hole, known, _REACH * depth, np.random.default_rng(seed))
    lit = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
    if _light_error(lit, light, hole, depth) > MAX_LIGHT_ERROR:
        return patched, "exemplar"
    return lit, "detail"


def _light_error(filled: Rgb, light: npt.NDArray[np.float32], hole: Mask, depth: float) -> float:
    """Levels by which what was filled leaves the light that goes on from around."""
    own = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), depth)
    return float(np.linalg.norm(own - light, axis=2)[hole].mean())


def _ink(image: Rgb, hole: Mask, ring: Mask) -> tuple[Mask, Mask]:
    """The letters in the hole with a margin for their soft edges, and all else of their tone, which is no ground.

    All of the hole, and nothing else, where no two tones tell letters from ground. Otsu's threshold on the lightness
    splits ink from ground; the ink is the class that lies further from the ring.
    """
    luma = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 0.8)
    threshold, _ = cv2.threshold(luma[hole].reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    around = float(np.median(luma[ring])) if ring.any() else threshold
    dark = hole & (luma <= threshold)
    bright = hole & ~dark
    none = np.zeros_like(hole)
    if not dark.any() or not bright.any():
        return hole, none
    levels = {name: float(np.median(luma[part])) for name, part in (("dark", dark), ("bright", bright))}
    is_dark = abs(levels["dark"] - around) > abs(levels["bright"] - around)
    ink = dark if is_dark else bright
    spread = 1.4826 * float(np.median(np.abs(luma[ring] - around))) if ring.any() else 0.0
    apart = levels["bright"] - levels["dark"] > max(LEAST_INK_CONTRAST, 2 * spread)
    if not apart or ink.sum() > MOST_INK * hole.sum():
        return hole, none
    alike = luma <= threshold if is_dark else luma > threshold
    return dilate(ink, INK_MARGIN_PX) & hole, dilate(alike, INK_MARGIN_PX) & ~hole


def _ring(hole: Mask) -> Mask:
    """What surrounds the hole: about as wide as the hole is deep, at least 8 and at most 48 pixels."""
    return dilate(hole, int(np.clip(1.5 * _depth(hole), 8, 48))) & ~dilate(hole, 1)


def _depth(hole: Mask) -> float:
    """Pixels from its edge to its innermost one."""
    return float(cv2.distanceTransform(np.pad(hole, 1).astype(np.uint8), cv2.DIST_L2, 3).max())


def _is_flat(surface: Surface) -> bool:
    """Whether one smooth surface with fine grain explains the ring."""
    if surface.inlier_share < LEAST_INLIERS or surface.sigma > MAX_GRAIN_SIGMA:
        return False
    weight = surface.inliers.astype(np.float32)
    luma = surface.residual.mean(axis=2) * weight
    # Blurs over known pixels only (normalised convolution): grain averages out, structure stays. The long thin ones
    # find what runs one way, as the fibres of wood do.
    for sigma_x, sigma_y in ((4.0, 4.0), (8.0, 0.3), (0.3, 8.0)):
        support = cv2.GaussianBlur(weight, (0, 0), sigma_x, sigmaY=sigma_y)
        structure = cv2.GaussianBlur(luma, (0, 0), sigma_x, sigmaY=sigma_y) / np.maximum(support, 1e-3)
        known = surface.inliers & (support > LEAST_SUPPORT)
        if known.any() and float(np.sqrt(np.mean(structure[known] ** 2))) > MAX_STRUCTURE:
            return False
    return True
