"""Asks a model in memory about many proposed regions at once, whatever image they lie on: for validation and Table 4.

Serving's backends ask about one image at a time. Answers are greedy and free: nothing holds them to the schema, so that
the share of valid JSON is the model's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from transformers import PreTrainedModel, ProcessorMixin

from services.datasets.proposals.propose import Proposal, ProposalSource
from services.reasoning.prompts import Prompt
from services.reasoning.scoring import Judged, judge
from services.reasoning.training.examples import Examples
from services.reasoning.truth import true_answer


@dataclass(frozen=True)
class Asking:
    """A model with its processor.

    Attributes:
        prompt: the request's words and sizes; those that the model was taught.
        batch: regions at once.
        max_tokens: of an answer.
    """

    model: PreTrainedModel
    processor: ProcessorMixin
    prompt: Prompt
    batch: int = 16
    max_tokens: int = 160

    def texts(self, proposals: Sequence[Proposal], advance: Callable[[int], None] = lambda count: None) -> list[str]:
        """What the model writes of each."""
        examples = Examples((), self.prompt, self.processor)
        texts: list[str] = []
        for start in range(0, len(proposals), self.batch):
            part = examples.of(proposals[start : start + self.batch])
            texts += self.write([one.pictures for one in part], [one.prompt for one in part])
            advance(len(part))
        return texts

    def judged(
        self, proposals: Sequence[Proposal], advance: Callable[[int], None] = lambda count: None
    ) -> list[Judged]:
        """What it writes of each, beside the truth."""
        return judge(self.texts(proposals, advance), [true_answer(one) for one in proposals])

    def write(self, pictures: Sequence[list[Image.Image]], prompts: Sequence[str]) -> list[str]:
        """What it writes after each prompt in its chat format; at most `batch` at once."""
        processor: Any = self.processor
        model: Any = self.model  # the annotations of both lose the types of what is called here
        inputs = processor(
            images=list(pictures),
            text=list(prompts),
            padding=True,
            padding_side="left",
            return_tensors="pt",
            add_special_tokens=False,
        ).to(model.device)
        with torch.inference_mode():
            ids = model.eval().generate(**inputs, max_new_tokens=self.max_tokens, do_sample=False)
        said: list[str] = processor.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return [text.strip() for text in said]


def first_proposals(source: ProposalSource, count: int) -> list[Proposal]:
    """The first `count` regions of a source, or all where it has fewer."""
    found: list[Proposal] = []
    for index in range(len(source)):
        found += source[index]
        if len(found) >= count:
            return found[:count]
    return found
