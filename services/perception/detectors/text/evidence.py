"""How badly a place reads, as one number: 0 to 0.3 as expected, above 0.8 not.

The gap keeps the exchange of one wrong word for another, however much nearer, from ever gaining 0.2. Numbers and
strings only.
"""

from rapidfuzz.distance import Levenshtein

from services.perception.detectors.text.folding import fold

WORST = 1.0


def as_expected(confidence: float) -> float:
    """Evidence where the words read as they should: 0.3 of the doubt left."""
    return 0.3 * (1.0 - min(1.0, max(0.0, confidence)))


def not_as_expected(read: str, expected: str) -> float:
    """Evidence where they do not: 0.8, and a fifth of the character error rate up to 1."""
    return 0.8 + 0.2 * min(1.0, error_rate(read, expected))


def error_rate(read: str, expected: str) -> float:
    """Edits per expected letter, folded, spaces ignored; 0 is right. Expecting nothing, any letter is an error of 1."""
    wanted, seen = fold(expected), fold(read)
    if not wanted:
        return 1.0 if seen else 0.0
    return Levenshtein.distance(wanted, seen) / len(wanted)
