"""How good an answer is: the measures that evaluation reports and that GRPO rewards, the very same functions.

Every function takes what a model wrote and the answer that the region deserves; higher is better, each lies in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.reasoning.contract import Answer
from services.reasoning.parse import MalformedAnswer, parse_answer


class Similarity(Protocol):
    """Compares sentences by meaning."""

    def __call__(self, said: Sequence[str], true: Sequence[str]) -> Sequence[float]:
        """For each pair a number in [0, 1], 1 for the same sentence."""
        ...


@dataclass(frozen=True)
class Judged:
    """What a model wrote of one region, beside the truth; `said` is None where it is no answer by the contract."""

    said: Answer | None
    true: Answer

    @property
    def right(self) -> bool:
        """As `category_accuracy` of this one."""
        return (
            self.said is not None
            and self.said.distorted == self.true.distorted
            and (not self.true.distorted or self.said.category == self.true.category)
        )


def judge(texts: Sequence[str], truths: Sequence[Answer]) -> list[Judged]:
    """Reads what a model wrote, as serving does."""
    return [Judged(_read(text), true) for text, true in zip(texts, truths, strict=True)]


def category_accuracy(judged: Sequence[Judged]) -> list[float]:
    """1 where a blemish has its category and a sound place is called sound, else 0 (paper, Table 4: accuracy).

    Of a sound place the category is not looked at: the agent drops it, too.
    """
    return [float(one.right) for one in judged]


def well_formed(judged: Sequence[Judged]) -> list[float]:
    """1 where the text is an answer by the contract, else 0."""
    return [float(one.said is not None) for one in judged]


def description_similarity(judged: Sequence[Judged], similarity: Similarity) -> list[float]:
    """How near the description's meaning is to the truth's; 0 without an answer (paper, Table 4: SimCSE)."""
    read = [one for one in judged if one.said is not None]
    said = [one.said.description for one in read if one.said is not None]
    values = iter(similarity(said, [one.true.description for one in read]) if read else ())
    return [0.0 if one.said is None else float(next(values)) for one in judged]


def rewards(judged: Sequence[Judged], similarity: Similarity) -> list[float]:
    """What GRPO maximises: accuracy, similarity and form, one for each, so in [0, 3]."""
    parts = category_accuracy(judged), description_similarity(judged, similarity), well_formed(judged)
    return [sum(values) for values in zip(*parts, strict=True)]


def distorted_recall(judged: Sequence[Judged]) -> float | None:
    """Share of blemishes that are called distorted, whatever the category; None without one."""
    return _share([one.said is not None and one.said.distorted for one in judged if one.true.distorted])


def healthy_recall(judged: Sequence[Judged]) -> float | None:
    """Share of sound places that are called sound; None without one."""
    return _share([one.said is not None and not one.said.distorted for one in judged if not one.true.distorted])


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def _read(text: str) -> Answer | None:
    try:
        return parse_answer(text)
    except MalformedAnswer:
        return None
