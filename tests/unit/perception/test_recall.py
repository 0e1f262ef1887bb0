"""Answers kept for the same bytes: bounded, exact, shared between threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.perception.recall import Recall, digest


def test_other_pixels_or_another_shape_are_another_key() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    other = pixels.copy()
    other[1, 3, 2] += 1
    assert digest(pixels) == digest(pixels.copy())
    assert len({digest(pixels), digest(other), digest(pixels.reshape(4, 2, 3)), digest(pixels, 1)}) == 4
    assert digest(pixels[:, ::-1]) == digest(np.ascontiguousarray(pixels[:, ::-1]))


def test_the_least_recently_used_goes_first() -> None:
    recall: Recall[int] = Recall(3 * 1256)
    for number in range(3):
        recall.put(bytes([number]), number, 1000)
    assert recall.get(b"\x00") == 0
    recall.put(b"\x03", 3, 1000)
    assert recall.get(b"\x01") is None
    assert [recall.get(bytes([n])) for n in (0, 2, 3)] == [0, 2, 3]
    recall.put(b"\x09", 9, 10**6)
    assert recall.get(b"\x09") is None


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4000)), max_size=60))
def test_it_never_holds_more_than_it_may_and_never_answers_wrongly(puts: list[tuple[int, int]]) -> None:
    recall: Recall[int] = Recall(10_000)
    for number, size in puts:
        recall.put(bytes([number]), number, size)
        assert 0 <= recall.held_bytes <= 10_000
        assert recall.get(bytes([number])) in (number, None)


def test_threads_share_it() -> None:
    recall: Recall[int] = Recall(5_000)

    def work(seed: int) -> bool:
        for i in range(300):
            key = (seed + i) % 40
            recall.put(bytes([key]), key, 200)
            if recall.get(bytes([key])) not in (key, None):
                return False
        return recall.held_bytes <= 5_000

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
