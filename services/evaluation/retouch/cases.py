"""What became of one picture in one row of the tables, as it is kept on disk between runs. Numbers and words alone."""

from services.evaluation.retouch.fidelity import SOFT, is_repaired
from services.evaluation.retouch.fidelity import PlaceFidelity as _Place
from shared.contracts.base import Contract, UnitFloat
from shared.contracts.categories import Category


class Ratings(Contract):
    """The rater's scores in [0, 1], higher is better; None of those that its training had no truth for."""

    plausibility: UnitFloat | None = None
    alignment: UnitFloat | None = None
    aesthetics: UnitFloat | None = None
    overall: UnitFloat | None = None


class PlaceCase(Contract):
    """PSNR and GMSD of a blemish's place against the clean twin."""

    psnr: float
    gmsd: float


class BlemishCase(Contract):
    """One blemish; all but its category is None where the data set has no clean twin.

    Attributes:
        before, after: its place.
        sharpness: of its place in the result, over the twin's; None in cases that were kept before it was measured.
    """

    category: Category
    before: PlaceCase | None = None
    after: PlaceCase | None = None
    sharpness: float | None = None

    @property
    def repaired(self) -> bool | None:
        """Whether its place came nearer to the twin by both measures; None where nobody can tell."""
        if self.before is None or self.after is None:
            return None
        return is_repaired(_Place(self.before.psnr, self.before.gmsd), _Place(self.after.psnr, self.after.gmsd))

    @property
    def soft(self) -> bool | None:
        """Of a repaired one, whether it lost its fine detail; None where it was not repaired, or nobody can tell."""
        return self.sharpness < SOFT if self.repaired and self.sharpness is not None else None


class WholeCase(Contract):
    """The whole picture: against the clean twin (None without one), and what the rater says (None without a rater)."""

    psnr: float | None = None
    ssim: float | None = None
    gmsd: float | None = None
    ratings: Ratings | None = None


class ToolCount(Contract):
    """Patches that a tool made, and those of them that verification accepted."""

    tool: str
    made: int
    accepted: int


class ImageCase(Contract):
    """One picture in one row.

    Attributes:
        arm: the row: `loop`, `no-verification`, `alone:retype`, …
        file: the picture's, within its folder.
        healthy: it should have been left alone.
        edited: any pixel of the result differs from the picture.
        outcome: the job's, or what the tool alone said.
        iterations: rounds of repair; 0 of a tool alone.
        blemishes: in the data set's order.
        before, after: the whole picture.
        outside: largest difference of any pixel that is not in the edited mask, from the PNGs on disk; None of a tool
            alone, which promises nothing.
        seconds: by the wall clock.
        stage_seconds: of the job's stages, by name.
        tools: what was made and kept.
        note: why nothing came of it, in the product's own words.
    """

    arm: str
    file: str
    healthy: bool
    edited: bool
    outcome: str
    iterations: int
    blemishes: tuple[BlemishCase, ...]
    before: WholeCase
    after: WholeCase
    outside: int | None
    seconds: float
    stage_seconds: dict[str, float]
    tools: tuple[ToolCount, ...]
    note: str = ""
