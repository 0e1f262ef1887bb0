"""How OpenAPI documents a submission: its two body types, its examples, its headers and errors."""

from typing import Any

from services.gateway.answers import UNAVAILABLE, problems
from shared.errors import ErrorCode

SUBMIT_HEADERS: dict[str, Any] = {
    "Location": {"description": "The job's path.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "`true` where an earlier request made the job.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Preference-Applied": {"description": "`wait=n`, where that was preferred.", "schema": {"type": "string"}},
}

SUBMIT_ERRORS = problems(
    s400=(ErrorCode.BAD_REQUEST,),
    s413=(ErrorCode.REQUEST_TOO_LARGE, ErrorCode.IMAGE_TOO_LARGE),
    s415=(ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.UNSUPPORTED_FORMAT),
    s422=(
        ErrorCode.BAD_OPTION,
        ErrorCode.EMPTY_PROMPT,
        ErrorCode.PROMPT_TOO_LONG,
        ErrorCode.NOT_AN_IMAGE,
        ErrorCode.TRUNCATED_IMAGE,
        ErrorCode.ANIMATED_IMAGE,
        ErrorCode.IMAGE_TOO_SMALL,
        ErrorCode.MASK_SIZE_MISMATCH,
        ErrorCode.EMPTY_MASK,
        ErrorCode.BAD_REGION,
        ErrorCode.TOO_MANY_REGIONS,
        ErrorCode.UNKNOWN_TOOL,
        ErrorCode.UPLOAD_NOT_FOUND,
        ErrorCode.IDEMPOTENCY_MISMATCH,
        ErrorCode.URL_NOT_ALLOWED,
        ErrorCode.URL_NOT_FETCHED,
        ErrorCode.URL_UNREACHABLE,
    ),
    s503=(ErrorCode.OVERLOADED, *UNAVAILABLE),
    s507=(ErrorCode.DISK_FULL,),
)

EXAMPLE_IMAGE = (
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAAAAABWESUoAAAAGElEQVR42mNsYMAPmBhGFYwqGFUwQhUAAJe+AMD8WknZAAAAAElFTkSuQmCC"
)
"""A grey PNG of 32x32 pixels, the smallest that is taken."""

SUBMISSION_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/SubmitRequest"},
                "examples": {
                    "least": {
                        "summary": "An image and its prompt",
                        "value": {"image": {"base64": EXAMPLE_IMAGE}, "prompt": "a grey wall"},
                    },
                    "more": {
                        "summary": "Only say what is wrong with the words",
                        "value": {
                            "image": {"base64": EXAMPLE_IMAGE},
                            "prompt": 'a wall with a sign that says "OPEN"',
                            "mode": "analyze",
                            "expected_text": ["OPEN"],
                            "threshold": 0.4,
                            "regions": [[4, 4, 20, 20]],
                            "deadline_s": 120,
                            "expires_in_s": 3600,
                            "metadata": {"order": 17},
                        },
                    },
                },
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {
                        "image": {"type": "string", "format": "binary", "description": "PNG, JPEG or WebP."},
                        "protected": {"type": "string", "format": "binary", "description": "A mask."},
                        "regions_mask": {"type": "string", "format": "binary", "description": "A mask."},
                        "request": {"$ref": "#/components/schemas/MultipartRequest"},
                        "prompt": {
                            "type": "string",
                            "description": "In place of `request`, to say no more.",
                        },
                    },
                    "additionalProperties": False,
                },
                "encoding": {"request": {"contentType": "application/json"}},
            },
        },
    }
}
