"""How a command ends: exit codes, one line on stderr, and no traceback. Imports nothing heavy: `--help` needs it.

An error that nobody foresaw is one line, too; its traceback goes to the log at level debug.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer

from shared.errors import BadInput, RetoucherError

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


def run_and_exit(program: Callable[[], object]) -> NoReturn:
    """Runs a typer app (`standalone_mode=False`) and leaves the process with the right code.

    SIGTERM is taken like Ctrl-C, so that a stopped container leaves nothing half-written either.
    """
    sys.exit(_exit_code(program))


def _exit_code(program: Callable[[], object]) -> int:
    try:
        with _sigterm_interrupts():
            code = program()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except typer.TyperException as error:
        return _usage_error(error)
    except RetoucherError as error:
        say_failed(error.message)
        return BAD_INPUT if isinstance(error, BadInput) else FAILED
    except MemoryError:
        say_failed("there is not enough memory: scale the image down, or close other programs")
        return FAILED
    except Exception as error:
        _log_traceback()
        say_failed(
            f"internal error: {type(error).__name__}: {error}; "
            "set RETOUCHER_CLI_LOG_LEVEL=debug to see where, and please report it"
        )
        return FAILED
    if code == INTERRUPTED:
        sys.stderr.write("interrupted: nothing was written\n")
    return code if isinstance(code, int) else 0


def _usage_error(error: typer.TyperException) -> int:
    """A command without arguments has shown its help already: its error has no message."""
    message = _one_line(error.format_message()).replace("Value error, ", "").rstrip(".")
    if message:
        say_failed(f"{message}: see 'retoucher --help'")
    return error.exit_code


def say_failed(message: str) -> None:
    """One line on stderr, whatever the message holds."""
    sys.stderr.write(f"error: {_one_line(message)}\n")


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _log_traceback() -> None:
    import structlog

    structlog.get_logger(__name__).debug("internal_error", exc_info=True)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
