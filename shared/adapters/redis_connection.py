"""The connection to Redis that the adapters share: Lua scripts by name, and outages as errors of this project.

Nothing is tried again here: a script whose answer was lost may have run, and only the caller knows what that means.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from shared.contracts.dispatch import Work
from shared.errors import BadInput, ErrorCode, Unavailable

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 5.0
"""Longer than any script takes by far, shorter than a lease: a Redis that stands still is noticed in time."""

SCRIPTS = (
    "write",
    "claim",
    "beat",
    "answer",
    "release",
    "sweep",
    "settle",
    "cancel",
    "count",
    "delete",
    "claim_deliveries",
    "set_delivery",
)


class RedisConnection:
    """A pool of connections to one Redis server; safe for threads.

    Args:
        url: `redis://:password@host:6379/0`.
        prefix: before every key, so that several installations may share a server.

    Raises:
        BadInput: the URL is none of Redis. Nothing connects before the first use.
    """

    def __init__(self, url: str, prefix: str = "retoucher:") -> None:
        self.prefix = prefix
        try:
            self.client: redis.Redis = redis.Redis.from_url(
                url,
                socket_connect_timeout=CONNECT_TIMEOUT_S,
                socket_timeout=ANSWER_TIMEOUT_S,
                socket_keepalive=True,
                retry=Retry(NoBackoff(), 0),
                decode_responses=False,
            )
        except ValueError as error:
            message = f"the Redis URL cannot be used ({error}): write redis://:password@host:6379/0"
            raise BadInput(ErrorCode.BAD_OPTION, message) from error
        folder = resources.files("shared.adapters") / "redis_lua"
        common = (folder / "common.lua").read_text(encoding="utf-8")
        self._scripts: dict[str, Script] = {
            name: self.client.register_script(common + (folder / f"{name}.lua").read_text(encoding="utf-8"))
            for name in SCRIPTS
        }

    def run(self, script: str, *arguments: str | int | float | bytes) -> Any:
        """The answer of a script of `redis_lua`; the prefix is handed to it first.

        Raises:
            Unavailable: Redis does not answer, refuses for want of memory, or does not accept writes.
        """
        with self.outages():
            return self._scripts[script](keys=[], args=[self.prefix, *arguments])

    def ask(self, *command: str | int | float) -> Any:
        """The answer of a Redis command. Raises as `run`."""
        with self.outages():
            return self.client.execute_command(*command)  # type: ignore[no-untyped-call]

    def key(self, name: str) -> str:
        """The full name of a key."""
        return self.prefix + name

    def ping(self) -> None:
        """Returns once Redis has answered.

        Raises:
            Unavailable: it does not.
        """
        with self.outages():
            self.client.ping()

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()

    @contextmanager
    def outages(self) -> Iterator[None]:
        """Turns what Redis refuses into `Unavailable`; the message names no URL, for that may hold a password."""
        try:
            yield
        except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError) as error:
            reason = type(error).__name__
            message = f"Redis does not answer ({reason}): check that the server runs and can be reached"
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message) from error
        except redis.OutOfMemoryError as error:
            message = "Redis has no memory left: raise its maxmemory, or delete jobs"
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message) from error


def work_of(value: bytes) -> Work:
    """The kind of work that a script names."""
    return Work(value.decode())
