"""Webhook deliveries in this process' memory, for tests and for one command."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.contracts.deliveries import Claim, Delivery
from shared.deliveries import replayed
from shared.errors import ErrorCode, NotFound


@dataclass(frozen=True)
class _Row:
    delivery: Delivery
    claims: int = 0
    leased_until_s: float = 0.0

    @property
    def due_at_s(self) -> float | None:
        return self.delivery.next_attempt_at_s


class MemoryDeliveryStore:
    """A `DeliveryStore` in a dictionary. The job store of the same process appends to it."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._disabled: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def append(self, deliveries: Sequence[Delivery]) -> None:
        """Takes new ones; called by the job store in the step that writes the events."""
        with self._lock:
            self._rows.update({delivery.id: _Row(delivery) for delivery in deliveries})

    def remove_job(self, job_id: str) -> None:
        """Forgets a job's; called by the job store in the step that deletes the job."""
        with self._lock:
            self._rows = {name: row for name, row in self._rows.items() if row.delivery.job_id != job_id}

    def claim_due(self, now_s: float, lease_s: float, limit: int, per_site: int) -> Sequence[Claim]:
        """Takes deliveries whose time has come; see `DeliveryStore.claim_due`."""
        with self._lock:
            open_rows = [row for row in self._rows.values() if row.due_at_s is not None]
            at_site = Counter(row.delivery.site for row in open_rows if row.leased_until_s > now_s)
            due = [row for row in open_rows if row.leased_until_s <= now_s and (row.due_at_s or 0.0) <= now_s]
            claims: list[Claim] = []
            for row in sorted(due, key=lambda row: (row.due_at_s, row.delivery.job_id, row.delivery.seq)):
                delivery = row.delivery
                if len(claims) < limit and at_site[delivery.site] < per_site:
                    at_site[delivery.site] += 1
                    self._rows[delivery.id] = replace(row, claims=row.claims + 1, leased_until_s=now_s + lease_s)
                    claims.append(Claim(delivery=delivery, number=row.claims + 1))
            return tuple(claims)

    def settle(self, claim: Claim, delivery: Delivery) -> bool:
        """Writes what came of a claim; see `DeliveryStore.settle`."""
        with self._lock:
            row = self._rows.get(delivery.id)
            if row is None or row.claims != claim.number:
                return False
            self._rows[delivery.id] = _Row(delivery, row.claims)
            return True

    def of_job(self, job_id: str) -> Sequence[Delivery]:
        """A job's deliveries by `seq`; empty for an unknown job."""
        with self._lock:
            found = [row.delivery for row in self._rows.values() if row.delivery.job_id == job_id]
        return tuple(sorted(found, key=lambda delivery: delivery.seq))

    def replay(self, delivery_id: str, now_s: float) -> Delivery:
        """Makes it due now, whatever came of it; see `DeliveryStore.replay`."""
        with self._lock:
            row = self._rows.get(delivery_id)
            if row is None:
                raise no_such_delivery(delivery_id)
            again = replayed(row.delivery, now_s)
            self._disabled.discard((again.owner, again.url))
            self._rows[delivery_id] = _Row(again, row.claims + 1)
            return again

    def disable(self, owner: str, url: str, now_s: float) -> None:
        """Nothing is to be sent to the owner's URL any more."""
        with self._lock:
            self._disabled.add((owner, url))

    def is_disabled(self, owner: str, url: str) -> bool:
        """Whether `disable` was called, and no replay came after."""
        return (owner, url) in self._disabled


def no_such_delivery(delivery_id: str) -> NotFound:
    """The error of `replay` for an id that does not exist."""
    message = f"there is no delivery {delivery_id}: see the job's deliveries"
    return NotFound(ErrorCode.DELIVERY_NOT_FOUND, message)
