"""Samples that are drawn once and learned from several times."""

from pathlib import Path

import pytest
from torch.utils.data import Dataset

from services.training.reuse import Reused
from services.training.runs import TrainerRun
from services.training.trainer import drawn_once


class Numbers(Dataset[int]):
    """Ten numbers, and which of them were asked for."""

    def __init__(self) -> None:
        self.drawn: list[int] = []

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> int:
        self.drawn.append(index)
        return index


def test_each_is_drawn_once_and_others_are_handed_out_between() -> None:
    numbers = Numbers()
    reused = Reused(numbers, 4, 100)
    given = [reused[index] for index in range(len(reused))]
    assert len(given) == 40 and numbers.drawn == list(range(10))
    assert given[::4] == list(range(10))
    assert all(one <= at // 4 for at, one in enumerate(given)) and len(set(given[20:])) > 5


def test_no_more_are_held_than_may_be() -> None:
    reused = Reused(Numbers(), 4, 2)
    given = [reused[index] for index in range(len(reused))]
    assert all(at // 4 - one < 2 for at, one in enumerate(given))


def test_the_first_that_is_asked_for_is_drawn_wherever_it_stands() -> None:
    numbers = Numbers()
    assert Reused(numbers, 4, 2)[7] == 1 and numbers.drawn == [1]


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least once"):
        Reused(Numbers(), 0, 1)
    with pytest.raises(IndexError):
        Reused(Numbers(), 2, 1)[20]


def test_a_run_says_how_often() -> None:
    numbers = Numbers()
    assert drawn_once(TrainerRun(out=Path("out")), numbers) is numbers
    assert isinstance(drawn_once(TrainerRun(out=Path("out"), reuse=3), numbers), Reused)
