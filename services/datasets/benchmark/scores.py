"""Proxy scores from the scene graph, in [0, 1], higher is better. Aesthetics is not drawn, hence not scored."""

from collections.abc import Sequence

from services.datasets.benchmark.graph import Scene
from services.datasets.benchmark.prompts import facts_of
from services.datasets.schema import QualityScores


def scores_of(asked: Scene, shown: Scene, faults: Sequence[tuple[float, float]]) -> QualityScores:
    """Plausibility, alignment and their mean.

    Args:
        asked: the graph that the prompt was written for.
        shown: the graph that was drawn.
        faults: `(severity, share of the image)` of every region; prompt faults have severity 0, so that plausibility
            is 1 minus the severity-weighted area of all others, and not below 0.
    """
    plausibility = max(0.0, 1.0 - sum(severity * share for severity, share in faults))
    wanted, seen = facts_of(asked), facts_of(shown)
    alignment = sum(seen.get(key) == value for key, value in wanted.items()) / len(wanted)
    return QualityScores(
        plausibility=round(plausibility, 4),
        alignment=round(alignment, 4),
        overall=round((plausibility + alignment) / 2, 4),
    )
