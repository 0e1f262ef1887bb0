"""Who sends a request: the owner of its API key, or, on a server for this machine alone, whoever sits at it.

Without keys a server answers only where nobody else can reach it: bound to loopback, with no key made and none
required. Even there a page in a browser could have it work for a stranger, by a name that leads to 127.0.0.1 or by a
form that is sent across sites; so Host and Origin must then be this machine's.
"""

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request

from shared.contracts.jobs import LOCAL_OWNER
from shared.contracts.keys import ApiKey
from shared.errors import ErrorCode, Unauthorized
from shared.keys import is_good, key_id_of
from shared.ports import Clock, KeyStore

CACHE_S = 5.0
"""How long a key is believed without asking the store: a revoked one works that long at the most."""

CACHE_SIZE = 10_000
TOUCH_S = 60.0
"""A key's last use is written down once in so many seconds."""

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="agentic-retoucher"'}
"""Header of every answer to `Unauthorized`."""


@dataclass(frozen=True)
class Caller:
    """Who sent a request. `key_id` is None on a server that asks for no key."""

    owner: str
    key_id: str | None = None

    @property
    def account(self) -> str:
        """What limits are counted by."""
        return self.key_id or self.owner


class Authenticator:
    """Finds the caller of a request; for one event loop.

    Args:
        keys: the keys that exist.
        clock: for the cache and for times of last use.
        host: the address that the server is bound to.
        required: ask for a key on loopback, too.
    """

    def __init__(self, keys: KeyStore, clock: Clock, host: str, *, required: bool = False) -> None:
        self._keys = keys
        self._clock = clock
        self._open = is_loopback(host) and not required
        self._cache: dict[str, tuple[float, ApiKey | None]] = {}
        self._touched: dict[str, float] = {}
        self._any_until_s = -1.0
        self._any = True

    async def caller(self, authorization: str | None, host: str | None = None, origin: str | None = None) -> Caller:
        """The caller by the headers Authorization, Host and Origin.

        Raises:
            Unauthorized: no key, not a good one, or without a key from another site.
        """
        if authorization is None and self._open and not await self._any_key():
            if not (_is_here(host) and (origin is None or _is_here(urlsplit(origin).netloc))):
                raise _unauthorized("another site asks this server to work: make a key with 'retoucher keys create'")
            return Caller(LOCAL_OWNER)
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("an API key is needed: send it as 'Authorization: Bearer rt_…'")
        key = await self._find(token)
        if not is_good(token, key) or key is None:
            raise _unauthorized("the API key is not known or was revoked: ask the operator for another")
        await self._touch(key)
        return Caller(key.owner, key.id)

    async def _find(self, token: str) -> ApiKey | None:
        key_id = key_id_of(token)
        if key_id is None:
            return None
        until_s, key = self._cache.get(key_id, (0.0, None))
        now_s = self._clock.now_s()
        if now_s >= until_s:
            key = await asyncio.to_thread(self._keys.find, key_id)
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()  # somebody tries ids; the good keys are back at their next request
            self._cache[key_id] = (now_s + CACHE_S, key)
        return key

    async def _any_key(self) -> bool:
        now_s = self._clock.now_s()
        if now_s >= self._any_until_s:
            self._any = await asyncio.to_thread(self._keys.any)
            self._any_until_s = now_s + CACHE_S
        return self._any

    async def _touch(self, key: ApiKey) -> None:
        now_s = self._clock.now_s()
        if now_s >= self._touched.get(key.id, 0.0) + TOUCH_S:
            self._touched[key.id] = now_s  # before the write: of many requests at once one writes
            await asyncio.to_thread(self._keys.touch, key.id, now_s)


async def authenticated(request: Request, authenticator: Authenticator) -> Caller:
    """The caller of a FastAPI request. Raises as `Authenticator.caller`."""
    headers = request.headers
    return await authenticator.caller(headers.get("authorization"), headers.get("host"), headers.get("origin"))


def is_loopback(host: str) -> bool:
    """Whether an address to bind to can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_here(netloc: str | None) -> bool:
    """Whether `host[:port]` is written as this machine; a name that only leads here is somebody else's."""
    host = urlsplit(f"//{netloc or ''}").hostname or ""
    return is_loopback(host) or host.endswith(".localhost")


def _unauthorized(message: str) -> Unauthorized:
    return Unauthorized(ErrorCode.UNAUTHORIZED, message)
