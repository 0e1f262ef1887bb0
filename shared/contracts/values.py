"""What the agents say to each other about one image: canvas, region, diagnosis, patch, verdict (DESIGN.md, "Values").

A `*_ref` is a key of the image store. Masks, alphas and patches are PNGs; they lie over the original at their box.
"""

from enum import StrEnum

from pydantic import Field, JsonValue

from shared.contracts.base import BoxXYXY, Contract, QuadXY, UnitFloat
from shared.contracts.categories import Category


class TextFault(StrEnum):
    """What can be wrong with written words."""

    MISSPELT = "misspelt"
    GARBLED = "garbled"
    MIRRORED = "mirrored"
    DOUBLED = "doubled"
    MISSING = "missing"
    WRONG = "wrong"
    ILLEGIBLE = "illegible"


class TextReading(Contract):
    """What the text detector reads at a region, and what it ought to read.

    Attributes:
        text: what is read; empty where a word is missing.
        expected: what should stand at `quad_px`; empty where the words should go (a doubled word); None where
            nothing says what it should be, so that it is judged for legibility alone.
        fault: what is wrong.
        confidence: the reader's confidence in `text`.
        quad_px: the word or words in question, corners in reading order.
        line_text: the whole line as read, of which `text` is a part.
        line_expected: the whole line as it should read; None where nothing says so.
        line_quad_px: the whole line.
    """

    text: str
    expected: str | None
    fault: TextFault
    confidence: UnitFloat
    quad_px: QuadXY
    line_text: str
    line_expected: str | None
    line_quad_px: QuadXY


class ColourFault(Contract):
    """A colour that contradicts the prompt, by name (`shared.colours`).

    Attributes:
        seen: what the region shows.
        asked: what the prompt may ask for there, likeliest first.
        phrase: the prompt's words with the likeliest, "red paper kite"; of several things of that colour, it alone.
    """

    seen: str
    asked: tuple[str, ...] = Field(min_length=1)
    phrase: str


class Region(Contract):
    """A place where a detector saw a distortion.

    Attributes:
        id: stable within a job: the same detector with IoU >= 0.5 keeps it.
        box_xyxy_px: tight box of the mask, half-open.
        mask_ref: `(H, W)` 8-bit PNG of the box's size, 255 inside.
        detector: who saw it; `user` for a region that the caller sent.
        evidence: higher is worse.
        saliency_mean, saliency_peak: of the saliency map inside the mask; None without a saliency detector.
        reading: what the text detector read; None for every other detector.
        colour: what is wrong is its colour, as far as its detector can tell.
        protected_share: share of the mask that lies in the caller's protected area.
    """

    id: str
    box_xyxy_px: BoxXYXY
    mask_ref: str
    detector: str
    evidence: UnitFloat
    saliency_mean: UnitFloat | None = None
    saliency_peak: UnitFloat | None = None
    reading: TextReading | None = None
    colour: ColourFault | None = None
    protected_share: UnitFloat = 0.0


class Diagnosis(Contract):
    """What the reasoning agent says of a region (paper 4.3: type, appearance, and what clashes with the image).

    `category` is None where there is no reasoner and the detector itself does not know. `source` names who spoke:
    a reasoner's model, or `detector:<name>`.
    """

    region_id: str
    distorted: bool
    category: Category | None
    description: str
    inconsistency: str
    instruction: str
    confidence: UnitFloat
    source: str


class Patch(Contract):
    """One repair: pixels that lie over the original (and over `base_patch_ids`) at a box.

    Attributes:
        image_ref: `(h, w, 3)` 8-bit PNG of the box's size.
        alpha_ref: `(h, w)` 8-bit PNG; 0 leaves the pixel below bit-identical.
        base_patch_ids: earlier patches that were visible under this one when it was made; without them it falls.
        settings: what replays the tool's call.
        reason: the planner's sentence: why this tool, this extent.
    """

    id: str
    region_ids: tuple[str, ...]
    tool: str
    box_xyxy_px: BoxXYXY
    image_ref: str
    alpha_ref: str
    base_patch_ids: tuple[str, ...] = ()
    seed: int
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    reason: str


class Canvas(Contract):
    """An image as the original plus accepted patches in order, composed anew each time it is needed."""

    original_ref: str
    patches: tuple[Patch, ...] = ()

    def with_patches(self, patches: tuple[Patch, ...]) -> "Canvas":
        """The canvas with more patches on top."""
        return Canvas(original_ref=self.original_ref, patches=self.patches + patches)

    def without(self, patch_ids: frozenset[str]) -> "Canvas":
        """The canvas less those patches and, transitively, all that were made on top of them."""
        dropped = set(patch_ids)
        kept: list[Patch] = []
        for patch in self.patches:
            if patch.id in dropped or dropped.intersection(patch.base_patch_ids):
                dropped.add(patch.id)
            else:
                kept.append(patch)
        return Canvas(original_ref=self.original_ref, patches=tuple(kept))


class Evidence(Contract):
    """How badly one detector thinks of one watched region on the canvas just perceived."""

    region_id: str
    detector: str
    value: UnitFloat


class AppearanceCheck(Contract):
    """How a patch sits in its surroundings, measured on pixels (see `shared.appearance` for the formulas).

    Attributes:
        detail_ratio: fine detail inside over that of the ring or of what was there before, whichever is less; 0 is a
            smear.
        colour_shift: CIELAB distance by which the patch moved away from its ring's colour, compared with before.
        seam: gradient across the patch's border over the gradient beside it; 1 is no seam.
        repaired: the verifier's probability that the patch is a repair; None where there is none, or it cannot tell.
    """

    patch_id: str
    detail_ratio: float = Field(ge=0.0)
    colour_shift: float = Field(ge=0.0)
    seam: float = Field(ge=0.0)
    repaired: UnitFloat | None = None


class Ground(StrEnum):
    """Why a patch was refused, for machines; the verdict's sentence says it with its figures."""

    NO_EVIDENCE = "no_evidence"
    NO_GAIN = "no_gain"
    LITTLE_GAIN = "little_gain"
    OTHER_DETECTOR = "other_detector"
    STILL_DISTORTED = "still_distorted"
    NEW_FLAW = "new_flaw"
    WHOLE_IMAGE = "whole_image"
    NOT_CHECKED = "not_checked"
    SMEAR = "smear"
    COLOUR = "colour"
    SEAM = "seam"
    NO_REPAIR = "no_repair"
    BASE_REFUSED = "base_refused"


class Verdict(Contract):
    """Whether a patch stays, and why.

    `rejudged` is what the reasoner said on the patched crop: True if it still names a defect, None without one.
    `grounds` are those of a refusal; none where it stays.
    """

    patch_id: str
    region_id: str
    evidence_before: UnitFloat
    evidence_after: UnitFloat
    rejudged: bool | None
    accepted: bool
    reason: str
    grounds: tuple[Ground, ...] = ()
