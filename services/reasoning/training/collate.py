"""Rows of examples as batches: TRL's own collator, and beside it which of an answer's tokens carry what.

A run collates each row by itself and joins the batches (`training.batches`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import ProcessorMixin
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from services.reasoning.training.batches import Places


@dataclass(frozen=True)
class Collator:
    """Takes rows as `SampleRows` gives them.

    Attributes:
        processor: of the model.
        places: finds where tokens stand; None where the model is to find it itself.
    """

    processor: ProcessorMixin
    places: Places | None = None

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """The model's inputs with `labels`, -100 outside answers; `decision` `(B, L)` bool; and where the twins are.

        `verdict` `(B,)` int64 is the place of the token that ends the verdict; `twin_of` `(B,)` int64 is, for a twin,
        the index of its blemished one in the batch, else -1. With `places`, those too: `(B, 3, L)` int64.
        """
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
        verdicts = torch.tensor([len(self._ids(text)) for row in rows for text in row["verdict"]])
        batch["verdict"] = answered.int().argmax(dim=1) + verdicts - 1
        twins = [is_twin for row in rows for is_twin in row["is_twin"]]
        batch["twin_of"] = torch.tensor([at - 1 if is_twin else -1 for at, is_twin in enumerate(twins)])
        return batch if self.places is None else {**batch, "places": self.places(batch)}

    def _ids(self, text: str) -> list[int]:
        processor: Any = self.processor  # its annotations do not know its tokenizer
        ids: list[int] = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
