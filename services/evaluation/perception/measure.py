"""Table 3's measurement: the network, the same with shuffled prompts, and the baselines on a stream of images.

Holds a few images at a time. Knows predictors by their Protocol alone, so that a test may hand in its own.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from services.evaluation.perception.baselines import centre_prior, foreground_oracle, spectral_residual, uniform
from services.evaluation.perception.figures import (
    CENTRE_PRIOR,
    ORACLE,
    RAHF,
    SPECTRAL,
    UNIFORM,
    Figures,
    ShuffledPrompt,
    relative_cc_losses,
)
from services.evaluation.perception.tally import Judged, Tally, by_peak
from services.evaluation.perception.truth import TrueImage
from shared.images import Rgb

BATCH = 8
_SHUFFLE_SEED = 0


class Predictor(Protocol):
    """Says of images, under prompts, where and whether they are distorted."""

    def __call__(self, images: Sequence[Rgb], prompts: Sequence[str]) -> Sequence[Judged]:
        """One judgement per image, with a map of its size."""
        ...


@dataclass(frozen=True)
class Measured:
    """Figures of everything that was asked; `oracle_missing` counts images whose foreground is not known."""

    network: Tally
    shuffled: Tally | None
    discs: Tally
    baselines: dict[str, Tally]
    oracle_missing: int

    def shuffled_prompt(self) -> ShuffledPrompt | None:
        """What other prompts cost."""
        if self.shuffled is None:
            return None
        overall, per_category = self.shuffled.overall(), self.shuffled.per_category()
        return ShuffledPrompt(
            overall=overall,
            per_category=per_category,
            relative_cc_loss=relative_cc_losses(
                {"overall": self.network.overall(), **self.network.per_category()},
                {"overall": overall, **per_category},
            ),
        )

    def baseline_figures(self) -> dict[str, Figures]:
        """Of each baseline that saw all images: on fewer it would not be comparable."""
        return {name: tally.overall() for name, tally in self.baselines.items() if tally.images == self.network.images}


@dataclass
class _Running:
    shuffled: Tally | None
    rahf: bool
    network: Tally = field(default_factory=Tally)
    discs: Tally = field(default_factory=lambda: Tally(categories=False))
    baselines: dict[str, Tally] = field(default_factory=dict)
    oracle_missing: int = 0

    def __post_init__(self) -> None:
        names = (UNIFORM, CENTRE_PRIOR, ORACLE, SPECTRAL, *((RAHF,) if self.rahf else ()))
        self.baselines = {name: Tally(categories=False) for name in names}

    def add_baselines(self, truth: TrueImage, rahf: Judged | None) -> None:
        size_hw = truth.image.shape[0], truth.image.shape[1]
        self.baselines[UNIFORM].add(truth, by_peak(uniform(size_hw)))
        self.baselines[CENTRE_PRIOR].add(truth, by_peak(centre_prior(size_hw)))
        self.baselines[SPECTRAL].add(truth, by_peak(spectral_residual(truth.image)))
        if truth.foreground is None:
            self.oracle_missing += 1
        else:
            self.baselines[ORACLE].add(truth, by_peak(foreground_oracle(truth.foreground)))
        if rahf is not None:
            self.baselines[RAHF].add(truth, rahf)


def measure(
    images: Iterable[TrueImage],
    network: Predictor,
    *,
    other_prompts: Sequence[str] | None = None,
    rahf: Predictor | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> Measured:
    """Table 3's figures.

    Args:
        images: read once, in order.
        network: what is evaluated.
        other_prompts: one per image, from `shuffled_prompts`; None leaves that row out.
        rahf: a second network, as a baseline.
        advance: called with the number of images done since the last call.
    """
    running = _Running(shuffled=None if other_prompts is None else Tally(), rahf=rahf is not None)
    done = 0
    for batch in batches(images):
        pictures, prompts = [one.image for one in batch], [one.prompt for one in batch]
        for truth, judged in zip(batch, network(pictures, prompts), strict=True):
            running.network.add(truth, judged)
            running.discs.add(truth.with_discs(), judged)
        if other_prompts is not None and running.shuffled is not None:
            others = other_prompts[done : done + len(batch)]
            for truth, judged in zip(batch, network(pictures, others), strict=True):
                running.shuffled.add(truth, judged)
        second: Sequence[Judged | None] = rahf(pictures, prompts) if rahf is not None else [None] * len(batch)
        for truth, other in zip(batch, second, strict=True):
            running.add_baselines(truth, other)
        done += len(batch)
        advance(len(batch))
    return Measured(running.network, running.shuffled, running.discs, running.baselines, running.oracle_missing)


def shuffled_prompts(prompts: Sequence[str], seed: int = _SHUFFLE_SEED) -> list[str] | None:
    """For each image the prompt of another that says something else; None where all say the same.

    The prompts go round by the same step through a shuffled order; an image that would meet its own words takes the
    next that differ.
    """
    if len(set(prompts)) < 2:
        return None
    order = list(range(len(prompts)))
    random.Random(seed).shuffle(order)
    result = list(prompts)
    for at, index in enumerate(order):
        following = (prompts[order[(at + step) % len(order)]] for step in range(1, len(order)))
        result[index] = next(prompt for prompt in following if prompt != prompts[index])
    return result


def batches(images: Iterable[TrueImage]) -> Iterator[list[TrueImage]]:
    """The stream in lists of `BATCH`, the last one shorter."""
    stream = iter(images)
    while batch := list(islice(stream, BATCH)):
        yield batch
