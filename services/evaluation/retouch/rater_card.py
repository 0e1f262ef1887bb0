"""How well a rater rates: its scores against the true ones, and whether it prefers clean twins. Written to its card.

The second figure is what a comparison of repairs hangs on: a perfect repair is the clean twin.
"""

from collections.abc import Callable
from pathlib import Path

from scipy.stats import pearsonr, spearmanr

from services.evaluation.retouch.figures import SCORES
from services.perception.saliency.checkpoint import load_checkpoint
from services.perception.saliency.predictor import predict_raw
from services.perception.training.samples import BlemishSample, FirstOf, SampleSource
from shared.contracts.base import Contract, UnitFloat

CARD_FILE = "CARD.md"
_BATCH = 16


class ScoreAgreement(Contract):
    """One score on held-out images.

    Attributes:
        pearson, spearman: with the true score, higher is better; None where either is constant.
        mean_error: absolute, of [0, 1]; lower is better.
        prefers_twin: of blemished images, the share whose clean twin it scores higher under the same prompt; 0.5 is
            chance. None where there are no twins.
    """

    name: str
    images: int
    pearson: float | None
    spearman: float | None
    mean_error: float
    prefers_twin: UnitFloat | None


def score_agreement(folder: Path, held_out: SampleSource, count: int, device: str = "cpu") -> list[ScoreAgreement]:
    """For each score that the rater knows; none where the data has no true scores.

    Raises:
        MissingResource: there is no rater in `folder`.
    """
    checkpoint = load_checkpoint(folder, device)
    samples = FirstOf(held_out, count)
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in checkpoint.calibration.scores}
    twins: dict[str, list[bool]] = {name: [] for name in pairs}
    for start in range(0, len(samples), _BATCH):
        batch: list[BlemishSample] = [samples[at] for at in range(start, min(start + _BATCH, len(samples)))]
        prompts = [sample.prompt for sample in batch]
        shown = predict_raw(checkpoint.network, [sample.image for sample in batch], prompts)
        paired = [at for at, sample in enumerate(batch) if sample.visible_masks and sample.clean is not None]
        cleans = [clean for at in paired if (clean := batch[at].clean) is not None]
        beside = predict_raw(checkpoint.network, cleans, [prompts[at] for at in paired])
        for name in pairs:
            for sample, raw in zip(batch, shown, strict=True):
                if name in sample.scores:
                    pairs[name].append((raw.scores[name], sample.scores[name]))
            twins[name] += [twin.scores[name] > shown[at].scores[name] for at, twin in zip(paired, beside, strict=True)]
    return [_agreement(name, pairs[name], twins[name]) for name in SCORES if pairs.get(name)]


def _agreement(name: str, pairs: list[tuple[float, float]], twins: list[bool]) -> ScoreAgreement:
    said, true = zip(*pairs, strict=True)
    varied = len(set(said)) > 1 and len(set(true)) > 1
    return ScoreAgreement(
        name=name,
        images=len(pairs),
        pearson=float(pearsonr(said, true).statistic) if varied else None,
        spearman=float(spearmanr(said, true).statistic) if varied else None,
        mean_error=sum(abs(a - b) for a, b in pairs) / len(pairs),
        prefers_twin=sum(twins) / len(twins) if twins else None,
    )


def write_on_card(folder: Path, agreements: list[ScoreAgreement], say: Callable[[str], None]) -> None:
    """Says on the checkpoint's card that it is a rater, and how well it rates."""

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    figures = [
        (one.name, shown(one.pearson), shown(one.spearman), shown(one.mean_error), shown(one.prefers_twin))
        for one in agreements
    ]
    lines = [
        "",
        "## As a rater",
        "",
        "Trained apart from the perception agent, with another seed on other samples, to score pictures before and",
        "after (`retoucher evaluate retouch --rater`); no part of the loop uses it. The true scores are the data's.",
        f"On {agreements[0].images if agreements else 0} held-out images:",
        "",
        "| Score | Pearson | Spearman | mean error | prefers the clean twin (0.5 is chance) |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in figures),
        "",
    ]
    with (folder / CARD_FILE).open("a", encoding="utf-8") as card:
        card.write("\n".join(lines))
    for one in agreements:
        say(f"{one.name}: spearman {shown(one.spearman)}, prefers the clean twin {shown(one.prefers_twin)}")
