"""From cases to the report: sums, means and intervals. Knows neither pixels nor models."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from services.evaluation.intervals import NOTHING, Estimate, mean, ratio
from services.evaluation.retouch.cases import BlemishCase, ImageCase, WholeCase
from services.evaluation.retouch.figures import (
    SCORES,
    CategoryRow,
    FidelityChange,
    RatedRow,
    ToolRow,
)
from services.evaluation.sabotage import SabotageFigures

LOOP = "loop"
ORIGINAL = "original"

Cases = Sequence[ImageCase]


def rows_of(by_arm: Mapping[str, Cases]) -> tuple[RatedRow, ...]:
    """Table 1: the originals as the loop's pictures had them, then every arm."""
    return (_original(by_arm[LOOP]), *(_row(arm, cases) for arm, cases in by_arm.items()))


def _original(cases: Cases) -> RatedRow:
    blemished = [case for case in cases if not case.healthy]
    return RatedRow(
        arm=ORIGINAL,
        images=len(blemished),
        scores=_scores(blemished, lambda case: case.before),
        gains={},
        repaired_share=NOTHING,
        soft_share=NOTHING,
        healthy_edited_share=NOTHING,
        edited_share=NOTHING,
        psnr=_mean_of(case.before.psnr for case in blemished),
        ssim=_mean_of(case.before.ssim for case in blemished),
        gmsd=_mean_of(case.before.gmsd for case in blemished),
        outside_max_difference=None,
        seconds=NOTHING,
    )


def _row(arm: str, cases: Cases) -> RatedRow:
    blemished = [case for case in cases if not case.healthy]
    outside = [case.outside for case in cases if case.outside is not None]
    return RatedRow(
        arm=arm,
        images=len(blemished),
        scores=_scores(blemished, lambda case: case.after),
        gains=_gains(blemished),
        repaired_share=repaired(cases),
        soft_share=soft(cases),
        healthy_edited_share=healthy_edited(cases),
        edited_share=mean([float(case.edited) for case in blemished]),
        psnr=_mean_of(case.after.psnr for case in blemished),
        ssim=_mean_of(case.after.ssim for case in blemished),
        gmsd=_mean_of(case.after.gmsd for case in blemished),
        outside_max_difference=max(outside) if outside else None,
        seconds=mean([case.seconds for case in cases]),
    )


def repaired(cases: Cases) -> Estimate:
    """Share of all blemishes whose place came nearer to the clean twin; `NOTHING` without twins."""
    return _share_of(cases, lambda one: one.repaired)


def soft(cases: Cases) -> Estimate:
    """Share of repaired blemishes that are softer than the clean twin by far; `NOTHING` where none was repaired."""
    return _share_of(cases, lambda one: one.soft)


def _share_of(cases: Cases, says: Callable[[BlemishCase], bool | None]) -> Estimate:
    """Share of the blemishes of which something is said for which it is true."""
    known = [[said for one in case.blemishes if (said := says(one)) is not None] for case in cases]
    return ratio([float(sum(each)) for each in known], [float(len(each)) for each in known])


def healthy_edited(cases: Cases) -> Estimate:
    """Share of healthy images that came back changed."""
    return mean([float(case.edited) for case in cases if case.healthy])


def _scores(cases: Cases, when: Callable[[ImageCase], WholeCase]) -> dict[str, Estimate | None]:
    rated = [ratings for case in cases if (ratings := when(case).ratings) is not None]
    if not rated:
        return {}
    known = {name: [getattr(ratings, name) for ratings in rated] for name in SCORES}
    return {name: None if None in values else mean(values) for name, values in known.items()}


def _gains(cases: Cases) -> dict[str, Estimate | None]:
    pairs = [
        (case.before.ratings, case.after.ratings)
        for case in cases
        if case.before.ratings is not None and case.after.ratings is not None
    ]
    gains: dict[str, Estimate | None] = {}
    for name in SCORES if pairs else ():
        values = [(getattr(before, name), getattr(after, name)) for before, after in pairs]
        unknown = any(None in pair for pair in values)
        gains[name] = None if unknown else mean([after - before for before, after in values])
    return gains


def fidelity_change(cases: Cases) -> FidelityChange:
    """Before and after, over blemished images."""
    blemished = [case for case in cases if not case.healthy]
    return FidelityChange(
        psnr_before=_mean_of(case.before.psnr for case in blemished),
        psnr_after=_mean_of(case.after.psnr for case in blemished),
        ssim_before=_mean_of(case.before.ssim for case in blemished),
        ssim_after=_mean_of(case.after.ssim for case in blemished),
        gmsd_before=_mean_of(case.before.gmsd for case in blemished),
        gmsd_after=_mean_of(case.after.gmsd for case in blemished),
    )


def _mean_of(values: Iterable[float | None]) -> Estimate:
    return mean([value for value in values if value is not None])


def by_category(cases: Cases) -> tuple[CategoryRow, ...]:
    """Blemishes of each category, most frequent first."""
    blemishes = [one for case in cases for one in case.blemishes]
    names = {one.category.value for one in blemishes}
    rows = [
        CategoryRow(
            category=name,
            blemishes=sum(one.category.value == name for one in blemishes),
            repaired=sum(one.category.value == name and bool(one.repaired) for one in blemishes),
        )
        for name in names
    ]
    return tuple(sorted(rows, key=lambda row: (-row.blemishes, row.category)))


def tool_rows(cases: Cases) -> tuple[ToolRow, ...]:
    """What each tool made and what was kept of it, over all images."""
    counts = [count for case in cases for count in case.tools]
    return tuple(
        ToolRow(
            tool=name,
            made=sum(count.made for count in counts if count.tool == name),
            accepted=sum(count.accepted for count in counts if count.tool == name),
        )
        for name in dict.fromkeys(count.tool for count in counts)
    )


def stage_seconds(cases: Cases) -> dict[str, float]:
    """Mean seconds of an image in each stage."""
    names = dict.fromkeys(name for case in cases for name in case.stage_seconds)
    return {name: sum(case.stage_seconds.get(name, 0.0) for case in cases) / len(cases) for name in names}


def iterations(cases: Cases) -> Estimate:
    """Rounds of repair, over the images that had any."""
    return mean([float(case.iterations) for case in cases if case.iterations])


def treated_right(rows: Sequence[SabotageFigures], *, right: bool) -> float | None:
    """Of the right patches the share accepted, of all bad ones the share refused; None where none was tried."""
    own = [row for row in rows if row.right is right]
    total = sum(row.tried for row in own)
    good = sum(row.accepted if right else row.tried - row.accepted for row in own)
    return good / total if total else None
