"""The report of the whole loop for a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table

from services.evaluation.intervals import Estimate
from services.evaluation.perception.figures import percent, shown, slim_table
from services.evaluation.retouch.figures import SCORES, RatedRow, RetouchReport
from services.evaluation.sabotage import sabotage_table


def to_tables(report: RetouchReport) -> RenderableType:
    """All tables, the headline first."""
    parts: list[RenderableType] = [_headline(report)]
    if report.rater is not None:
        parts.append(_rated(report))
    parts += [_repairs(report), _categories(report)]
    if report.tools:
        parts.append(_tools(report))
    if report.sabotage:
        parts.append(sabotage_table(report.sabotage))
    return Group(*parts)


def spread(estimate: Estimate | None, digits: int = 3) -> str:
    """A figure with its interval."""
    if estimate is None or estimate.value is None:
        return "-"
    return f"{shown(estimate.value, digits)} [{shown(estimate.low, digits)}, {shown(estimate.high, digits)}]"


def percents(estimate: Estimate) -> str:
    """A share with its interval."""
    if estimate.value is None:
        return "-"
    return f"{percent(estimate.value)} [{percent(estimate.low)}, {percent(estimate.high)}]"


def _headline(report: RetouchReport) -> Table:
    table = slim_table(
        "the loop", "value [95%]", "goal",
        title=f"{report.data}, profile {report.profile}: {report.blemished} blemished and {report.healthy} healthy "
        f"images, {report.blemishes} blemishes",
    )  # fmt: skip
    change = report.fidelity
    rows = (
        ("blemishes repaired, of all", percents(report.intervals["repaired_share"]), "≥ 30%"),
        ("  of these soft, mostly ghosts", percents(report.intervals["soft_share"]), ""),
        ("healthy images edited", percents(report.intervals["healthy_edited_share"]), "≤ 5%"),
        ("largest difference outside masks", str(report.outside_max_difference), "0"),
        ("bad patches refused", percent(report.sabotage_refused), "≥ 95%"),
        ("clean-twin patches accepted", percent(report.twin_accepted), "≥ 80%"),
        ("PSNR in dB, before", spread(change.psnr_before, 2), ""),
        ("PSNR in dB, after", spread(change.psnr_after, 2), ""),
        ("SSIM, before", spread(change.ssim_before, 4), ""),
        ("SSIM, after", spread(change.ssim_after, 4), ""),
        ("GMSD, before (lower is better)", spread(change.gmsd_before, 4), ""),
        ("GMSD, after", spread(change.gmsd_after, 4), ""),
        ("iterations, where any", spread(report.iterations, 2), ""),
        ("seconds an image", spread(report.intervals["seconds_per_image"], 2), ""),
        *((f"  of which {stage}", shown(seconds, 2), "") for stage, seconds in report.stage_seconds.items()),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _rated(report: RetouchReport) -> Table:
    table = slim_table("Table 1", *(f"{name}\n↑ (gain)" for name in SCORES), title=f"rated by {report.rater}, of 100")
    for row in report.rows:
        table.add_row(row.arm, *(_score(row, name) for name in SCORES))
    return table


def _score(row: RatedRow, name: str) -> str:
    score, gain = row.scores.get(name), row.gains.get(name)
    if score is None or score.value is None:
        return "-"
    text = f"{100 * score.value:.2f}"
    if gain is None or gain.value is None or gain.low is None or gain.high is None:
        return text
    return f"{text} ({100 * gain.value:+.2f} [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}])"


def _repairs(report: RetouchReport) -> Table:
    table = slim_table(
        "row", "repaired", "of these\nsoft", "healthy\nedited", "blemished\nedited", "PSNR", "outside", "s",
        title="each tool alone and in the loop, and the loop without a part of it",
    )  # fmt: skip
    for row in report.rows:
        outside = row.outside_max_difference
        table.add_row(
            row.arm,
            percents(row.repaired_share),
            percent(row.soft_share.value),
            percent(row.healthy_edited_share.value),
            percent(row.edited_share.value),
            shown(row.psnr.value, 2),
            "-" if outside is None else str(outside),
            shown(row.seconds.value, 2),
        )
    return table


def _categories(report: RetouchReport) -> Table:
    table = slim_table("category", "blemishes", "repaired", "share", title="repaired by the loop")
    for row in report.by_category:
        share = percent(row.repaired / row.blemishes)
        table.add_row(row.category.replace("_", " "), str(row.blemishes), str(row.repaired), share)
    return table


def _tools(report: RetouchReport) -> Table:
    table = slim_table("tool", "patches", "accepted", "share", title="patches in the loop")
    for row in report.tools:
        table.add_row(row.tool, str(row.made), str(row.accepted), percent(row.accepted / row.made))
    return table
