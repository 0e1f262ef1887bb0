"""Batches across callers: how large, how late, of which key, in which thread, and whose failure it is."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.batching import Batcher, BatchRules


class Model:
    """Doubles numbers; remembers the batches and threads, refuses 13, and waits while its gate is shut."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()

    def run(self, numbers: Sequence[int]) -> Sequence[int]:
        self.threads.add(threading.get_ident())
        self.batches.append(list(numbers))
        self.gate.wait(30)
        if 13 in numbers:
            raise ZeroDivisionError("13")
        return [2 * number for number in numbers]


def test_results_come_back_to_their_callers_in_order() -> None:
    model = Model()
    batcher = Batcher(model.run, BatchRules(max_items=4, max_wait_s=0.001))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: batcher([n, n + 100]), range(20, 60)))
    assert answers == [[2 * n, 2 * n + 200] for n in range(20, 60)]
    assert len(model.threads) == 1
    assert threading.get_ident() not in model.threads
    assert max(map(len, model.batches)) <= 4
    batcher.close()


def test_callers_of_the_same_time_share_a_batch() -> None:
    model = Model()
    batcher = Batcher(model.run, BatchRules(max_items=3, max_wait_s=30.0))
    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(lambda n: batcher([n])[0], range(3))) == [0, 2, 4]
    assert [sorted(batch) for batch in model.batches] == [[0, 1, 2]]
    batcher.close()


def test_nobody_waits_longer_than_the_rule_says() -> None:
    model = Model()
    waits: list[float] = []
    batcher = Batcher(
        model.run, BatchRules(max_items=100, max_wait_s=0.05), observe=lambda count, seconds: waits.extend(seconds)
    )
    assert batcher([1]) == [2]
    assert waits[0] >= 0.05
    batcher.close()


def test_keys_do_not_mix_and_none_is_starved() -> None:
    model = Model()
    model.gate.clear()
    batcher = Batcher(model.run, BatchRules(max_items=10, max_wait_s=0.0), key=lambda number: number % 2)
    with ThreadPoolExecutor(7) as pool:
        first = pool.submit(batcher, [0])
        while not model.batches:
            time.sleep(0.001)
        rest = [pool.submit(batcher, [number]) for number in (1, 2, 3, 4, 5)]
        while len(batcher._waiting) < 5:
            time.sleep(0.001)
        model.gate.set()
        assert [future.result() for future in [first, *rest]] == [[0], [2], [4], [6], [8], [10]]
    assert sorted(map(sorted, model.batches)) == [[0], [1, 3, 5], [2, 4]]
    batcher.close()


def test_a_failure_belongs_to_its_item_alone() -> None:
    model = Model()
    batcher = Batcher(model.run, BatchRules(max_items=3, max_wait_s=30.0))
    with ThreadPoolExecutor(3) as pool:
        futures = {number: pool.submit(batcher, [number]) for number in (1, 13, 2)}
        assert futures[1].result() == [2]
        assert futures[2].result() == [4]
        with pytest.raises(ZeroDivisionError):
            futures[13].result()
    batcher.close()


def test_a_model_that_loses_results_is_an_error() -> None:
    batcher: Batcher[int, int] = Batcher(lambda numbers: [], BatchRules(max_items=1))
    with pytest.raises(ValueError, match="1 items went in, 0 results"):
        batcher([1])
    batcher.close()


def test_closing_finishes_what_was_taken() -> None:
    model = Model()
    model.gate.clear()
    batcher = Batcher(model.run, BatchRules(max_items=1))
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(batcher, [number]) for number in (1, 2)]
        while not model.batches:
            time.sleep(0.001)
        closing = threading.Thread(target=batcher.close)
        closing.start()
        model.gate.set()
        assert sorted(future.result()[0] for future in futures) == [2, 4]
        closing.join(30)
    with pytest.raises(RuntimeError, match="closed"):
        batcher([3])
