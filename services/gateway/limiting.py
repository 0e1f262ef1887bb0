"""How much one key may ask: requests and submissions by rate, jobs at work by number.

Counting is the `limits` library's (a sliding window of counters), in this process' memory or, for several gateways, in
Redis. Headers follow draft-ietf-httpapi-ratelimit-headers (RateLimit-Policy and RateLimit as lists of structured
fields), the problem its type `quota-exceeded`. A server that asks for no key counts nothing.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.types import Scope

from services.gateway.auth import Caller
from shared.errors import BadInput, ErrorCode, LimitExceeded, Unavailable

PROBLEM_TYPE = "https://iana.org/assignments/http-problem-types#quota-exceeded"
WINDOW_S = 60
JOBS_RETRY_S = 10.0
"""When to ask again for a job to be taken: nobody knows when one of the others will end."""

STATE = "allowance"
"""Name under which `note` leaves the allowance in the request's scope for whoever writes the headers."""


class LimitSettings(BaseSettings):
    """Limits of each key; 0 stands for none.

    Attributes:
        requests_per_minute: of any kind.
        submissions_per_minute: of jobs and uploads.
        jobs_at_work: queued and running, of one owner.
        limits_url: where it is counted: `memory://`, or `redis://:password@host:6379/0` for several gateways.
        require_key: ask for a key on loopback, too.
    """

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_GATEWAY_", frozen=True)

    requests_per_minute: int = Field(default=1200, ge=0)
    submissions_per_minute: int = Field(default=120, ge=0)
    jobs_at_work: int = Field(default=100, ge=0)
    limits_url: str = Field(default="memory://", repr=False)
    require_key: bool = False


@dataclass(frozen=True)
class Quota:
    """Where a caller stands with one limit. `reset_s` is None where time alone frees nothing."""

    name: str
    quota: int
    remaining: int
    reset_s: int | None

    def policy(self) -> str:
        """An item of RateLimit-Policy."""
        window = f";w={WINDOW_S}" if self.reset_s is not None else ';qu="concurrent-requests"'
        return f'"{self.name}";q={self.quota}{window}'

    def state(self) -> str:
        """An item of RateLimit."""
        return f'"{self.name}";r={self.remaining}' + (f";t={self.reset_s}" if self.reset_s is not None else "")


@dataclass(frozen=True)
class Allowance:
    """Where a caller stands with all limits that a request touched; `exceeded` names those that it ran into."""

    quotas: tuple[Quota, ...] = ()
    exceeded: tuple[str, ...] = ()

    def headers(self) -> dict[str, str]:
        """What every answer tells; empty where nothing is counted."""
        if not self.quotas:
            return {}
        return {
            "RateLimit-Policy": ", ".join(quota.policy() for quota in self.quotas),
            "RateLimit": ", ".join(quota.state() for quota in self.quotas),
        }

    def check(self) -> None:
        """Raises:
        LimitExceeded: a limit was run into.
        """
        if not self.exceeded:
            return
        waits = [quota.reset_s or JOBS_RETRY_S for quota in self.quotas if quota.name in self.exceeded]
        names = " and ".join(self.exceeded)
        wait_s = max(waits)
        raise LimitExceeded(f"your limit of {names} is used up: try again in {wait_s:g} s", self.exceeded, wait_s)


CountJobs = Callable[[str], Awaitable[int]]
"""How many jobs of an owner are queued or running."""


class Limiter:
    """Counts what callers ask; for one event loop.

    Raises:
        BadInput: the settings' `limits_url` is of no known kind.
    """

    def __init__(self, settings: LimitSettings, count_jobs: CountJobs) -> None:
        self._settings = settings
        self._count_jobs = count_jobs
        try:
            storage = storage_from_string(settings.limits_url, wrap_exceptions=True)
            # Asked on threads: the library's asyncio variant has no way to close its connections to Redis.
            self._windows = SlidingWindowCounterRateLimiter(storage)
        except ConfigurationError as error:
            message = "RETOUCHER_GATEWAY_LIMITS_URL is of no known kind: write memory:// or redis://host:6379/0"
            raise BadInput(ErrorCode.BAD_OPTION, message) from error

    async def admit(self, caller: Caller, *, submission: bool = False) -> Allowance:
        """Counts one request, and one submission if it is one. Two at the same time may pass the limit of jobs by one.

        Raises:
            Unavailable: the counters do not answer.
        """
        if caller.key_id is None:
            return Allowance()
        jobs = await self._jobs(caller) if submission else None
        try:
            return await asyncio.to_thread(self._count, caller, jobs, submission)
        except StorageError as error:
            message = "the counters of limits do not answer: check RETOUCHER_GATEWAY_LIMITS_URL and its server"
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message) from error

    def _count(self, caller: Caller, jobs: Quota | None, submission: bool) -> Allowance:
        quotas = [jobs] if jobs is not None else []
        exceeded = [quota.name for quota in quotas if quota.remaining == 0]
        rates = {"requests": self._settings.requests_per_minute}
        if submission:
            rates["submissions"] = self._settings.submissions_per_minute
        for name, amount in rates.items():
            if amount == 0:
                continue
            item = RateLimitItemPerMinute(amount)
            # A submission that is refused anyway is not counted as one.
            hit = (self._windows.test if exceeded else self._windows.hit)(item, name, caller.account)
            reset_at_s, remaining = self._windows.get_window_stats(item, name, caller.account)
            quotas.append(Quota(name, amount, remaining if hit else 0, max(1, math.ceil(reset_at_s - time.time()))))
            if not hit:
                exceeded.append(name)
        return Allowance(tuple(quotas), tuple(exceeded))

    async def _jobs(self, caller: Caller) -> Quota | None:
        limit = self._settings.jobs_at_work
        if limit == 0:
            return None
        return Quota("jobs", limit, max(0, limit - await self._count_jobs(caller.owner)), None)


def note(scope: Scope, allowance: Allowance) -> None:
    """Leaves the allowance where `noted_headers` finds it, when the answer begins; that of an error, too."""
    scope.setdefault("state", {})[STATE] = allowance


def noted_headers(scope: Scope) -> dict[str, str]:
    """The headers of the allowance that was noted for this request; empty without one."""
    allowance = scope.get("state", {}).get(STATE)
    return allowance.headers() if isinstance(allowance, Allowance) else {}
