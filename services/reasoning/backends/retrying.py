"""When a request to a model server is sent again, and after how long. Pure: the jitter comes from outside."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class Retrying:
    """How patient a caller is.

    Attributes:
        tries: of one request, the first included.
        first_pause_s: before the second try; it doubles from try to try and is shortened at random by up to half, so
            that the regions of an image do not come back at once.
        longest_pause_s: no pause of its own is longer.
        longest_wait_s: a server that asks for a longer pause is not waited for.
    """

    tries: int = 4
    first_pause_s: float = 0.5
    longest_pause_s: float = 8.0
    longest_wait_s: float = 30.0

    def pause_s(self, tried: int, asked_s: float | None, chance: float) -> float | None:
        """Seconds until the next try after `tried` tries; None where there is none.

        Args:
            tried: how often the request was sent.
            asked_s: what the server asked for (Retry-After), if it did.
            chance: in [0, 1).
        """
        if tried >= self.tries or (asked_s is not None and asked_s > self.longest_wait_s):
            return None
        own_s = min(self.longest_pause_s, self.first_pause_s * 2.0 ** (tried - 1)) * (1.0 - chance / 2.0)
        return max(asked_s or 0.0, own_s)


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """What a Retry-After header asks for: seconds or a date; None where it is missing or holds neither."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds())
