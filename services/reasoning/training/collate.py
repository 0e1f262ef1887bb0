"""Rows of examples as batches: TRL's own collator, and beside it which of an answer's tokens carry the decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import ProcessorMixin
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling


@dataclass(frozen=True)
class Collator:
    """Takes rows as `sample_rows` gives them."""

    processor: ProcessorMixin

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """The model's inputs with `labels`, -100 outside answers, and `decision` `(B, L)` bool."""
        examples = [
            {"images": images, "prompt": prompt, "completion": completion}
            for row in rows
            for images, prompt, completion in zip(row["images"], row["prompt"], row["completion"], strict=True)
        ]
        collate: Any = DataCollatorForVisionLanguageModeling(self.processor, completion_only_loss=True)
        batch: dict[str, Tensor] = dict(collate(examples))
        decided = [len(self._ids(text)) for row in rows for text in row["decision"]]
        answered = batch["labels"] != -100
        batch["decision"] = answered & (answered.cumsum(dim=1) <= torch.tensor(decided)[:, None])
        return batch

    def _ids(self, text: str) -> list[int]:
        processor: Any = self.processor  # its annotations do not know its tokenizer
        ids: list[int] = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
