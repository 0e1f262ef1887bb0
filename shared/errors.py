"""Every error this project raises on purpose.

    RetoucherError
    ├── BadInput              permanent: the caller must change something
    ├── MissingResource       permanent: a checkpoint, font, package or device is not there; says how to get it
    ├── Unauthorized          permanent: no key, a wrong one, or one that was revoked
    ├── LimitExceeded         retryable: the caller asks more often, or has more jobs at work, than the operator allows
    ├── NotFound              permanent: no such job or object
    ├── Conflict              permanent: the stored state has moved on, or the object exists with other bytes
    ├── StageError            permanent failure of an agent
    └── Unavailable           retryable: storage, queue or a model server does not answer now

HTTP status codes and exit codes are not known here. Each message is one line that ends in the next step.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable codes, part of the API."""

    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED_IMAGE = "truncated_image"
    ANIMATED_IMAGE = "animated_image"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_TOO_SMALL = "image_too_small"
    EMPTY_PROMPT = "empty_prompt"
    PROMPT_TOO_LONG = "prompt_too_long"
    MASK_SIZE_MISMATCH = "mask_size_mismatch"
    EMPTY_MASK = "empty_mask"
    BAD_REGION = "bad_region"
    TOO_MANY_REGIONS = "too_many_regions"
    BAD_OPTION = "bad_option"
    UNKNOWN_TOOL = "unknown_tool"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_PROFILE = "unknown_profile"
    FILE_NOT_READABLE = "file_not_readable"
    OUTPUT_NOT_WRITABLE = "output_not_writable"
    DISK_FULL = "disk_full"
    MISSING_CHECKPOINT = "missing_checkpoint"
    MISSING_PACKAGE = "missing_package"
    MISSING_DATA = "missing_data"
    NO_GPU = "no_gpu"
    JOB_NOT_FOUND = "job_not_found"
    OBJECT_NOT_FOUND = "object_not_found"
    VERSION_CONFLICT = "version_conflict"
    OBJECT_EXISTS = "object_exists"
    STAGE_FAILED = "stage_failed"
    WORKER_LOST = "worker_lost"
    DEADLINE_BEFORE_RESULT = "deadline_before_result"
    STORE_UNAVAILABLE = "store_unavailable"
    MODEL_UNAVAILABLE = "model_unavailable"
    NAME_TAKEN = "name_taken"
    JOB_RUNNING = "job_running"
    UPLOAD_NOT_FOUND = "upload_not_found"
    FEEDBACK_NOT_FOUND = "feedback_not_found"
    REGION_NOT_FOUND = "region_not_found"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    BAD_REQUEST = "bad_request"
    REQUEST_TOO_LARGE = "request_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    ROUTE_NOT_FOUND = "route_not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    OVERLOADED = "overloaded"
    DATA_FOLDER_IN_USE = "data_folder_in_use"
    URL_NOT_ALLOWED = "url_not_allowed"
    URL_UNREACHABLE = "url_unreachable"
    URL_NOT_FETCHED = "url_not_fetched"
    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate_limited"
    KEY_NOT_FOUND = "key_not_found"
    DELIVERY_NOT_FOUND = "delivery_not_found"
    WEBHOOKS_NOT_CONFIGURED = "webhooks_not_configured"
    INTERNAL = "internal"


class RetoucherError(Exception):
    """Base of all; `str()` is one clear line.

    Args:
        code: the stable code.
        message: one line, ending in what to do next.
    """

    retryable = False

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BadInput(RetoucherError):
    """The request cannot be served as it is."""


class MissingResource(RetoucherError):
    """Something that the operator must install, train or mount."""


class Unauthorized(RetoucherError):
    """The caller is not known."""


class LimitExceeded(RetoucherError):
    """The caller's share is used up for now.

    Args:
        message: one line, ending in what to do next.
        policies: names of the limits that were reached.
        retry_after_s: seconds after which the caller may try again.
    """

    retryable = True

    def __init__(self, message: str, policies: tuple[str, ...], retry_after_s: float) -> None:
        super().__init__(ErrorCode.RATE_LIMITED, message)
        self.policies = policies
        self.retry_after_s = retry_after_s


class NotFound(RetoucherError):
    """No such job or object."""


class Conflict(RetoucherError):
    """The stored state has moved on, or an immutable object exists with other bytes."""


class StageError(RetoucherError):
    """An agent failed in a way that another try would not change."""


class Unavailable(RetoucherError):
    """Something outside this process does not answer now; trying again may help."""

    retryable = True
