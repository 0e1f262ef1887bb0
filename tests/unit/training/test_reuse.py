"""Laws of samples that are handed out several times."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset

from services.training.reuse import Reused


class Counted(Dataset[int]):
    """Items that are their own index; remembers which were drawn."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.drawn: list[int] = []

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        self.drawn.append(index)
        return index


@given(
    count=st.integers(1, 40), times=st.integers(1, 6), kept=st.integers(1, 50), seed=st.randoms(use_true_random=False)
)
def test_in_any_order_every_sample_is_drawn_once_at_most_and_all_that_is_handed_out_was_drawn(
    count: int, times: int, kept: int, seed: Random
) -> None:
    source = Counted(count)
    reused = Reused(source, times, kept)
    order = list(range(len(reused)))
    seed.shuffle(order)
    handed = [reused[index] for index in order]
    assert len(handed) == count * times
    assert set(handed) <= set(source.drawn)
    assert set(source.drawn) == set(range(count))
    assert len(source.drawn) <= count + 1  # the first index may have been none of those that draw


def test_only_so_many_are_held() -> None:
    reused = Reused(Counted(100), 2, 3)
    for number in range(0, 40, 2):
        reused[number]
    assert {reused[index] for index in range(1, 199, 2)} == {17, 18, 19}


def test_the_same_order_hands_out_the_same() -> None:
    first, second = (Reused(Counted(30), 4, 5) for _ in range(2))
    assert [first[index] for index in range(120)] == [second[index] for index in range(120)]


def test_an_index_past_the_end_is_refused() -> None:
    with pytest.raises(IndexError, match="item 6 of 6"):
        Reused(Counted(3), 2, 1)[6]


@pytest.mark.parametrize(("times", "kept"), [(0, 1), (1, 0)])
def test_nothing_is_handed_out_never(times: int, kept: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        Reused(Counted(3), times, kept)
