import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluation.text.corruptions import Manner, corrupt, misspell, plain
from services.evaluation.text.truth import FAULTS, Kind

LINES = (("OPEN", "DAILY"), ("Since", "1952"))
words = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=10).filter(lambda word: len(set(word)) > 2)


@given(words, st.integers(0, 1000))
def test_a_misspelling_is_another_word_of_about_the_same_letters(word: str, seed: int) -> None:
    spoilt, variety = misspell(word, np.random.default_rng(seed))
    assert spoilt != word
    assert len(spoilt) - len(word) == {"dropped": -1, "doubled": 1, "swapped": 0, "replaced": 0}[variety]
    assert spoilt[0] == word[0]
    if variety == "swapped":
        assert sorted(spoilt) == sorted(word)


@given(st.sampled_from(FAULTS), st.integers(0, 500))
def test_a_fault_befalls_one_word_and_leaves_all_others(kind: Kind, seed: int) -> None:
    corruption = corrupt(LINES, kind, np.random.default_rng(seed))
    assert corruption is not None
    drawn, right = corruption.drawn, plain(LINES)
    assert drawn != right
    for number, (now, before) in enumerate(zip(drawn, right, strict=True)):
        if number != corruption.line:
            assert now == before
    line, at = drawn[corruption.line], corruption.word
    kept = right[corruption.line]
    if kind is Kind.DOUBLED:
        assert [word.text for word in line[at : at + 2]] == [kept[at].text] * 2
        assert line[:at] + line[at + 1 :] == kept
    elif corruption.variety == "closed":
        assert line == kept[:at] + kept[at + 1 :]
    else:
        assert line[:at] + line[at + 1 :] == kept[:at] + kept[at + 1 :]
        assert line[at].slot == kept[at].text


@pytest.mark.parametrize("kind", [Kind.GARBLED, Kind.MIRRORED])
def test_scribbles_and_mirror_images_keep_their_letters(kind: Kind) -> None:
    corruption = corrupt(LINES, kind, np.random.default_rng(3))
    assert corruption is not None
    word = corruption.drawn[corruption.line][corruption.word]
    assert word.text == word.slot
    assert word.manner is not Manner.PLAIN


def test_what_cannot_be_spoilt_is_said_so() -> None:
    assert corrupt((("AT", "12"),), Kind.MISSPELT, np.random.default_rng(0)) is None
    assert corrupt((("BAKERY",),), Kind.MISSING, np.random.default_rng(0)) is None
    with pytest.raises(ValueError, match="no fault"):
        corrupt(LINES, Kind.CORRECT, np.random.default_rng(0))
