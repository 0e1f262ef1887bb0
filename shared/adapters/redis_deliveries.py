"""Webhook deliveries in Redis. The script that commits a job makes them in the same step; see `redis_lua/write.lua`."""

from collections.abc import Sequence

from shared.adapters.memory_deliveries import no_such_delivery
from shared.adapters.redis_connection import RedisConnection
from shared.contracts.deliveries import Claim, Delivery
from shared.deliveries import replayed


class RedisDeliveryStore:
    """A `DeliveryStore` beside a `RedisJobStore` on the same connection."""

    def __init__(self, connection: RedisConnection) -> None:
        self._redis = connection

    def claim_due(self, now_s: float, lease_s: float, limit: int, per_site: int) -> Sequence[Claim]:
        """Takes deliveries whose time has come; see `DeliveryStore.claim_due`."""
        flat = self._redis.run("claim_deliveries", now_s, lease_s, limit, per_site)
        claims = []
        for name, number in zip(flat[::2], flat[1::2], strict=True):
            body = self._redis.ask("HGET", self._key(name.decode()), "body")
            if body is not None:  # else its job was deleted just now
                claims.append(Claim(delivery=Delivery.model_validate_json(body), number=int(number)))
        return tuple(claims)

    def settle(self, claim: Claim, delivery: Delivery) -> bool:
        """Writes what came of a claim; see `DeliveryStore.settle`."""
        return self._set(delivery, "claims", claim.number, claims_more=0)

    def of_job(self, job_id: str) -> Sequence[Delivery]:
        """A job's deliveries by `seq`; empty for an unknown job."""
        names = self._redis.ask("ZRANGE", self._redis.key(f"deliveries:{job_id}"), 0, -1)
        bodies = [self._redis.ask("HGET", self._key(name.decode()), "body") for name in names]
        return tuple(Delivery.model_validate_json(body) for body in bodies if body is not None)

    def replay(self, delivery_id: str, now_s: float) -> Delivery:
        """Makes it due now, whatever came of it; see `DeliveryStore.replay`."""
        job_id, _, seq = delivery_id.removeprefix("evt_").rpartition("_")
        if not seq.isdigit():
            raise no_such_delivery(delivery_id)
        while True:
            stored = self._redis.ask("HMGET", self._key(delivery_name(job_id, int(seq))), "body", "revision")
            if stored[0] is None:
                raise no_such_delivery(delivery_id)
            again = replayed(Delivery.model_validate_json(stored[0]), now_s)
            if self._set(again, "revision", int(stored[1]), claims_more=1):
                self._redis.ask("SREM", self._redis.key(f"disabled:{again.owner}"), again.url)
                return again

    def disable(self, owner: str, url: str, now_s: float) -> None:
        """Nothing is to be sent to the owner's URL any more."""
        self._redis.ask("SADD", self._redis.key(f"disabled:{owner}"), url)

    def is_disabled(self, owner: str, url: str) -> bool:
        """Whether `disable` was called, and no replay came after."""
        return bool(self._redis.ask("SISMEMBER", self._redis.key(f"disabled:{owner}"), url))

    def _set(self, delivery: Delivery, unchanged: str, value: int, claims_more: int) -> bool:
        name, due_at_s = delivery_name(delivery.job_id, delivery.seq), delivery.next_attempt_at_s
        due = "" if due_at_s is None else due_at_s
        return bool(
            self._redis.run("set_delivery", name, unchanged, value, delivery.model_dump_json(), due, claims_more)
        )

    def _key(self, name: str) -> str:
        return self._redis.key(f"delivery:{name}")


def delivery_name(job_id: str, seq: int) -> str:
    """What Redis calls a delivery: sorts by job and number, as text."""
    return f"{job_id}|{seq:08d}"
