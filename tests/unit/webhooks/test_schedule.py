"""When a delivery is tried again."""

from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

import pytest

from services.orchestrator.webhooks.schedule import Rules, after_try, disabled, retry_after_s
from shared.contracts.deliveries import Delivery, DeliveryAttempt, DeliveryStatus

RULES = Rules()


def a_delivery(tries: int = 0) -> Delivery:
    return Delivery(
        id="evt_job_1_1",
        job_id="job_1",
        seq=1,
        owner="shop",
        type="job.succeeded",
        url="https://a.example/",
        site="a.example",
        body="{}",
        created_at_s=0.0,
        tries=tries,
        next_attempt_at_s=0.0,
    )


def a_failure(at_s: float = 100.0, status: int | None = 500) -> DeliveryAttempt:
    return DeliveryAttempt(at_s=at_s, status_code=status, error="it failed", seconds=2.0)


def test_a_success_ends_it() -> None:
    attempt = DeliveryAttempt(at_s=100.0, status_code=204, error=None, seconds=0.1)
    after = after_try(a_delivery(3), attempt, 50.0, 0.5, RULES)
    assert (after.status, after.next_attempt_at_s, after.tries) == (DeliveryStatus.DELIVERED, None, 4)
    assert after.attempts == (attempt,)


@pytest.mark.parametrize("luck", [0.0, 0.5, 0.999])
def test_ten_tries_over_about_a_day(luck: float) -> None:
    delivery, times, now_s = a_delivery(), [], 0.0
    while True:
        times.append(now_s)
        delivery = after_try(delivery, a_failure(now_s), None, luck, RULES)
        if delivery.next_attempt_at_s is None:
            break
        assert delivery.status is DeliveryStatus.PENDING
        now_s = delivery.next_attempt_at_s
    assert delivery.status is DeliveryStatus.FAILED
    assert len(times) == len(delivery.attempts) == 10
    assert 0.85 * 86_400 < times[-1] < 1.15 * 86_400
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == sorted(gaps)


def test_luck_moves_the_wait_both_ways() -> None:
    waits = {
        luck: (after_try(a_delivery(2), a_failure(), None, luck, RULES).next_attempt_at_s or 0) - 102.0
        for luck in (0.0, 0.5, 1.0)
    }
    assert waits == pytest.approx({0.0: 108.0, 0.5: 120.0, 1.0: 132.0})


@pytest.mark.parametrize(("asked_s", "wait_s"), [(None, 120), (10, 120), (1000, 1000), (10**9, 12 * 3600)])
def test_a_receiver_may_ask_for_a_longer_wait_within_limits(asked_s: float | None, wait_s: float) -> None:
    after = after_try(a_delivery(2), a_failure(status=503), asked_s, 0.5, RULES)
    assert after.next_attempt_at_s == pytest.approx(102.0 + wait_s)


def test_gone_is_gone() -> None:
    after = after_try(a_delivery(), a_failure(status=410), 10.0, 0.5, RULES)
    assert (after.status, after.next_attempt_at_s) == (DeliveryStatus.DISABLED, None)
    untried = disabled(a_delivery())
    assert (untried.status, untried.next_attempt_at_s, untried.attempts) == (DeliveryStatus.DISABLED, None, ())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("9" * 400, 999_999_999_999.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 99 Foo 2015", None),
    ],
)
def test_reads_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, 1_700_000_000.0) == seconds


def test_reads_retry_after_as_a_date() -> None:
    date = format_datetime(datetime.fromtimestamp(1_700_000_090, UTC), usegmt=True)
    assert retry_after_s(date, 1_700_000_000.0) == 90.0
