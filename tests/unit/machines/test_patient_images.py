"""An image store that waits outages out: the contract is the inner store's; what is added is patience."""

import pytest

from shared.adapters.memory import MemoryImageStore
from shared.adapters.patient_images import PatientImageStore
from shared.errors import Conflict, ErrorCode, NotFound, Unavailable


class Away(MemoryImageStore):
    """Does not answer so many times."""

    def __init__(self, times: int, code: ErrorCode = ErrorCode.STORE_UNAVAILABLE) -> None:
        super().__init__()
        self.times = times
        self.code = code
        self.asked = 0

    def get(self, ref: str) -> bytes:
        self.asked += 1
        if self.asked <= self.times:
            raise Unavailable(self.code, "away: try again")
        return super().get(ref)


def test_waits_until_the_store_is_back() -> None:
    inner = Away(2)
    inner.put("a/b.png", b"x")
    assert PatientImageStore(inner, 30.0).get("a/b.png") == b"x"
    assert inner.asked == 3


def test_patience_ends() -> None:
    inner = Away(1000)
    with pytest.raises(Unavailable):
        PatientImageStore(inner, 0.3).get("a/b.png")
    assert inner.asked == 2


def test_a_full_disk_is_told_at_once() -> None:
    inner = Away(1000, ErrorCode.DISK_FULL)
    with pytest.raises(Unavailable):
        PatientImageStore(inner, 30.0).get("a/b.png")
    assert inner.asked == 1


def test_everything_else_is_the_inner_stores() -> None:
    store = PatientImageStore(MemoryImageStore(), 30.0)
    assert store.put("a/b.png", b"x") == "a/b.png"
    with pytest.raises(Conflict):
        store.put("a/b.png", b"y")
    with pytest.raises(NotFound):
        store.get("a/c.png")
    assert list(store.refs("a/")) == ["a/b.png"]
    assert store.delete("a/") == 1
