"""Every error that the client raises on purpose.

    RetoucherClientError
    ├── ApiError              the server answered with a problem (RFC 9457)
    │   ├── RequestRejected   the caller must change something: the request, the key, the job's name
    │   ├── ServerBusy        a limit was reached: later, see `retry_after_s`
    │   └── ServerFailed      the server's own fault
    ├── ConnectionFailed      no answer came, however often it was tried
    ├── WaitTimeout           the job goes on, but the caller's time to wait is up
    ├── JobFailed             the job ended without a result
    └── WebhookInvalid        a delivery that was not signed with one of the secrets, or long ago

`retryable` says whether the same call may succeed later. No message holds the API key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retoucher_client.models import JobView


class RetoucherClientError(Exception):
    """Base of all; `str()` is one clear line."""

    retryable = False


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field of the request."""

    field: str
    message: str


class ApiError(RetoucherClientError):
    """The server's problem details.

    Attributes:
        status: of HTTP.
        code: stable, `mask_size_mismatch` say; empty where something before the server answered.
        detail: the sentence for people.
        errors: field by field, where the server says so.
        retry_after_s: seconds that the server asks to wait; None where it does not.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retryable: bool,
        errors: tuple[FieldProblem, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retryable = retryable
        self.errors = errors
        self.retry_after_s = retry_after_s


class RequestRejected(ApiError):
    """The caller must change something."""


class ServerBusy(ApiError):
    """A limit was reached."""


class ServerFailed(ApiError):
    """The server's own fault."""


class ConnectionFailed(RetoucherClientError):
    """No answer came."""

    retryable = True


class WaitTimeout(RetoucherClientError):
    """The caller's time to wait is up; the job `job_id` goes on."""

    retryable = True

    def __init__(self, job_id: str, timeout_s: float) -> None:
        super().__init__(f"{job_id} has not ended within {timeout_s:g} s: it goes on, wait for it again or cancel it")
        self.job_id = job_id


class JobFailed(RetoucherClientError):
    """The job ended without a result; `code` and `retryable` are the job's, `job` is its record."""

    def __init__(self, job: JobView) -> None:
        error = job.error
        super().__init__(error.message if error is not None else f"{job.id} ended {job.status}, without a result")
        self.job = job
        self.code = error.code if error is not None else job.status
        self.retryable = error.retryable if error is not None else False


class WebhookInvalid(RetoucherClientError):
    """The delivery is not to be trusted: answer 4xx and do nothing."""
