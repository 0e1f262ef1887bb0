"""Images sent ahead of their job."""

import uuid_utils
from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from services.gateway.answers import UNAVAILABLE, as_json, problems
from services.gateway.core import Gateway
from services.gateway.deps import KEYED, Submitting, TheGateway
from services.gateway.problems import FieldProblem, InvalidFields
from services.gateway.receiving import media_type, unsupported
from shared.contracts.base import Contract
from shared.contracts.gateway import Upload
from shared.errors import ErrorCode
from shared.images import decode_upload

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], dependencies=KEYED)

TYPES = ("image/png", "image/jpeg", "image/webp")
BINARY = {"schema": {"type": "string", "format": "binary"}}


class UploadView(Contract):
    """What a submission names an image by."""

    id: str
    expires_at_s: float
    size_hw: tuple[int, int]
    format: str


@router.post(
    "",
    summary="Send an image ahead",
    status_code=201,
    response_model=UploadView,
    responses=problems(
        s400=(ErrorCode.BAD_REQUEST,),
        s413=(ErrorCode.REQUEST_TOO_LARGE, ErrorCode.IMAGE_TOO_LARGE),
        s415=(ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.UNSUPPORTED_FORMAT),
        s422=(
            ErrorCode.BAD_OPTION,
            ErrorCode.NOT_AN_IMAGE,
            ErrorCode.TRUNCATED_IMAGE,
            ErrorCode.ANIMATED_IMAGE,
            ErrorCode.IMAGE_TOO_SMALL,
        ),
        s503=(ErrorCode.OVERLOADED, *UNAVAILABLE),
        s507=(ErrorCode.DISK_FULL,),
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                **dict.fromkeys(TYPES, BINARY),
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["image"],
                        "properties": {"image": BINARY["schema"]},
                        "additionalProperties": False,
                    }
                },
            },
        }
    },
)
async def upload(request: Request, gateway: TheGateway, owner: Submitting) -> Response:
    """The image as the body, with its Content-Type, or as the part `image`; kept for a day, for several jobs."""
    data = await _image(request)
    kept = await to_thread.run_sync(_keep, gateway, owner, data, limiter=gateway.decoding)
    view = UploadView(id=kept.id, expires_at_s=kept.expires_at_s, size_hw=kept.size_hw, format=kept.format)
    return as_json(view, 201)


async def _image(request: Request) -> bytes:
    kind = media_type(request)
    if kind in (*TYPES, "application/octet-stream"):
        return await request.body()
    if kind != "multipart/form-data":
        raise unsupported(kind, f"{', '.join(TYPES)} or multipart/form-data")
    form = await request.form(max_files=1, max_fields=0)
    try:
        part = form.get("image")
        if not isinstance(part, UploadFile):
            raise InvalidFields([FieldProblem(field="image", message="this part is missing: send the image's file")])
        return await part.read()
    finally:
        await form.close()


def _keep(gateway: Gateway, owner: str, data: bytes) -> Upload:
    image = decode_upload(data, gateway.settings.limits.for_images())
    now_s = gateway.parts.clock.now_s()
    upload_id = f"upload_{uuid_utils.uuid7().hex}"
    upload = Upload(
        id=upload_id,
        owner=owner,
        image_ref=f"{upload_id}/image",
        size_hw=(image.rgb.shape[0], image.rgb.shape[1]),
        format=image.format,
        created_at_s=now_s,
        expires_at_s=now_s + gateway.settings.upload_life_s,
    )
    # Known before its bytes are there, so that a crash between the two leaves nothing that would never be deleted.
    gateway.parts.uploads.add(upload)
    gateway.parts.images.put(upload.image_ref, data)
    return upload
