"""Holds what a model in this process writes to a JSON schema, token by token, by llguidance's grammars.

A server does the same with a grammar of its own. White space is as `contract.answer_text` has it.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from torch import Tensor
from transformers import LogitsProcessor

_WHITE_SPACE: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class Guide:
    """A schema for a tokenizer; made once, since reading a vocabulary takes a second.

    Args:
        tokenizer: of the model, a fast one.
        schema: of the answer.
        ends: tokens that end one.
    """

    def __init__(self, tokenizer: Any, schema: Mapping[str, Any], ends: list[int]) -> None:
        self._tokenizer: LLTokenizer = from_tokenizer(tokenizer, eos_token=ends)
        self._grammar: str = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=_WHITE_SPACE)

    def for_batch(self, count: int) -> LogitsProcessor:
        """For one call of `generate` with that many questions."""
        return _Held([LLMatcher(self._tokenizer, self._grammar) for _ in range(count)])


class _Held(LogitsProcessor):
    def __init__(self, matchers: list[LLMatcher]) -> None:
        self._matchers = matchers
        self._begun = False

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Scores of what may come next; all else is impossible."""
        rows: list[Any] = []
        for matcher, last in zip(self._matchers, input_ids[:, -1].tolist(), strict=True):
            if self._begun and not matcher.is_stopped():
                matcher.consume_token(last)
            rows.append(np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little"))
        self._begun = True
        width = scores.shape[1]
        allowed = np.zeros((len(rows), width), np.bool_)
        for row, bits in zip(allowed, rows, strict=True):
            known = min(width, len(bits))  # a model may have more scores than its tokenizer has tokens
            row[:known] = bits[:known]
        held: Tensor = scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), -torch.inf)
        return held  # type: ignore[return-value]  # transformers says FloatTensor
