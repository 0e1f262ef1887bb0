"""What the gateway keeps beside jobs: keys, uploads, feedback, deliveries; and how it has jobs run."""

from collections.abc import Sequence
from typing import Protocol

from shared.contracts.deliveries import Claim, Delivery
from shared.contracts.gateway import Feedback, Upload, Workload
from shared.contracts.keys import ApiKey


class KeyStore(Protocol):
    """API keys, as hashes."""

    def add(self, key: ApiKey) -> None:
        """Stores it.

        Raises:
            Conflict: the id exists (OBJECT_EXISTS).
        """
        ...

    def find(self, key_id: str) -> ApiKey | None:
        """The key, revoked or not; None without one."""
        ...

    def all(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        ...

    def any(self) -> bool:
        """Whether there is a key, revoked or not."""
        ...

    def touch(self, key_id: str, now_s: float) -> None:
        """The key was used; nothing for an unknown one."""
        ...

    def revoke(self, key_id: str, now_s: float) -> ApiKey:
        """From now on the key is refused; one that is revoked already keeps its time.

        Raises:
            NotFound: no such key (KEY_NOT_FOUND).
        """
        ...


class UploadStore(Protocol):
    """What is known of images sent ahead; the bytes lie in the image store."""

    def add(self, upload: Upload) -> None:
        """Stores it.

        Raises:
            Conflict: the id exists (OBJECT_EXISTS).
        """
        ...

    def get(self, upload_id: str) -> Upload:
        """The upload, expired or not.

        Raises:
            NotFound: no such upload (UPLOAD_NOT_FOUND).
        """
        ...

    def expired(self, now_s: float, limit: int) -> Sequence[Upload]:
        """At most `limit` uploads whose `expires_at_s` is not after `now_s`."""
        ...

    def remove(self, upload_id: str) -> None:
        """Forgets it; one that is not there is no error."""
        ...


class FeedbackStore(Protocol):
    """What people say of jobs' regions, by job."""

    def put(self, feedback: Feedback) -> None:
        """Stores it in place of an earlier one of the same job and id."""
        ...

    def of_job(self, job_id: str) -> Sequence[Feedback]:
        """All of a job's, by id; empty for an unknown job."""
        ...

    def remove(self, job_id: str, feedback_id: str) -> bool:
        """Takes one back; returns whether it was there."""
        ...

    def remove_job(self, job_id: str) -> None:
        """Takes all of a job's back."""
        ...

    def job_ids(self) -> Sequence[str]:
        """Ids of all jobs that have feedback, sorted."""
        ...


class Dispatcher(Protocol):
    """How the gateway has stored jobs run; the store, not this, remembers which there are."""

    def dispatch(self, job_id: str) -> None:
        """The job has just been stored: have it run. Told twice is told once; never fails for want of a worker."""
        ...

    def cancel(self, job_id: str) -> None:
        """A cancel request has just been left in the store: have it noticed; a job that still waits ends at once."""
        ...

    def workload(self) -> Workload:
        """How fast jobs are being done, for estimates."""
        ...


class DeliveryStore(Protocol):
    """Webhook deliveries. Shares its storage with a `JobStore`.

    Whatever appends public events to a job there makes, in the same step, the deliveries that `deliveries_of` names of
    them; deleting a job deletes its deliveries. Deliveries that wait have a `next_attempt_at_s`.
    """

    def claim_due(self, now_s: float, lease_s: float, limit: int, per_site: int) -> Sequence[Claim]:
        """Takes deliveries whose time has come, for `lease_s` seconds; afterwards others may take them.

        Args:
            now_s: the time.
            lease_s: longer than a try may take.
            limit: at most so many, the one that has waited longest first.
            per_site: at most so many of one site are under lease at a time, whoever holds them, so that a slow
                receiver does not use up the tries of others.
        """
        ...

    def settle(self, claim: Claim, delivery: Delivery) -> bool:
        """Replaces the delivery by what came of the try, and ends the lease.

        False, and nothing is written, where it was claimed again, replayed or deleted meanwhile.
        """
        ...

    def of_job(self, job_id: str) -> Sequence[Delivery]:
        """A job's deliveries by `seq`; empty for an unknown job."""
        ...

    def replay(self, delivery_id: str, now_s: float) -> Delivery:
        """Makes a delivery due now (`shared.deliveries.replayed`), whatever came of it, and its URL good again.

        Raises:
            NotFound: no such delivery (DELIVERY_NOT_FOUND).
        """
        ...

    def disable(self, owner: str, url: str, now_s: float) -> None:
        """Nothing is to be sent to the owner's URL any more; idempotent."""
        ...

    def is_disabled(self, owner: str, url: str) -> bool:
        """Whether `disable` was called, and no replay of a delivery to that URL came after."""
        ...
