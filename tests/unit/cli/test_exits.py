"""How a command ends."""

import os
import signal

import pytest
import typer

from services.commands.exits import run_and_exit
from shared.errors import BadInput, ErrorCode, MissingResource, RetoucherError, Unavailable


def raising(error: BaseException):
    def program():
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput(ErrorCode.EMPTY_PROMPT, "the prompt is empty: send one"), 2),
        (MissingResource(ErrorCode.MISSING_CHECKPOINT, "no checkpoint x: run y"), 1),
        (Unavailable(ErrorCode.DISK_FULL, "the disk is full: free some space"), 1),
        (RetoucherError(ErrorCode.INTERNAL, "broken: report it"), 1),
        (MemoryError(), 1),
        (ZeroDivisionError("division by zero"), 1),
        (RuntimeError("one\nTraceback (most recent call last):\ntwo"), 1),
        (typer.BadParameter("no"), 2),
    ],
)
def test_every_error_is_one_line_and_a_code(error, code, capsys):
    with pytest.raises(SystemExit) as ended:
        run_and_exit(raising(error))
    captured = capsys.readouterr()
    assert ended.value.code == code
    assert captured.out == ""
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1


def test_what_nobody_foresaw_names_its_kind_and_the_next_step(capsys):
    with pytest.raises(SystemExit):
        run_and_exit(raising(ZeroDivisionError("division by zero")))
    message = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in message and "RETOUCHER_CLI_LOG_LEVEL=debug" in message


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (3, 3), ("done", 0)])
def test_what_a_command_returns(returned, code):
    with pytest.raises(SystemExit) as ended:
        run_and_exit(lambda: returned)
    assert ended.value.code == code


def test_ctrl_c_is_130_and_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        run_and_exit(raising(KeyboardInterrupt()))
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"


def test_sigterm_unwinds_like_ctrl_c_and_is_handed_back(capsys):
    before = signal.getsignal(signal.SIGTERM)
    cleaned = []

    def program():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.append(True)

    with pytest.raises(SystemExit) as ended:
        run_and_exit(program)
    assert ended.value.code == 130 and cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is before
