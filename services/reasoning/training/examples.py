"""Proposed regions as training examples: the request exactly as serving builds it, and the answer that it deserves.

Built when they are asked for, since pictures as arrays would fill the memory. A row's names are TRL's for prompt and
completion with pictures, but each holds a list: all regions of a sample stand side by side in a batch, so that a flaw
is seen beside its repaired twin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image
from torch.utils.data import Dataset
from transformers import ProcessorMixin

from services.datasets.proposals.propose import Proposal, ProposalSource
from services.reasoning.backends.base import Question
from services.reasoning.chat import messages, pictures
from services.reasoning.contract import CATEGORY_NAMES, answer_text
from services.reasoning.prompts import Prompt
from services.reasoning.truth import questions_of, true_answer
from shared.errors import BadInput, ErrorCode

_LOOK_ON = 50
"""Samples without a region stand in a row at most; more means that a data set has none."""


@dataclass(frozen=True)
class Example:
    """One region.

    Attributes:
        pictures: the whole one and the crop, RGB.
        prompt: the model's chat format, all up to where its answer begins.
        completion: the answer, with the end of its turn.
        decision: the beginning of `completion` up to the category: what the rest follows from.
        verdict: the beginning of `decision` up to whether anything is wrong.
        proposal: what was asked about.
    """

    pictures: list[Image.Image]
    prompt: str
    completion: str
    decision: str
    verdict: str
    proposal: Proposal


def proposals_from(source: ProposalSource, index: int) -> Sequence[Proposal]:
    """The regions of a sample, or of the next that has any; an index past the end begins anew.

    Raises:
        ValueError: many samples in a row have none.
    """
    for step in range(_LOOK_ON):
        proposals = source[(index + step) % len(source)]
        if proposals:
            return proposals
    raise ValueError(f"{_LOOK_ON} samples from {index} on have no region")


@dataclass(frozen=True)
class Examples:
    """The examples of a source's samples.

    Attributes:
        source: its proposals.
        prompt: the words and sizes of a request.
        processor: of the model; its chat template is used.
    """

    source: ProposalSource
    prompt: Prompt
    processor: ProcessorMixin

    def of_sample(self, index: int) -> list[Example]:
        """Those of one sample, or of the next that has any.

        Raises:
            ValueError: many samples in a row have none.
        """
        return self.of(proposals_from(self.source, index))

    def of(self, proposals: Sequence[Proposal]) -> list[Example]:
        """Those of some regions, in order."""
        asked = questions_of(proposals, self.prompt)
        return [self._example(question, one) for question, one in zip(asked, proposals, strict=True)]

    def _example(self, question: Question, proposal: Proposal) -> Example:
        answer = answer_text(true_answer(proposal))
        asked = messages(question)
        prompt = self._rendered(asked, add_generation_prompt=True)
        whole = self._rendered([*asked, {"role": "assistant", "content": [{"type": "text", "text": answer}]}])
        if not whole.startswith(prompt + answer):
            raise BadInput(
                ErrorCode.BAD_OPTION,
                "the model's chat template does not write an answer where it asks for one: choose an instruction model",
            )
        processor: Any = self.processor
        end = whole[len(prompt + answer) :].rstrip("\n") or processor.tokenizer.eos_token  # GLM-4.1V's ends no turn
        return Example(
            pictures=pictures(question),
            prompt=prompt,
            completion=answer + end,
            decision=decision_of(answer),
            verdict=verdict_of(answer),
            proposal=proposal,
        )

    def _rendered(self, turns: Sequence[Any], add_generation_prompt: bool = False) -> str:
        processor: Any = self.processor  # its annotations know no parts of a message
        text: str = processor.apply_chat_template(
            list(turns), tokenize=False, add_generation_prompt=add_generation_prompt
        )
        return text


def decision_of(answer: str) -> str:
    """The beginning of an answer up to the end of its category, without the quote after it.

    Raises:
        ValueError: the text names none.
    """
    for name in sorted(CATEGORY_NAMES, key=len, reverse=True):
        head, found, _ = answer.partition(f'"category": "{name}"')
        if found:
            return head + found[:-1]
    raise ValueError("the answer names no category")


def verdict_of(answer: str) -> str:
    """The beginning of an answer up to the end of its `distorted`.

    Raises:
        ValueError: it begins otherwise.
    """
    for value in ("true", "false"):
        verdict = f'{{"distorted": {value}'
        if answer.startswith(verdict):
            return verdict
    raise ValueError("the answer does not begin with a verdict")


class SampleRows(Dataset[dict[str, list[Any]]]):
    """A sample's examples by index: the lists that `Example` is made of, and `is_twin`.

    Args:
        examples: gives them; a source with fewer samples is gone through several times.
        count: rows.
        decisions: of every ten rows so many end after the decision: their answers are a third as long, and what is
            hard to learn is the decision.
    """

    def __init__(self, examples: Examples, count: int, decisions: int = 0) -> None:
        self._examples, self._count, self._decisions = examples, count, decisions

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, list[Any]]:
        found = self._examples.of_sample(index)
        short = (index * 7) % 10 < self._decisions  # 7 and 10 share no factor: spread evenly
        return {
            "images": [one.pictures for one in found],
            "prompt": [one.prompt for one in found],
            "completion": [one.decision if short else one.completion for one in found],
            "decision": [one.decision for one in found],
            "verdict": [one.verdict for one in found],
            "is_twin": [one.proposal.way == "twin" for one in found],
        }
