"""Who is let in."""

import asyncio

import pytest
from fakes.clock import FakeClock

from services.gateway.auth import CACHE_S, TOUCH_S, Authenticator, Caller, is_loopback
from shared.adapters.memory_keys import MemoryKeyStore
from shared.errors import ErrorCode, Unauthorized
from shared.keys import NewKey, is_good, key_id_of, make_key


class Door:
    """An authenticator with its keys and clock."""

    def __init__(self, host: str = "0.0.0.0", *, required: bool = False) -> None:
        self.clock = FakeClock()
        self.keys = MemoryKeyStore()
        self.authenticator = Authenticator(self.keys, self.clock, host, required=required)

    def make(self, owner: str | None = "shop") -> NewKey:
        made = make_key(owner, "", self.clock.now_s())
        self.keys.add(made.key)
        return made

    def enter(self, authorization: str | None, host: str | None = "127.0.0.1:80", origin: str | None = None) -> Caller:
        return asyncio.run(self.authenticator.caller(authorization, host, origin))

    def refuses(self, authorization: str | None, host: str | None = "127.0.0.1:80", origin: str | None = None) -> bool:
        try:
            self.enter(authorization, host, origin)
        except Unauthorized as refusal:
            assert refusal.code is ErrorCode.UNAUTHORIZED
            assert "rt_0" not in refusal.message
            return True
        return False


class TestKeys:
    def test_a_key_opens_as_its_owner(self) -> None:
        door = Door()
        made = door.make()
        assert door.enter(f"Bearer {made.token}") == Caller("shop", made.key.id)
        assert door.enter(f"bearer  {made.token} ") == Caller("shop", made.key.id)

    def test_two_keys_of_one_owner_see_the_same(self) -> None:
        door = Door()
        owners = {door.enter(f"Bearer {door.make('shop').token}").owner for _ in range(2)}
        assert owners == {"shop"}
        strangers = {door.enter(f"Bearer {door.make(None).token}").owner for _ in range(2)}
        assert len(strangers) == 2

    def test_anything_else_stays_outside(self) -> None:
        door = Door()
        made = door.make()
        other = door.make()
        secret = made.token.split("_", 2)[2]
        for authorization in (
            None,
            "",
            "Bearer",
            "Bearer ",
            made.token,
            f"Basic {made.token}",
            f"Bearer {made.token[:-1]}",
            f"Bearer {made.token[:-1]}{'A' if made.token[-1] != 'A' else 'B'}",
            f"Bearer rt_{other.key.id}_{secret}",
            f"Bearer rt_000000000000_{secret}",
            f"Bearer rt_{made.key.id}_{made.key.secret_sha256}",
            f"Bearer rt_{made.key.id}_",
        ):
            assert door.refuses(authorization), authorization

    def test_a_revoked_key_is_out_after_the_cache(self) -> None:
        door = Door()
        made = door.make()
        door.enter(f"Bearer {made.token}")
        door.keys.revoke(made.key.id, door.clock.now_s())
        door.clock.advance(CACHE_S)
        assert door.refuses(f"Bearer {made.token}")

    def test_a_new_key_is_good_at_once_unless_it_was_tried_before(self) -> None:
        door = Door()
        made = make_key("shop", "", 0.0)
        assert door.refuses(f"Bearer {made.token}")
        door.keys.add(made.key)
        door.clock.advance(CACHE_S)
        assert door.enter(f"Bearer {made.token}").owner == "shop"

    def test_the_last_use_is_written_now_and_then(self) -> None:
        door = Door()
        made = door.make()
        first_s = door.clock.now_s()
        door.enter(f"Bearer {made.token}")
        door.clock.advance(TOUCH_S - 1)
        door.enter(f"Bearer {made.token}")
        assert door.keys.all()[0].last_used_at_s == first_s
        door.clock.advance(1)
        door.enter(f"Bearer {made.token}")
        assert door.keys.all()[0].last_used_at_s == first_s + TOUCH_S


class TestWithoutKeys:
    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.9"])
    def test_this_machine_needs_none(self, host: str) -> None:
        assert Door(host).enter(None) == Caller("local", None)

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "example.com", ""])
    def test_others_need_one(self, host: str) -> None:
        assert Door(host).refuses(None)
        assert not is_loopback(host)

    def test_not_where_the_operator_requires_one(self) -> None:
        assert Door("127.0.0.1", required=True).refuses(None)

    def test_not_once_a_key_was_made(self) -> None:
        door = Door("127.0.0.1")
        assert door.enter(None) == Caller("local")
        made = door.make()
        door.clock.advance(CACHE_S)
        assert door.refuses(None)
        door.keys.revoke(made.key.id, 0.0)
        door.clock.advance(CACHE_S)
        assert door.refuses(None)

    def test_a_wrong_key_is_wrong_all_the_same(self) -> None:
        assert Door("127.0.0.1").refuses("Bearer rt_000000000000_x")

    def test_not_by_a_name_that_leads_here(self) -> None:
        door = Door("127.0.0.1")
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", None, ""):
            assert door.refuses(None, host=host)
        for host in ("localhost:8000", "[::1]:8000", "retoucher.localhost"):
            assert door.enter(None, host=host).owner == "local"

    def test_not_for_another_site(self) -> None:
        door = Door("127.0.0.1")
        for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
            assert door.refuses(None, origin=origin)
        assert door.enter(None, origin="http://127.0.0.1:80").owner == "local"


class TestForm:
    def test_every_key_is_another_and_has_its_parts(self) -> None:
        made = [make_key("shop", "", 0.0) for _ in range(50)]
        assert len({key.token for key in made}) == 50
        for key in made:
            assert key_id_of(key.token) == key.key.id
            assert is_good(key.token, key.key)

    def test_shows_no_secret(self) -> None:
        made = make_key("shop", "", 0.0)
        secret = made.token.split("_", 2)[2]
        assert secret not in repr(made) + str(made) + repr(made.key)
        assert made.key.secret_sha256 not in repr(made)

    def test_a_secret_holds_256_bits(self) -> None:
        assert len(make_key(None, "", 0.0).token) == len("rt_") + 12 + 1 + 43
