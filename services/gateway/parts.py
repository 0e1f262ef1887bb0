"""What an entry file hands to the gateway: the ports, and the few things that lie beyond its layer, as callables."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.contracts.base import Contract
from shared.contracts.jobs import Job, JobRecord
from shared.ports import (
    Clock,
    DeliveryStore,
    Dispatcher,
    FeedbackStore,
    ImageStore,
    JobCatalog,
    KeyStore,
    Spans,
    UploadStore,
)
from shared.profiles import Profile
from shared.spans import NO_SPANS


class ToolInfo(Contract):
    """A tool of the profile, and whether it can be used now."""

    name: str
    kind: Literal["mask", "instruction"]
    licence: str
    native_size_px: int | None = None
    available: bool = True
    reason: str | None = None


class Check(Contract):
    """Whether one thing that the service needs is there, and if not, why."""

    ok: bool
    detail: str = ""


@dataclass(frozen=True)
class GatewayParts:
    """The gateway's surroundings.

    Attributes:
        fetch: the bytes behind an image's URL; raises `BadInput` for one that may not or cannot be fetched.
        check_webhook: whether a webhook's URL may be used; raises `BadInput` for one that may not.
        record_of: what there is to tell of a job.
        report: `report.html` of a job that has a result.
        tools: the profile's.
        readiness: by name, all that must be there before jobs are run; asked often, so it must be quick.
        spans: told of each request.
    """

    profile: Profile
    jobs: JobCatalog
    images: ImageStore
    uploads: UploadStore
    feedback: FeedbackStore
    keys: KeyStore
    deliveries: DeliveryStore
    dispatcher: Dispatcher
    clock: Clock
    fetch: Callable[[str], Awaitable[bytes]]
    check_webhook: Callable[[str], Awaitable[object]]
    record_of: Callable[[Job], JobRecord]
    report: Callable[[Job], bytes]
    tools: Callable[[], Sequence[ToolInfo]]
    readiness: Callable[[], dict[str, Check]]
    spans: Spans = NO_SPANS
