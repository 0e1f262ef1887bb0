"""A process that submits images, all at once, as often as it is told: `python -m services.commands.speed.submitting`.

A process of its own, so that its work does not stand in the way of the one that measures. Reads a `Load` as JSON from
its first line of stdin, then a wave for each further line; answers each with a `Wave` as a line of JSON.
"""

import asyncio
import sys
import time

import httpx
import numpy as np
from pydantic import BaseModel, ConfigDict

from shared.images import encode_png


class Load(BaseModel):
    """Where to, how many at once, and of how many bytes each."""

    model_config = ConfigDict(frozen=True)

    url: str
    submissions: int
    image_bytes: int


class Wave(BaseModel):
    """What came of one wave: seconds of each submission, and how often each status was the answer."""

    model_config = ConfigDict(frozen=True)

    seconds: list[float]
    statuses: dict[int, int]


def noise_png(size_bytes: int) -> bytes:
    """A PNG of about that size: noise does not compress, so that a pixel takes three bytes."""
    side = max(32, round((size_bytes / 3) ** 0.5))
    return encode_png(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))


async def submit_all(load: Load, image: bytes, wave: int) -> Wave:
    """One wave; each submission has a connection of its own, as of many callers."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=120.0, limits=limits, trust_env=False) as http:

        async def submit(number: int) -> tuple[float, int]:
            started_s = time.perf_counter()
            answer = await http.post(
                f"{load.url}/v1/jobs", files={"image": ("a.png", image)}, data={"prompt": f"picture {wave}-{number}"}
            )
            return time.perf_counter() - started_s, answer.status_code

        done = await asyncio.gather(*(submit(number) for number in range(load.submissions)))
    statuses = [status for _, status in done]
    return Wave(seconds=[seconds for seconds, _ in done], statuses={s: statuses.count(s) for s in set(statuses)})


def main() -> None:
    """Waves until stdin ends."""
    load = Load.model_validate_json(sys.stdin.readline())
    image = noise_png(load.image_bytes)
    sys.stdout.write(f"{len(image)}\n")
    sys.stdout.flush()
    for number, _ in enumerate(sys.stdin):
        sys.stdout.write(asyncio.run(submit_all(load, image, number)).model_dump_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
