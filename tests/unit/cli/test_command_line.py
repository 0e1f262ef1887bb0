"""The commands as declared: what they offer, and that asking for help costs nothing."""

import re
import subprocess
import sys
from typing import get_args, get_type_hints

import pytest

import services.cli as cli
from shared.contracts.jobs import Mode, Preference

HEAVY = ("torch", "numpy", "cv2", "fastapi", "httpx", "onnxruntime", "scipy", "skimage", "PIL")


def run_main(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return ended.value.code


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["retouch", "--help"],
        ["submit", "--help"],
        ["keys", "create", "--help"],
        ["evaluate", "text", "--help"],
        ["evaluate", "perception", "--help"],
        ["dataset", "convert", "--help"],
    ],
)
def test_help_imports_nothing_heavy(arguments):
    code = f"""
import sys
import services.cli
try:
    services.cli.main({arguments!r})
finally:
    sys.stderr.write(" ".join(name for name in {HEAVY!r} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Usage: retoucher" in done.stdout
    assert done.stderr == ""


def test_commands_are_those_that_exist(capsys):
    assert run_main("--help") == 0
    commands = re.findall(r"^│ (\w+)  ", capsys.readouterr().out, re.MULTILINE)
    assert sorted(commands) == [
        "benchmark",
        "dataset",
        "demo",
        "doctor",
        "evaluate",
        "gateway",
        "keys",
        "retouch",
        "serve",
        "speed",
        "submit",
        "sweeper",
        "train",
        "worker",
    ]


@pytest.mark.parametrize("command", [cli.retouch, cli.submit])
def test_choices_are_those_of_the_contract(command):
    hints = get_type_hints(command)
    assert set(get_args(hints["mode"])) == {mode.value for mode in Mode}
    assert set(get_args(hints["preference"])) == {preference.value for preference in Preference}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["retouch"], "Missing argument 'IMAGE'"),
        (["retouch", "a.png", "--out", "x"], "Missing option '--prompt'"),
        (["retouch", "a.png", "--prompt", "x"], "Missing option '--out'"),
        (["retouch", "a.png", "--prompt", "x", "--out", "y", "--mode", "guess"], "'guess' is not one of"),
        (["retouch", "a.png", "--prompt", "x", "--out", "y", "--preference", "z"], "'z' is not one of"),
        (["retouch", "a.png", "--prompt", "x", "--out", "y", "--max-iterations", "0"], "--max-iterations"),
        (["retouch", "a.png", "--prompt", "x", "--out", "y", "--max-iterations", "many"], "--max-iterations"),
        (["retouch", "a.png", "--prompt", "x", "--out", "y", "--seed", "-1"], "--seed"),
        (["retouch", "a.png", "--prompt", "x", "--out", "y", "--protekt", "m.png"], "No such option"),
        (["submit", "a.png", "--prompt", "x"], "Missing option '--server'"),
        (["submit", "a.png", "--prompt", "x", "--server", "y", "--api-key", "z"], "No such option"),
        (["evaluate", "perception"], "Missing option '--data'"),
        (["evaluate", "perception-ablation", "--out", "x", "--seeds", "0"], "--seeds"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_points_to_the_help(arguments, words, capsys):
    assert run_main(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err and captured.err.count("\n") == 1
    assert captured.err.endswith("see 'retoucher --help'\n")


@pytest.mark.parametrize("arguments", [[], ["evaluate"]])
def test_no_command_shows_the_help(arguments, capsys):
    assert run_main(*arguments) == 2
    captured = capsys.readouterr()
    assert "Usage: retoucher" in captured.out + captured.err
    assert "error:" not in captured.err


def test_a_bad_setting_is_one_line(capsys, monkeypatch):
    monkeypatch.setenv("RETOUCHER_CLI_LOG_LEVEL", "loud")
    assert run_main("doctor") == 2
    assert capsys.readouterr().err.startswith("error: RETOUCHER_CLI_LOG_LEVEL='loud' is not valid")
