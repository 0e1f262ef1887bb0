"""A server as the commands see it: the client package, its key, and its errors as the project's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.commands.files import read_file
from services.commands.settings import ServerSettings
from shared.errors import BadInput, ErrorCode, MissingResource, RetoucherError, StageError, Unavailable

try:
    import retoucher_client as client
except ModuleNotFoundError as missing:
    raise MissingResource(
        ErrorCode.MISSING_PACKAGE,
        f"the package {missing.name} is not installed: run 'pip install ./shared/client' in the project's folder",
    ) from missing

__all__ = ["client", "connected"]

_KEY_BYTES = 4096


@contextmanager
def connected(server: str, key_file: Path | None) -> Iterator[client.Retoucher]:
    """A client of the server; what goes wrong in the block is raised as the project's errors.

    Args:
        server: its address.
        key_file: holds the API key; None takes RETOUCHER_API_KEY, or no key where that is not set either.

    Raises:
        BadInput: the address, the key or a request will not do.
        Unavailable: no answer, or a limit was reached.
        StageError: the job failed.
        RetoucherError: the server's own fault.
    """
    key = _key(key_file)
    try:
        with client.Retoucher(server, key) as connection:
            yield connection
    except ValueError as error:
        raise BadInput(ErrorCode.BAD_OPTION, str(error)) from error
    except client.RetoucherClientError as error:
        raise _as_ours(error, has_key=key is not None) from error


def _key(key_file: Path | None) -> str | None:
    if key_file is not None:
        return read_file(key_file, "key file", _KEY_BYTES).decode("utf-8", "replace").strip()
    given = ServerSettings().api_key
    return given.get_secret_value().strip() if given is not None else None


def _as_ours(error: client.RetoucherClientError, *, has_key: bool) -> RetoucherError:
    message = str(error)
    if isinstance(error, client.ConnectionFailed):
        return Unavailable(ErrorCode.INTERNAL, f"{message}; 'retoucher serve' starts one")
    if isinstance(error, client.JobFailed):
        return StageError(_code(error.code, ErrorCode.STAGE_FAILED), message)
    if not isinstance(error, client.ApiError):
        return RetoucherError(ErrorCode.INTERNAL, message)
    if isinstance(error, client.RequestRejected):
        if error.status == 401 and not has_key:
            message += "; give its key with --key-file or RETOUCHER_API_KEY"
        wrong = "; ".join(f"{item.field}: {item.message}" for item in error.errors if item.message not in message)
        return BadInput(_code(error.code, ErrorCode.BAD_OPTION), f"{message} ({wrong})" if wrong else message)
    kind = Unavailable if error.retryable else RetoucherError
    return kind(_code(error.code, ErrorCode.INTERNAL), message)


def _code(code: str, otherwise: ErrorCode) -> ErrorCode:
    """The code as this version knows it; a newer server may have others."""
    return ErrorCode(code) if code in set(ErrorCode) else otherwise
