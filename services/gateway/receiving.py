"""Reads a submission off the wire, JSON or multipart, into fields and images. Fetches nothing, stores nothing."""

import base64
import binascii
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from services.gateway.problems import FieldProblem, InvalidFields, fields_of
from services.gateway.requests import ImageSource, MultipartRequest, SubmitFields, SubmitRequest, fingerprint
from shared.errors import BadInput, ErrorCode

IMAGE_FIELDS = ("image", "protected", "regions_mask")
TEXT_FIELDS = ("request", "prompt")
MAX_TEXT_BYTES = 2**20

_Fields = TypeVar("_Fields", SubmitRequest, MultipartRequest)


@dataclass(frozen=True)
class Submission:
    """What was sent: its fields, each image as bytes or as where to get it, and the fingerprint of it all."""

    fields: SubmitFields
    images: dict[str, bytes | ImageSource]
    sha256: str


async def read_submission(request: Request, threads: CapacityLimiter) -> Submission:
    """The submission in a request's body.

    Raises:
        BadInput: it is no submission, with what is wrong field by field.
    """
    kind = media_type(request)
    if kind == "application/json":
        body = await request.body()
        return await to_thread.run_sync(partial(_from_json, body), limiter=threads)
    if kind == "multipart/form-data":
        form = await request.form(
            max_files=len(IMAGE_FIELDS), max_fields=len(TEXT_FIELDS), max_part_size=MAX_TEXT_BYTES
        )
        try:
            files = {name: await part.read() for name, part in _files(form).items()}
        finally:
            await form.close()
        return await to_thread.run_sync(partial(_from_form, _texts(form), files), limiter=threads)
    raise unsupported(kind, "application/json or multipart/form-data")


def media_type(request: Request) -> str:
    """The body's type, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def unsupported(kind: str, possible: str) -> BadInput:
    """The error for a body of another type."""
    return BadInput(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"Content-Type {kind or '(none)'!r} is not read: send {possible}")


def _from_json(body: bytes) -> Submission:
    fields = _validated(SubmitRequest, body)
    return _submission(fields, dict(_sources(fields)))


def _from_form(texts: dict[str, str], files: dict[str, bytes]) -> Submission:
    if ("request" in texts) == ("prompt" in texts):
        raise _invalid("request", "send either the part request, with the prompt in its JSON, or the part prompt alone")
    if "prompt" in texts:
        fields = MultipartRequest(prompt=texts["prompt"])
    else:
        fields = _validated(MultipartRequest, texts["request"].encode(), within="request")
    sources = _sources(fields)
    twice = sorted(files.keys() & sources.keys())
    if twice:
        raise _invalid(twice[0], "sent as a part and in request, too: send it once")
    images: dict[str, bytes | ImageSource] = {**sources, **files}
    if "image" not in images:
        raise _invalid("image", "this part is missing: send the image's file")
    return _submission(fields, images)


def _sources(fields: SubmitRequest | MultipartRequest) -> dict[str, ImageSource]:
    sources = {"image": fields.image, "protected": fields.protected, "regions_mask": fields.regions_mask}
    return {name: source for name, source in sources.items() if source is not None}


def _submission(fields: SubmitFields, images: dict[str, bytes | ImageSource]) -> Submission:
    decoded = {name: _decoded(name, image) for name, image in images.items()}
    return Submission(fields, decoded, fingerprint(fields, decoded))


def _decoded(name: str, image: bytes | ImageSource) -> bytes | ImageSource:
    if isinstance(image, bytes) or image.base64 is None:
        return image
    try:
        return base64.b64decode(image.base64, validate=True)
    except (binascii.Error, ValueError):
        message = "this is not base64: send the file's bytes in base64, without line breaks or a data: prefix"
        raise _invalid(f"{name}.base64", message) from None


def _validated(model: type[_Fields], body: bytes, within: str = "") -> _Fields:
    try:
        return model.model_validate_json(body, strict=True)  # "1" is not taken for 1
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            what = f"the part {within}" if within else "the body"
            message = f"{what} is not JSON ({first['ctx']['error']}): send a JSON object"
            raise BadInput(ErrorCode.BAD_REQUEST, message) from None
        raise InvalidFields(fields_of(error, within)) from None


def _invalid(field: str, message: str) -> InvalidFields:
    return InvalidFields([FieldProblem(field=field, message=message)])


def _texts(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def _files(form: FormData) -> dict[str, UploadFile]:
    files: dict[str, UploadFile] = {}
    seen: set[str] = set()
    for name, value in form.multi_items():
        expected = IMAGE_FIELDS if isinstance(value, UploadFile) else TEXT_FIELDS
        if name not in expected:
            known = ", ".join((*IMAGE_FIELDS, *TEXT_FIELDS))
            kind = "file" if isinstance(value, UploadFile) else "text"
            raise _invalid(name, f"there is no {kind} part of this name: the parts are {known}")
        if name in seen:
            raise _invalid(name, "this part was sent twice: send it once")
        seen.add(name)
        if isinstance(value, UploadFile):
            files[name] = value
    return files
