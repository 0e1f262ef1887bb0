"""The HTTP requests of the API, as values: nothing here opens a socket.

`calling.py` says what follows on what; the two clients only move the bytes.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict
from urllib.parse import quote

from retoucher_client.models import Upload

ImageSource = str | os.PathLike[str] | bytes | Upload
"""A file's path, an `https://` address, the encoded bytes, or an image that was uploaded before."""

LocalSource = str | os.PathLike[str] | bytes


class Webhook(TypedDict, total=False):
    """Where the server calls back; all events where `events` is left out."""

    url: str
    events: Sequence[str]


class Options(TypedDict, total=False):
    """What a submission may choose beside image and prompt; the server's own values where left out.

    `protected` and `regions_mask` are images of the picture's size, bright inside; `regions` are boxes in its pixels.
    """

    mode: Literal["retouch", "analyze"]
    max_iterations: int
    threshold: float
    tools: Sequence[str]
    preference: Literal["auto", "mask", "instruction"]
    protected: ImageSource
    regions: Sequence[Sequence[int]]
    regions_mask: ImageSource
    expected_text: Sequence[str]
    force: bool
    seed: int
    deadline_s: float
    max_cost: float
    expires_in_s: float
    metadata: Mapping[str, Any]
    webhook: Webhook


@dataclass(frozen=True)
class ApiRequest:
    """One request.

    Attributes:
        path: below the server's address.
        files: multipart parts: name to a path or to bytes; with them `form` is sent, without them `body`.
        repeatable: a second one does what the first did, so that it may be sent again after a lost answer.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, LocalSource] = field(default_factory=dict)
    repeatable: bool = True


def job_path(job_id: str, *rest: str) -> str:
    """The path of a job or of something below it; an artifact's name keeps its slashes."""
    tail = "".join(f"/{quote(part, safe='/')}" for part in rest)
    return f"v1/jobs/{quote(job_id, safe='')}{tail}"


def submission(image: ImageSource, prompt: str, options: Options, *, client_id: str | None, key: str) -> ApiRequest:
    """A job to submit: multipart where the image lies here, JSON where the server has it or fetches it.

    Args:
        image: see `ImageSource`.
        prompt: that the image was made from.
        options: as given; None stands for the server's value.
        client_id: the caller's own name for the job; the same name again is the same job.
        key: of idempotency, for a job without a name.
    """
    sources = {"image": image}
    fields: dict[str, Any] = {"prompt": prompt}
    for name, value in options.items():
        if name in ("protected", "regions_mask") and value is not None:
            sources[name] = value  # type: ignore[assignment]
        elif value is not None:
            fields[name] = value
    method, path = ("POST", "v1/jobs") if client_id is None else ("PUT", job_path(client_id))
    headers = {"Idempotency-Key": key} if client_id is None else {}
    if local_source(image) is None:
        body = {**fields, **{name: _in_json(source) for name, source in sources.items()}}
        return ApiRequest(method, path, headers=headers, body=body)
    files = {name: local for name, source in sources.items() if (local := local_source(source)) is not None}
    fields |= {name: _in_json(source) for name, source in sources.items() if name not in files}
    return ApiRequest(method, path, headers=headers, form={"request": json.dumps(fields)}, files=files)


def local_source(source: ImageSource) -> LocalSource | None:
    """What is to be sent from here; None where the server has the image or fetches it."""
    if isinstance(source, Upload) or (isinstance(source, str) and source.startswith(("http://", "https://"))):
        return None
    return source


def _in_json(source: ImageSource) -> dict[str, str]:
    if isinstance(source, Upload):
        return {"upload_id": source.id}
    if isinstance(source, bytes):
        return {"base64": base64.b64encode(source).decode("ascii")}
    if local_source(source) is None:
        return {"url": str(source)}
    return {"base64": base64.b64encode(Path(source).read_bytes()).decode("ascii")}
