"""How a command ends."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import typer

from services.commands.exits import run_and_exit
from services.commands.settings import configure
from shared.errors import BadInput, ErrorCode, MissingResource, RetoucherError, Unavailable


@pytest.fixture(autouse=True)
def configured():
    """As every command begins: what is logged below the level goes nowhere."""
    configure()


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


@pytest.fixture
def hearing():
    """Ctrl-C is heard: whoever is started in the background may be deaf to it, and so are the tests then."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hearing")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_unwinds_and_its_handler_is_handed_back(number, capsys):
    before = signal.getsignal(number)
    cleaned = []

    def program():
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        finally:
            cleaned.append(True)

    with pytest.raises(SystemExit) as ended:
        run_and_exit(program)
    assert ended.value.code == 130 and cleaned == [True]
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("hearing")
def test_an_import_that_was_interrupted_is_no_broken_library(capsys):
    def program():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()
        except KeyboardInterrupt as error:
            raise MissingResource(ErrorCode.MISSING_CHECKPOINT, "initialization failed: install it") from error

    with pytest.raises(SystemExit) as ended:
        run_and_exit(program)
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"


def test_who_is_deaf_to_ctrl_c_stays_so():
    def program():
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(SystemExit) as ended:
            run_and_exit(program)
        assert ended.value.code == 0
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_exec_of_text_ends_with_the_exit_code_too(name, tmp_path):
    (tmp_path / "interrupted.py").write_text(
        "from services.commands.exits import run_and_exit\n"
        f"text = 'import os, signal; os.kill(os.getpid(), signal.{name}); signal.pause()'\n"
        "run_and_exit(lambda: exec(text))\n"
    )
    path = os.pathsep.join([str(Path.cwd()), str(tmp_path)])
    ended = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert (ended.returncode, ended.stderr) == (130, "interrupted: nothing was written\n")
