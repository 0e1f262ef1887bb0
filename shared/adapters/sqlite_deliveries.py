"""Webhook deliveries in the SQLite file of the jobs, so that events and deliveries are written in one transaction."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from shared.adapters.memory_deliveries import no_such_delivery
from shared.adapters.sqlite_file import SqliteFile
from shared.adapters.sqlite_schema import JOBS_FILE
from shared.contracts.deliveries import Claim, Delivery
from shared.deliveries import replayed

_DUE = "SELECT 1 FROM deliveries WHERE due_at_s <= ? AND leased_until_s <= ? LIMIT 1"
# Site by site along an index: a dead receiver with 20,000 deliveries waiting must not make each claim sort them all.
_SITES = "SELECT site, sum(leased_until_s > ?) FROM deliveries WHERE due_at_s IS NOT NULL GROUP BY site"
_OF_SITE = """
SELECT due_at_s, job_id, seq, id FROM deliveries
WHERE site = ? AND due_at_s <= ? AND leased_until_s <= ? ORDER BY due_at_s, job_id, seq LIMIT ?
"""
_CLAIM = "UPDATE deliveries SET claims = claims + 1, leased_until_s = ? WHERE id = ? RETURNING body, claims"


class SqliteDeliveryStore:
    """A `DeliveryStore` in the file at `path`, which is a `SqliteJobStore`'s; raises as `SqliteFile`."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, JOBS_FILE)

    def close(self) -> None:
        """Closes the file; the store is of no use afterwards."""
        self._file.close()

    def claim_due(self, now_s: float, lease_s: float, limit: int, per_site: int) -> Sequence[Claim]:
        """Takes deliveries whose time has come; see `DeliveryStore.claim_due`."""
        if self._file.one(_DUE, now_s, now_s) is None:
            return ()  # asked every second, and a write would go to the disk each time
        with self._file.transaction() as connection:
            due: list[tuple[float, str, int, str]] = []
            for site, leased in connection.execute(_SITES, (now_s,)).fetchall():
                room = min(limit, per_site - leased)
                if room > 0:
                    due += connection.execute(_OF_SITE, (site, now_s, now_s, room)).fetchall()
            rows = [connection.execute(_CLAIM, (now_s + lease_s, it[3])).fetchone() for it in sorted(due)[:limit]]
        return tuple(Claim(delivery=Delivery.model_validate_json(body), number=number) for body, number in rows)

    def settle(self, claim: Claim, delivery: Delivery) -> bool:
        """Writes what came of a claim; see `DeliveryStore.settle`."""
        with self._file.transaction() as connection:
            query = "UPDATE deliveries SET body = ?, due_at_s = ?, leased_until_s = 0 WHERE id = ? AND claims = ?"
            values = (delivery.model_dump_json(), delivery.next_attempt_at_s, delivery.id, claim.number)
            return connection.execute(query, values).rowcount > 0

    def of_job(self, job_id: str) -> Sequence[Delivery]:
        """A job's deliveries by `seq`; empty for an unknown job."""
        rows = self._file.all("SELECT body FROM deliveries WHERE job_id = ? ORDER BY seq", job_id)
        return tuple(Delivery.model_validate_json(str(row[0])) for row in rows)

    def replay(self, delivery_id: str, now_s: float) -> Delivery:
        """Makes it due now, whatever came of it; see `DeliveryStore.replay`."""
        with self._file.transaction() as connection:
            row = connection.execute("SELECT body FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
            if row is None:
                raise no_such_delivery(delivery_id)
            again = replayed(Delivery.model_validate_json(row[0]), now_s)
            query = "UPDATE deliveries SET body = ?, due_at_s = ?, leased_until_s = 0, claims = claims + 1 WHERE id = ?"
            connection.execute(query, (again.model_dump_json(), again.next_attempt_at_s, delivery_id))
            connection.execute("DELETE FROM disabled_webhooks WHERE owner = ? AND url = ?", (again.owner, again.url))
        return again

    def disable(self, owner: str, url: str, now_s: float) -> None:
        """Nothing is to be sent to the owner's URL any more."""
        with self._file.transaction() as connection:
            query = "INSERT OR IGNORE INTO disabled_webhooks (owner, url, at_s) VALUES (?, ?, ?)"
            connection.execute(query, (owner, url, now_s))

    def is_disabled(self, owner: str, url: str) -> bool:
        """Whether `disable` was called, and no replay came after."""
        return self._file.one("SELECT 1 FROM disabled_webhooks WHERE owner = ? AND url = ?", owner, url) is not None


def append_deliveries(connection: sqlite3.Connection, deliveries: Sequence[Delivery]) -> None:
    """Takes new ones, in the transaction that writes their events."""
    connection.executemany(
        "INSERT INTO deliveries (id, job_id, seq, site, due_at_s, body) VALUES (?, ?, ?, ?, ?, ?)",
        [(it.id, it.job_id, it.seq, it.site, it.next_attempt_at_s, it.model_dump_json()) for it in deliveries],
    )
