"""Gathers one predictor's figures image by image; keeps numbers alone, never a picture."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.evaluation.perception.figures import Figures
from services.evaluation.perception.truth import TrueImage
from services.perception.metrics import SaliencyMetrics, image_auroc, mean_metrics, saliency_metrics
from shared.contracts.categories import Category


@dataclass(frozen=True)
class Judged:
    """What a predictor says of one image.

    Attributes:
        saliency: `(H, W)` float32, not negative.
        distortion: how sure it is that anything is wrong, on any scale.
        edited: whether the loop would edit the image for it; None of a predictor without such a rule.
    """

    saliency: npt.NDArray[np.float32]
    distortion: float
    edited: bool | None = None


def by_peak(saliency: npt.NDArray[np.float32]) -> Judged:
    """A map without an image-level head is judged by its peak."""
    return Judged(saliency, float(saliency.max()))


@dataclass
class Tally:
    """Figures so far; `categories=False` gathers the overall ones alone."""

    categories: bool = True
    _whole: list[SaliencyMetrics] = field(default_factory=list)
    _of: dict[Category, list[SaliencyMetrics]] = field(default_factory=lambda: defaultdict(list))
    _judgements: list[float] = field(default_factory=list)
    _held: list[frozenset[Category]] = field(default_factory=list)
    _edited: list[bool | None] = field(default_factory=list)

    def add(self, truth: TrueImage, judged: Judged) -> None:
        """Takes one image.

        Raises:
            ValueError: the map has another size than the image, or a value that is not finite.
        """
        self._judgements.append(judged.distortion)
        self._held.append(truth.categories)
        self._edited.append(judged.edited)
        mask = truth.mask()
        if not mask.any():
            return
        whole = saliency_metrics(judged.saliency, mask)
        self._whole.append(whole)
        if not self.categories:
            return
        for category in truth.categories:
            own = truth.mask(category)
            if own.any():
                only = len(truth.categories) == 1
                self._of[category].append(whole if only else saliency_metrics(judged.saliency, own))

    @property
    def images(self) -> int:
        """How many were taken."""
        return len(self._judgements)

    @property
    def healthy(self) -> int:
        """How many of them hold no blemish."""
        return sum(not held for held in self._held)

    def counts(self) -> dict[str, int]:
        """How many images hold a blemish of each category that occurs."""
        return {
            category.value: sum(category in held for held in self._held)
            for category in Category
            if category in self._of
        }

    def edited_share(self, *, healthy: bool) -> float | None:
        """Share of the healthy, or of the blemished, images that would be edited; None where there is none to tell."""
        told = [
            edited
            for held, edited in zip(self._held, self._edited, strict=True)
            if bool(held) != healthy and edited is not None
        ]
        return sum(told) / len(told) if told else None

    def overall(self) -> Figures:
        """Means over all blemished images.

        Raises:
            ValueError: there was none.
        """
        return self._figures(self._whole, [True] * self.images)

    def per_category(self) -> dict[str, Figures]:
        """Those that occur, in the order of the contract; AUROC is of their images against healthy ones."""
        return {
            category.value: self._figures(self._of[category], [not held or category in held for held in self._held])
            for category in Category
            if category in self._of
        }

    def _figures(self, metrics: Sequence[SaliencyMetrics], counted: Sequence[bool]) -> Figures:
        kept = np.asarray(counted, np.bool_)
        judgements = np.asarray(self._judgements)[kept]
        distorted = np.asarray([bool(held) for held in self._held])[kept]
        both = bool(distorted.any()) and not bool(distorted.all())
        return Figures(
            **vars(mean_metrics(metrics)),
            image_auroc=image_auroc(judgements, distorted) if both else None,
        )
