"""The machine's clock."""

import time


class SystemClock:
    """Seconds since the epoch, as the machine has them."""

    def now_s(self) -> float:
        """Seconds since the epoch."""
        return time.time()
