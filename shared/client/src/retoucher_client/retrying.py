"""When a request is sent again, and after how long. Pure: the jitter comes from outside."""

from __future__ import annotations

from dataclasses import dataclass

from retoucher_client.effects import Lost, Reply, problem_of


@dataclass(frozen=True)
class Retrying:
    """How patient a client is.

    Attributes:
        tries: of one request, the first included; 1 never tries again.
        first_pause_s: before the second try; it doubles from try to try, and is shortened at random by up to half so
            that many callers do not come back at once.
        longest_pause_s: no pause of its own is longer.
        longest_wait_s: a server that asks for a longer pause than this is not waited for.
    """

    tries: int = 5
    first_pause_s: float = 0.5
    longest_pause_s: float = 20.0
    longest_wait_s: float = 120.0

    def backoff_s(self, tried: int, chance: float) -> float:
        """The pause after the `tried`-th try; `chance` in [0, 1)."""
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** (tried - 1)) * (1.0 - chance / 2.0)

    def pause_s(self, heard: Reply | Lost, tried: int, *, repeatable: bool, chance: float) -> float | None:
        """Seconds until the next try; None where there is none.

        Without an answer a request is repeated only if that does no harm or the server cannot have seen it.
        """
        if tried >= self.tries:
            return None
        if isinstance(heard, Lost):
            return self.backoff_s(tried, chance) if repeatable or heard.unsent else None
        if not _passes(heard, repeatable=repeatable):
            return None
        asked = heard.retry_after_s
        if asked is not None and asked > self.longest_wait_s:
            return None
        return max(asked or 0.0, self.backoff_s(tried, chance))


def _passes(reply: Reply, *, repeatable: bool) -> bool:
    """Whether this refusal is one that passes."""
    if reply.status in (429, 503):
        return True
    if reply.status in (502, 504):
        return repeatable
    return reply.status == 409 and problem_of(reply).code == "idempotency_in_progress"
