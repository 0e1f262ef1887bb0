"""T5's tokenizer over a vocabulary of the project's own prompts, and how prompts become tensors.

A pretrained T5 brings its tokenizer; `tiny` builds one offline from the prompts that it trains on.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from string import printable

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5Tokenizer

from services.perception.saliency.configuration import MAX_TEXT_TOKENS

_SPECIAL = ("<pad>", "</s>", "<unk>")
_LETTERS = tuple(
    dict.fromkeys("▁" + printable.strip() + "".join(c for c in map(chr, range(0xC0, 0x180)) if c.isalpha()))
)
_LETTER_SCORE = -20.0
"""Log-probability of a letter: below that of any word, so that a word is spelt only where it is no piece."""

_WORD = re.compile(r"\w[\w'’-]*")


def build_tokenizer(
    prompts: Iterable[str], vocab_size: int = 4000, max_tokens: int = MAX_TEXT_TOKENS
) -> PreTrainedTokenizerBase:
    """A T5 tokenizer whose unigram pieces are the commonest words of prompts, and every Latin letter.

    So a word never seen is spelt, not unknown; and the same prompts give the same pieces, which the trainer of
    unigram pieces in `tokenizers` does not promise.

    Args:
        prompts: of the training split.
        vocab_size: pieces at the most, special ones and letters included.
        max_tokens: a longer prompt is cut.
    """
    counts = Counter(
        "▁" + match.group() for prompt in prompts for word in prompt.split() if (match := _WORD.match(word)) is not None
    )
    room = max(0, vocab_size - len(_SPECIAL) - len(_LETTERS))
    words = sorted((word for word in counts if word not in _LETTERS), key=lambda word: (-counts[word], word))[:room]
    total = max(1, counts.total())
    vocab = [
        *((piece, 0.0) for piece in _SPECIAL),
        *((word, math.log(counts[word] / total)) for word in words),
        *((letter, _LETTER_SCORE) for letter in _LETTERS),
    ]
    tokenizer: PreTrainedTokenizerBase = T5Tokenizer(vocab=vocab, extra_ids=0, model_max_length=max_tokens)
    return tokenizer


def tokenise(tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], max_tokens: int) -> tuple[Tensor, Tensor]:
    """`(B, T)` int64 tokens and attention mask of the prompts, cut at `max_tokens`, padded to the longest."""
    encoded = tokenizer(list(prompts), padding=True, truncation=True, max_length=max_tokens, return_tensors="pt")
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    return torch.as_tensor(ids), torch.as_tensor(mask)
