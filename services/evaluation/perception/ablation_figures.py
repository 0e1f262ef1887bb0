"""The figures of Table 5 as values and as tables: mean and spread over seeds, and whether the paper's claims hold."""

from collections.abc import Sequence
from enum import StrEnum
from statistics import fmean, stdev

from rich.console import Group, RenderableType

from services.evaluation.perception.figures import HEADINGS, Figures, slim_table
from shared.contracts.base import Contract


class Variant(StrEnum):
    """The four rows of Table 5."""

    FULL = "full"
    WITHOUT_ATTENTION = "without_attention"
    WITHOUT_KLD = "without_kld"
    WITHOUT_BOTH = "without_both"

    @property
    def attention_refinement(self) -> bool:
        """Whether the network has it."""
        return self in (Variant.FULL, Variant.WITHOUT_KLD)

    @property
    def kld(self) -> bool:
        """Whether the loss has it."""
        return self in (Variant.FULL, Variant.WITHOUT_ATTENTION)


PAPER_CLAIMS: tuple[tuple[Variant, str], ...] = (
    (Variant.WITHOUT_ATTENTION, "sim"),
    (Variant.WITHOUT_ATTENTION, "cc"),
    (Variant.WITHOUT_KLD, "nss"),
    (Variant.WITHOUT_KLD, "auc_judd"),
)
"""What is lower without a part, as the paper's text says (5.4)."""


class Spread(Contract):
    """Over seeds; `sd` is the sample's standard deviation, None for one seed."""

    mean: float
    sd: float | None


class RunFigures(Contract):
    """One trained network, measured; `test` names the images, so that figures on others are not mixed with them."""

    variant: Variant
    seed: int
    test: str
    figures: Figures


class Claim(Contract):
    """One of the paper's claims, that `metric` is lower without a part.

    Attributes:
        difference: variant minus full, seed by seed.
        verdict: `as in the paper` or `the other way round`; `within the spread of seeds` where the mean difference is
            not larger than its standard deviation; `one seed does not tell`.
    """

    variant: Variant
    metric: str
    difference: Spread
    verdict: str


class AblationReport(Contract):
    """Table 5 at the budget named in `budget`."""

    budget: str
    test: str
    seeds: int
    variants: dict[Variant, dict[str, Spread]]
    claims: tuple[Claim, ...]
    runs: tuple[RunFigures, ...]


def spread(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation.

    Raises:
        ValueError: there are no values.
    """
    return Spread(mean=fmean(values), sd=stdev(values) if len(values) > 1 else None)


def ablation_report(runs: Sequence[RunFigures], budget: str, test: str) -> AblationReport:
    """Table 5 of all runs.

    Args:
        runs: every variant with the same seeds.
        budget: a sentence.
        test: the images that all were measured on.
    """
    values = {
        variant: {
            metric: [float(getattr(run.figures, metric)) for run in _of(runs, variant)]
            for metric, _ in HEADINGS
            if all(getattr(run.figures, metric) is not None for run in _of(runs, variant))
        }
        for variant in Variant
    }
    return AblationReport(
        budget=budget,
        test=test,
        seeds=len(_of(runs, Variant.FULL)),
        variants={
            variant: {metric: spread(one) for metric, one in by_metric.items()} for variant, by_metric in values.items()
        },
        claims=tuple(
            _claim(variant, metric, values[variant][metric], values[Variant.FULL][metric])
            for variant, metric in PAPER_CLAIMS
        ),
        runs=tuple(runs),
    )


def to_tables(report: AblationReport) -> RenderableType:
    """For a terminal."""
    table = slim_table("", *(heading for _, heading in HEADINGS), title=f"{report.test}\n{report.budget}")
    for variant, by_metric in report.variants.items():
        table.add_row(variant.replace("_", " "), *(_cell(by_metric.get(metric)) for metric, _ in HEADINGS))
    claims = slim_table("the paper's claim (5.4)", "difference here", "verdict")
    for claim in report.claims:
        said = f"{claim.metric} is lower {claim.variant.replace('_', ' ')}"
        claims.add_row(said, _cell(claim.difference, sign="+", gap=" "), claim.verdict)
    return Group(table, claims)


def _of(runs: Sequence[RunFigures], variant: Variant) -> list[RunFigures]:
    return sorted((run for run in runs if run.variant is variant), key=lambda run: run.seed)


def _claim(variant: Variant, metric: str, without: Sequence[float], full: Sequence[float]) -> Claim:
    difference = spread([a - b for a, b in zip(without, full, strict=True)])
    if difference.sd is None:
        verdict = "one seed does not tell"
    elif abs(difference.mean) <= difference.sd:
        verdict = "within the spread of seeds"
    else:
        verdict = "as in the paper" if difference.mean < 0 else "the other way round"
    return Claim(variant=variant, metric=metric, difference=difference, verdict=verdict)


def _cell(value: Spread | None, sign: str = "", gap: str = "\n") -> str:
    if value is None:
        return "-"
    mean = f"{value.mean:{sign}.3f}"
    return mean if value.sd is None else f"{mean}{gap}±{value.sd:.3f}"
