"""`Prefer: wait=n` (RFC 7240): how long a caller would rather wait than be told at once."""

import re
from typing import Annotated

from fastapi import Header

MOST_S = 60

Prefer = Annotated[
    str | None,
    Header(description=f"`wait=n`: answer only when the job has ended, or after n seconds, {MOST_S} at the most."),
]
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


def seconds_to_wait(prefer: str | None) -> int | None:
    """Seconds, at most `MOST_S`; None without the preference. Preferences that are not understood are passed over."""
    found = _WAIT.search(prefer or "")
    return min(MOST_S, int(found.group(1))) if found else None
