"""The checker of command lines that the other tests here lean on."""

import pytest
from fakes.command_lines import takes


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        (["worker", "perception"], True),
        (["worker", "cook"], False),
        (["sweeper"], True),
        (["sweeper", "--broom"], False),
        (["keys", "create", "--data-dir", "x"], True),
        (["keys", "creat"], False),
        (["nonsense"], False),
        (["serve", "--port", "much"], False),
    ],
)
def test_a_line_fits_or_not(arguments, fits):
    assert takes(arguments) is fits
