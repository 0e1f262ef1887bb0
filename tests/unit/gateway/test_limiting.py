"""Counting what keys ask, in memory and in a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fakes.stores import shared_redis

from services.gateway.auth import Caller
from services.gateway.limiting import WINDOW_S, Allowance, Limiter, LimitSettings, Quota, note, noted_headers
from shared.errors import BadInput, ErrorCode, LimitExceeded, Unavailable
from shared.keys import make_key

Use = Callable[[Limiter], Awaitable[Any]]


def a_caller(owner: str = "shop") -> Caller:
    """Each with a key of its own: the Redis of the tests is shared."""
    return Caller(owner, make_key(owner, "", 0.0).key.id)


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else shared_redis().url


def limiter(url: str, jobs: int = 0, **limits: int) -> Limiter:
    async def count(owner: str) -> int:
        return jobs

    return Limiter(LimitSettings(limits_url=url, **limits), count)


def test_counts_requests_of_each_key(url: str) -> None:
    async def go() -> None:
        gate = limiter(url, requests_per_minute=3)
        one, other = a_caller(), a_caller()
        seen = [await gate.admit(one) for _ in range(5)]
        assert [bool(allowance.exceeded) for allowance in seen] == [False, False, False, True, True]
        assert [allowance.quotas[0].remaining for allowance in seen] == [2, 1, 0, 0, 0]
        assert not (await gate.admit(other)).exceeded

    asyncio.run(go())


def test_tells_what_is_left(url: str) -> None:
    allowance = asyncio.run(limiter(url, requests_per_minute=10).admit(a_caller()))
    headers = allowance.headers()
    assert headers["RateLimit-Policy"] == '"requests";q=10;w=60'
    left = headers["RateLimit"]
    assert left.startswith('"requests";r=9;t=')
    assert 1 <= int(left.rpartition("=")[2]) <= WINDOW_S


def test_of_many_at_once_no_more_than_the_limit_pass(url: str) -> None:
    async def go() -> int:
        gate, caller = limiter(url, requests_per_minute=7), a_caller()
        seen = await asyncio.gather(*(gate.admit(caller) for _ in range(30)))
        return sum(not allowance.exceeded for allowance in seen)

    assert asyncio.run(go()) == 7


def test_submissions_have_a_limit_of_their_own(url: str) -> None:
    async def go() -> None:
        gate, caller = limiter(url, requests_per_minute=100, submissions_per_minute=2), a_caller()
        seen = [await gate.admit(caller, submission=True) for _ in range(3)]
        assert [allowance.exceeded for allowance in seen] == [(), (), ("submissions",)]
        assert not (await gate.admit(caller)).exceeded
        assert '"submissions";q=2;w=60' in seen[2].headers()["RateLimit-Policy"]

    asyncio.run(go())


def test_jobs_at_work_have_a_limit(url: str) -> None:
    async def go() -> None:
        caller = a_caller()
        full = await limiter(url, jobs=5, jobs_at_work=5, submissions_per_minute=2).admit(caller, submission=True)
        assert full.exceeded == ("jobs",)
        assert full.headers()["RateLimit"].startswith('"jobs";r=0, "requests";r=')
        assert full.headers()["RateLimit-Policy"].startswith('"jobs";q=5;qu="concurrent-requests", ')
        reading = await limiter(url, jobs=5, jobs_at_work=5).admit(caller)
        assert not reading.exceeded
        # What was refused for want of room has not used up the rate.
        free = limiter(url, jobs=4, jobs_at_work=5, submissions_per_minute=2)
        assert [(await free.admit(caller, submission=True)).exceeded for _ in range(3)] == [(), (), ("submissions",)]

    asyncio.run(go())


def test_zero_is_no_limit(url: str) -> None:
    none = {"requests_per_minute": 0, "submissions_per_minute": 0, "jobs_at_work": 0}
    allowance = asyncio.run(limiter(url, jobs=10**6, **none).admit(a_caller(), submission=True))
    assert (allowance, allowance.headers()) == (Allowance(), {})


def test_a_server_without_keys_counts_nothing(url: str) -> None:
    gate = limiter(url, jobs=10**6, requests_per_minute=1, jobs_at_work=1)
    assert asyncio.run(gate.admit(Caller("local"), submission=True)) == Allowance()


def test_says_when_to_come_again() -> None:
    rates = Quota("requests", 5, 0, 42), Quota("submissions", 3, 2, 59)
    with pytest.raises(LimitExceeded) as refusal:
        Allowance(rates, ("requests",)).check()
    assert refusal.value.retry_after_s == 42
    assert refusal.value.policies == ("requests",)
    assert (refusal.value.code, refusal.value.retryable) == (ErrorCode.RATE_LIMITED, True)
    with pytest.raises(LimitExceeded) as refusal:
        Allowance((Quota("jobs", 5, 0, None),), ("jobs",)).check()
    assert refusal.value.retry_after_s > 0
    Allowance(rates).check()


def test_headers_find_their_way_to_the_answer() -> None:
    scope: dict[str, Any] = {"type": "http"}
    assert noted_headers(scope) == {}
    note(scope, Allowance((Quota("requests", 5, 0, 42),)))
    assert noted_headers(scope) == {"RateLimit-Policy": '"requests";q=5;w=60', "RateLimit": '"requests";r=0;t=42'}


def test_counters_that_do_not_answer_let_nobody_through() -> None:
    with pytest.raises(Unavailable):
        asyncio.run(limiter("redis://127.0.0.1:1/0").admit(a_caller()))


def test_an_unknown_kind_of_counters_is_bad_input() -> None:
    with pytest.raises(BadInput):
        limiter("carrier-pigeon://host")
