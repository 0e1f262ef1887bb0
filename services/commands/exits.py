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


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM.

    A class of its own, for the interpreter remembers that a plain KeyboardInterrupt passed through an `exec` of text,
    as dataclasses use it, and kills the process by SIGINT at its end, however well it was caught and whatever the exit
    code (`run_eval_code_obj` and `Py_RunMain` of CPython).
    """


def run_and_exit(program: Callable[[], object]) -> NoReturn:
    """Runs a typer app (`standalone_mode=False`) and leaves the process with the right code.

    SIGTERM is taken like Ctrl-C, so that a stopped container leaves nothing half-written either. A process that was
    started deaf to Ctrl-C, as a shell starts those in the background, stays so.
    """
    sys.exit(_exit_code(program))


def _exit_code(program: Callable[[], object]) -> int:
    code: object = INTERRUPTED
    with _signals_interrupt() as heard:
        try:
            code = program()
        except KeyboardInterrupt:
            pass
        except Exception as error:
            # An import that is interrupted in the middle may say that the library is broken.
            code = INTERRUPTED if heard else _error_code(error)
    if code == INTERRUPTED:
        sys.stderr.write("interrupted: nothing was written\n")
    return code if isinstance(code, int) else 0


def _error_code(error: Exception) -> int:
    """Says what went wrong, and returns the exit code for it."""
    if isinstance(error, typer.TyperException):
        return _usage_error(error)
    if isinstance(error, RetoucherError):
        say_failed(error.message)
        return BAD_INPUT if isinstance(error, BadInput) else FAILED
    if isinstance(error, MemoryError):
        say_failed("there is not enough memory: scale the image down, or close other programs")
        return FAILED
    _log_traceback(error)
    say_failed(
        f"internal error: {type(error).__name__}: {error}; "
        "set RETOUCHER_CLI_LOG_LEVEL=debug to see where, and please report it"
    )
    return FAILED


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


def _log_traceback(error: Exception) -> None:
    import structlog

    structlog.get_logger(__name__).debug("internal_error", exc_info=error)


@contextmanager
def _signals_interrupt() -> Iterator[list[int]]:
    """Gives the signals that were heard so far."""
    heard: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        raise Interrupted

    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
