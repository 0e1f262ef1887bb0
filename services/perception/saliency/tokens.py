"""T5's tokenizer over a vocabulary of the project's own prompts, and how prompts become tensors.

A pretrained T5 brings its tokenizer; `tiny` builds one offline from the prompts that it trains on.
"""

import json
from collections.abc import Iterable, Sequence
from string import printable

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5Tokenizer

_SPECIAL = ("<pad>", "</s>", "<unk>")
_LATIN = "".join(chr(code) for code in range(0xC0, 0x180) if chr(code).isalpha())
_RARE = -20.0


def build_tokenizer(prompts: Iterable[str], vocab_size: int = 4000, max_tokens: int = 64) -> PreTrainedTokenizerBase:
    """A T5 tokenizer whose unigram pieces are learned from prompts; every Latin letter is a piece of its own.

    So a word never seen is spelt, not unknown.

    Args:
        prompts: of the training split.
        vocab_size: pieces at the most, special ones included.
        max_tokens: a longer prompt is cut.
    """
    trainer_model = Tokenizer(models.Unigram())
    trainer_model.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True),
        ]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size - len(printable) - len(_LATIN) - len(_SPECIAL),
        unk_token="<unk>",  # noqa: S106  # a piece of the vocabulary, no password
        special_tokens=["<unk>"],
        show_progress=False,
    )
    trainer_model.train_from_iterator(sorted(set(prompts)), trainer)
    learned = [(piece, score) for piece, score in _pieces(trainer_model) if piece not in _SPECIAL]
    known = {piece for piece, _ in learned}
    letters = [(letter, _RARE) for letter in dict.fromkeys("▁" + printable.strip() + _LATIN) if letter not in known]
    vocab = [*((piece, 0.0) for piece in _SPECIAL), *learned, *letters]
    tokenizer: PreTrainedTokenizerBase = T5Tokenizer(vocab=vocab, extra_ids=0, model_max_length=max_tokens)
    return tokenizer


def tokenise(tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], max_tokens: int) -> tuple[Tensor, Tensor]:
    """`(B, T)` int64 tokens and attention mask of the prompts, cut at `max_tokens`, padded to the longest."""
    encoded = tokenizer(list(prompts), padding=True, truncation=True, max_length=max_tokens, return_tensors="pt")
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    return torch.as_tensor(ids), torch.as_tensor(mask)


def _pieces(tokenizer: Tokenizer) -> list[tuple[str, float]]:
    table = json.loads(tokenizer.to_str())["model"]["vocab"]
    return [(str(piece), float(score)) for piece, score in table]
