"""Reads the rates of a measurement as a person writes them."""

from itertools import pairwise

from shared.errors import BadInput, ErrorCode


def parsed_rates(text: str) -> tuple[float, ...]:
    """`"5,10"` as numbers.

    Raises:
        BadInput: they are no rising numbers above 0.
    """
    try:
        rates = tuple(float(part) for part in text.split(","))
    except ValueError:
        rates = ()
    if not rates or rates[0] <= 0 or any(after <= before for before, after in pairwise(rates)):
        raise BadInput(ErrorCode.BAD_OPTION, f"{text!r} are no rising rates: write them like 5,10,20")
    return rates
