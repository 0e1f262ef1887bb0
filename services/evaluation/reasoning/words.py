"""How near descriptions are to people's words (Table 4): METEOR, ROUGE-L, Word2Vec. Higher is better, each in [0, 1].

The libraries' own functions; this file feeds them words. An answer that cannot be read counts as 0, for a measure over
the readable ones alone would reward silence.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from nltk.translate.meteor_score import meteor_score
from rouge_score.rouge_scorer import RougeScorer

from services.evaluation.reasoning.wordnet import WordNet
from services.reasoning.scoring import Judged
from shared.errors import BadInput, ErrorCode

Vectors = dict[str, npt.NDArray[np.float32]]

_WORD = re.compile(r"[a-z0-9']+")


def words_of(text: str) -> list[str]:
    """Its words in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def rouge_l(judged: Sequence[Judged]) -> list[float]:
    """F-measure of the longest common subsequence of words, for each answer."""
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    return [
        0.0 if one.said is None else float(scorer.score(one.true.description, one.said.description)["rougeL"].fmeasure)
        for one in judged
    ]


def meteor(judged: Sequence[Judged], wordnet: WordNet) -> list[float]:
    """METEOR with NLTK's parameters and synonyms of WordNet, for each answer."""
    return [
        0.0
        if one.said is None
        else float(meteor_score([words_of(one.true.description)], words_of(one.said.description), wordnet=wordnet))
        for one in judged
    ]


def word2vec(judged: Sequence[Judged], vectors: Vectors) -> list[float]:
    """Cosine of the means of known words' vectors, negative ones as 0, for each answer."""
    return [
        0.0 if one.said is None else _cosine(_mean(one.said.description, vectors), _mean(one.true.description, vectors))
        for one in judged
    ]


def read_vectors(path: Path) -> Vectors:
    """Word vectors in word2vec's text format: a word and its numbers on each line, a heading of two numbers or none.

    Raises:
        BadInput: FILE_NOT_READABLE, or a line of another form (BAD_OPTION).
    """
    vectors: Vectors = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                fields = line.split()
                if number == 1 and len(fields) == 2:
                    continue
                vectors[fields[0]] = np.asarray(fields[1:], np.float32)
    except OSError as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"{path} cannot be read ({error.strerror}): give another"
        ) from error
    except (ValueError, IndexError) as error:
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"{path} holds no word vectors ({str(error)[:100]}): give a file in word2vec's text format",
        ) from error
    if len({vector.size for vector in vectors.values()}) != 1:
        raise BadInput(ErrorCode.BAD_OPTION, f"{path} holds vectors of several lengths: give another file")
    return vectors


def _mean(text: str, vectors: Vectors) -> npt.NDArray[np.float32] | None:
    known = [vectors[word] for word in words_of(text) if word in vectors]
    return np.asarray(np.mean(known, axis=0), np.float32) if known else None


def _cosine(a: npt.NDArray[np.float32] | None, b: npt.NDArray[np.float32] | None) -> float:
    if a is None or b is None:
        return 0.0
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return max(0.0, min(1.0, float(a @ b) / length)) if length else 0.0
