"""When a delivery is tried again, and when not. Pure: time and luck are handed in.

Ten tries over about a day: seconds apart while a receiver restarts, hours apart while its people sleep. The jitter
keeps deliveries that failed together from coming back together.
"""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from shared.contracts.deliveries import Delivery, DeliveryAttempt, DeliveryStatus

GONE = 410
"""A receiver's way to say that it wants nothing more at this URL."""


@dataclass(frozen=True)
class Rules:
    """Times and numbers of delivering.

    Attributes:
        waits_s: seconds from each failed try to the next; one try more than there are waits.
        jitter: each wait is longer or shorter by up to this share.
        longest_wait_s: what a receiver may ask for by Retry-After.
        timeout_s: for one try, name lookup included.
        lease_s: for which a try is reserved to whoever makes it; longer than `timeout_s`.
        at_once: tries at one time, in all.
        per_site: tries at one time to one host and port.
    """

    waits_s: tuple[float, ...] = (5, 30, 120, 600, 1800, 3600, 3 * 3600, 7 * 3600, 12 * 3600)
    jitter: float = 0.1
    longest_wait_s: float = 12 * 3600.0
    timeout_s: float = 15.0
    lease_s: float = 20.0
    at_once: int = 32
    per_site: int = 4


def after_try(
    delivery: Delivery, attempt: DeliveryAttempt, retry_after_s: float | None, luck: float, rules: Rules
) -> Delivery:
    """The delivery with one more attempt, and with what follows from it.

    Args:
        delivery: as it was claimed.
        attempt: what came of the try.
        retry_after_s: what the receiver asked for; it lengthens the wait, and never shortens it.
        luck: in [0, 1).
        rules: the schedule.
    """
    tries = delivery.tries + 1
    next_at_s = None
    if attempt.error is None:
        status = DeliveryStatus.DELIVERED
    elif attempt.status_code == GONE:
        status = DeliveryStatus.DISABLED
    elif tries > len(rules.waits_s):
        status = DeliveryStatus.FAILED
    else:
        status = DeliveryStatus.PENDING
        wait_s = rules.waits_s[tries - 1] * (1 + rules.jitter * (2 * luck - 1))
        asked_s = min(retry_after_s or 0.0, rules.longest_wait_s)
        next_at_s = attempt.at_s + attempt.seconds + max(wait_s, asked_s)
    return delivery.model_copy(
        update={
            "status": status,
            "attempts": (*delivery.attempts, attempt),
            "tries": tries,
            "next_attempt_at_s": next_at_s,
        }
    )


def disabled(delivery: Delivery) -> Delivery:
    """The delivery given up without a try, since its URL has answered 410 before."""
    return delivery.model_copy(update={"status": DeliveryStatus.DISABLED, "next_attempt_at_s": None})


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Seconds from `now_s` that a Retry-After header asks for, as a number or a date; None where it holds neither."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])  # more digits than anybody means would be infinity
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now_s)
