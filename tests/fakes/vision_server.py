"""A scripted OpenAI-compatible vision server on loopback: it decodes what it is shown and answers by a script."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from fakes.small_server import Answer, Asked, json_answer, small_server
from PIL import Image

MODEL = "scripted-vlm"
GREEN = (0, 255, 0)


@dataclass(frozen=True)
class Seen:
    """One request as a model would take it: pictures decoded, texts in order, the raw body beside it."""

    body: dict
    whole: np.ndarray
    crop: np.ndarray
    texts: tuple[str, ...]
    headers: dict[str, str]
    whole_url: str

    @property
    def reddish(self) -> float:
        """Share of the crop that is red, outline aside."""
        crop = self.crop.astype(int)
        return float(((crop[..., 0] > 150) & (crop[..., 1] < 90) & (crop[..., 2] < 90)).mean())


Script = Callable[[Seen, int], "str | Answer"]


@dataclass
class VisionServer:
    """Its base URL up to `/v1`, and what was asked, in order."""

    url: str
    seen: list[Seen] = field(default_factory=list)


def says(distorted: bool = True, **changes: object) -> str:
    """A model's answer by the schema."""
    answer = {
        "distorted": distorted,
        "category": "object_redundancy" if distorted else "none",
        "description": "a red block floats before the wall" if distorted else "a plain wall",
        "inconsistency": "the prompt asks for an empty wall" if distorted else "",
        "instruction": "remove the red block" if distorted else "",
        "confidence": 0.9,
    }
    return json.dumps({**answer, **changes})


def completion(text: str | None, finish: str = "stop") -> Answer:
    message = {"role": "assistant", "content": text}
    return json_answer({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": finish}]})


@contextmanager
def vision_server(script: Script) -> Iterator[VisionServer]:
    """Serves until the block ends; a script that returns text gives it as a whole completion."""
    server = VisionServer("")

    def answer(request: Asked, number: int) -> Answer:
        if request.path != "/v1/chat/completions":
            return Answer(404, b'{"error": {"message": "no such route"}}')
        seen = _seen(request)
        server.seen.append(seen)
        given = script(seen, number)
        return completion(given) if isinstance(given, str) else given

    with small_server(answer) as small:
        server.url = f"{small.url}/v1"
        yield server


def _seen(request: Asked) -> Seen:
    body = json.loads(request.body)
    system, user = body["messages"]
    whole, prompt, crop, region = user["content"]
    return Seen(
        body=body,
        whole=_pixels(whole["image_url"]["url"]),
        crop=_pixels(crop["image_url"]["url"]),
        texts=(system["content"], prompt["text"], region["text"]),
        headers=request.headers,
        whole_url=whole["image_url"]["url"],
    )


def _pixels(url: str) -> np.ndarray:
    head, data = url.split(",", 1)
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
        return np.asarray(image.convert("RGB"))
