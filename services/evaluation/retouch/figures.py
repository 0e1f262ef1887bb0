"""The figures of one evaluation of the whole loop, as values and as JSON. Computes nothing from pixels."""

from services.evaluation.intervals import Estimate
from services.evaluation.retouch.cases import ImageCase
from services.evaluation.sabotage import SabotageFigures
from shared.contracts.base import Contract

SCORES = ("plausibility", "aesthetics", "alignment", "overall")
"""In the order of the paper's Table 1."""


class RatedRow(Contract):
    """One row of Table 1, over blemished images.

    Attributes:
        arm: `original`, `loop`, `alone:TOOL`, `loop:TOOL`, `no-verification`, …
        images: blemished ones.
        scores: of the rater, by name; None of those that it does not know, empty without a rater.
        gains: each score less the original's on the same images.
        repaired_share: of all blemishes; `soft_share`: of repaired ones; `healthy_edited_share`: of healthy images;
            `edited_share`: of blemished ones.
        psnr, ssim, gmsd: against the clean twins.
        outside_max_difference: None of a row that promises nothing.
        seconds: an image.
    """

    arm: str
    images: int
    scores: dict[str, Estimate | None]
    gains: dict[str, Estimate | None]
    repaired_share: Estimate
    soft_share: Estimate
    healthy_edited_share: Estimate
    edited_share: Estimate
    psnr: Estimate
    ssim: Estimate
    gmsd: Estimate
    outside_max_difference: int | None
    seconds: Estimate


class CategoryRow(Contract):
    """Blemishes of one category, and how many the loop repaired."""

    category: str
    blemishes: int
    repaired: int


class ToolRow(Contract):
    """Patches that a tool made in the loop, and those that verification accepted."""

    tool: str
    made: int
    accepted: int


class FidelityChange(Contract):
    """PSNR (dB, higher is better), SSIM (higher), GMSD (lower) of blemished images against their clean twins."""

    psnr_before: Estimate
    psnr_after: Estimate
    ssim_before: Estimate
    ssim_after: Estimate
    gmsd_before: Estimate
    gmsd_after: Estimate


class RetouchReport(Contract):
    """Table 1 and more, on one folder.

    Attributes:
        repaired_share: of ALL blemishes: their place's PSNR against the clean twin rose by 1 dB and its GMSD fell.
        soft_share: of repaired blemishes, those whose place has far less fine detail than the twin's: ghosts, mostly.
        healthy_edited_share: of healthy images, those that came back changed.
        outside_max_difference: over all images and rows of the loop, from the PNGs on disk; 0 is the promise.
        seconds_per_image: of the loop, by the wall clock.
        sabotage_refused, twin_accepted: of bad and of right patches; None where verification was not asked.
        intervals: of the first shares and of the seconds.
        rows: Table 1, the original first.
        iterations: rounds of repair in images that had any.
        stage_seconds: mean of an image, by stage.
        sabotage_stands: blemishes that the product ordered to be repaired, so that sabotage could be tried on them.
        cases: every picture in every row.
    """

    repaired_share: float | None
    soft_share: float | None
    healthy_edited_share: float | None
    outside_max_difference: int
    seconds_per_image: float
    sabotage_refused: float | None
    twin_accepted: float | None
    intervals: dict[str, Estimate]
    rows: tuple[RatedRow, ...]
    fidelity: FidelityChange
    by_category: tuple[CategoryRow, ...]
    tools: tuple[ToolRow, ...]
    iterations: Estimate
    stage_seconds: dict[str, float]
    sabotage: tuple[SabotageFigures, ...]
    sabotage_stands: int
    data: str
    profile: str
    rater: str | None
    seed: int
    blemished: int
    healthy: int
    blemishes: int
    notes: tuple[str, ...] = ()
    cases: tuple[ImageCase, ...]
