"""Whether a detector knows a wrong colour for one, and which is meant: counted over pictures with known flaws."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from services.evaluation.perception.figures import ColourFigures
from services.evaluation.perception.truth import TrueImage, TrueRegion
from services.perception.detectors.base import Detector, Explains, Scene
from shared.colours import change_asked
from shared.contracts.categories import Category
from shared.contracts.values import ColourFault
from shared.geometry import Mask

LEAST_COVER = 0.2
"""Of a flaw's visible mask: a region that covers less is not of that flaw."""


class Knowing(Detector, Explains, Protocol):
    """A detector that may know of a region that its colour is wrong."""


def count_colours(detector: Knowing, images: Iterable[TrueImage]) -> ColourFigures:
    """Asks the detector of each of its own findings, as the perception agent does."""
    counts: Counter[str] = Counter()
    for truth in images:
        scene = Scene(truth.image, truth.prompt)
        detection = detector.detect(scene)
        if not detection.doubts:
            continue
        masks = [finding.whole((truth.image.shape[0], truth.image.shape[1])) for finding in detection.findings]
        for mask, said in zip(masks, detector.colour_faults(scene, detection, masks), strict=True):
            counts.update(_outcome(truth, mask, said))
    return ColourFigures(**counts)


def _outcome(truth: TrueImage, mask: Mask, said: ColourFault | None) -> list[str]:
    """What one region counts for."""
    if not truth.regions:
        return ["sound", *(["sound_told"] if said else [])]
    flaw = _flaw_at(truth, mask)
    seen, asked = change_asked(flaw.instruction) if flaw and flaw.category is Category.ATTRIBUTE else (None, None)
    if seen is None or asked is None:
        return ["other", *(["other_told"] if said else [])]
    if said is None:
        return ["wrong"]
    right = {"seen": said.seen == seen, "first": said.asked[0] == asked, "among": asked in said.asked}
    return ["wrong", "told", *(name for name, holds in right.items() if holds)]


def _flaw_at(truth: TrueImage, mask: Mask) -> TrueRegion | None:
    """The flaw that the region covers most of; None where that is too little."""
    shares = [(float(one.mask[mask].sum()) / max(1, int(one.mask.sum())), one) for one in truth.regions]
    share, flaw = max(shares, key=lambda pair: pair[0])
    return flaw if share >= LEAST_COVER else None
