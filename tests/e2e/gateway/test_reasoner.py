"""A server with a vision-language model set: its jobs are diagnosed by it, and their patches judged by it again."""

import io

import numpy as np
from fakes.served import served
from fakes.vision_server import MODEL, Seen, says, vision_server
from PIL import Image

from retoucher_client import Retoucher

BLOCK = (90, 60, 140, 100)


def wall() -> bytes:
    pixels = np.random.default_rng(3).normal((150, 146, 138), 4.0, (200, 240, 3))
    x0, y0, x1, y1 = BLOCK
    pixels[y0:y1, x0:x1] = (200, 40, 40)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def looks(seen: Seen, number: int) -> str:
    return says() if seen.reddish > 0.05 else says(distorted=False)


def test_the_model_diagnoses_and_judges_again(tmp_path) -> None:
    with vision_server(looks) as server:
        settings = {"RETOUCHER_REASONING_URL": server.url, "RETOUCHER_REASONING_MODEL": MODEL}
        with served(tmp_path / "data", **settings) as url, Retoucher(url) as client:
            job = client.retouch(wall(), "an empty wall", regions=[(86, 56, 144, 104)], tools=["opencv"])
    assert (job.status, job.outcome) == ("succeeded", "repaired")
    assert [(d.source, d.category) for d in job.diagnoses] == [(MODEL, "object_redundancy")]
    assert [verdict.rejudged for verdict in job.verdicts] == [False] and len(server.seen) == 2
    assert job.third_parties == (MODEL,)  # it was sent the picture
