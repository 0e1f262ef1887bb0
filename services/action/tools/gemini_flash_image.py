"""The tool `gemini-flash-image`: asks Google's Gemini API to edit a crop by an instruction. Pixels leave the process.

Off unless the operator allows it (`shared.action_settings`). Through the vendor's SDK; a refusal of any kind is an
answer for that crop alone, for what another party does is no failure of this one.
"""

import contextlib
import importlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import structlog
from PIL import Image

from services.action.tools.base import EditRequest, EditResult, ToolDeclined, ToolKind
from services.action.tools.fitting import fit, unfit
from shared.action_settings import GEMINI, ActionSettings
from shared.errors import BadInput, ErrorCode, MissingResource
from shared.images import UNREADABLE, Rgb, encode_png

if TYPE_CHECKING:
    from google.genai.types import GenerateContentResponse

log = structlog.get_logger()

SIDE_PX = 1024
"""About what the model draws for a square picture."""

MOST_STRETCH = 1.02
"""A picture of another shape than the one sent cannot be laid over it."""

LARGEST_ANSWER_PX = 4096 * 4096
ASKED = (
    "Edit this picture: {instruction}. Change nothing else. Keep framing, perspective, style, light and colours as "
    "they are, and answer with the whole edited picture alone."
)


class GeminiFlashImage:
    """Implements `Tool` on the Gemini API.

    Args:
        settings: with key and model id.
        first_wait_s: before a request is tried again; doubles each time.

    Raises:
        BadInput: it is not allowed, or key or model is missing.
    """

    name = GEMINI
    kind = ToolKind.INSTRUCTION
    native_size_px: int | None = SIDE_PX
    size_multiple_px = 1
    memory_mb = 0
    licence = "LicenseRef-Gemini-API-Terms"

    def __init__(self, settings: ActionSettings, first_wait_s: float = 1.0) -> None:
        if not settings.gemini_enabled or settings.gemini_api_key is None or settings.gemini_model is None:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"the tool {GEMINI} sends pixels to Google: allow it with RETOUCHER_ACTION_GEMINI_ENABLED=true, and "
                "set RETOUCHER_ACTION_GEMINI_API_KEY and RETOUCHER_ACTION_GEMINI_MODEL",
            )
        self._settings = settings
        self._key = settings.gemini_api_key
        self._model = settings.gemini_model
        self._first_wait_s = first_wait_s
        self._client: Any = None

    @property
    def max_batch(self) -> int:
        """Requests at once."""
        return self._settings.gemini_concurrency

    @property
    def third_party(self) -> str | None:
        """The vendor and its model."""
        return f"Google Gemini API ({self._model})"

    def warm_up(self) -> None:
        """Makes the client; nothing is asked.

        Raises:
            MissingResource: MISSING_PACKAGE.
        """
        if self._client is not None:
            return
        try:
            from google import genai
            from google.genai import types
        except ImportError as error:
            raise MissingResource(
                ErrorCode.MISSING_PACKAGE, f"the tool {GEMINI} needs google-genai: install the extra `gemini`"
            ) from error
        url = self._settings.gemini_url
        self._client = genai.Client(
            api_key=self._key.get_secret_value(),
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=str(url) if url is not None else None,
                timeout=round(self._settings.gemini_timeout_s * 1000),
                retry_options=types.HttpRetryOptions(
                    attempts=self._settings.gemini_tries, initial_delay=self._first_wait_s, jitter=self._first_wait_s
                ),
            ),
        )

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        """See `Tool.edit`; requests of a batch are asked side by side.

        Raises:
            MissingResource: the vendor's SDK is not installed.
        """
        self.warm_up()
        with ThreadPoolExecutor(self.max_batch, thread_name_prefix="gemini") as pool:
            return list(pool.map(self._one, batch))

    def _one(self, request: EditRequest) -> EditResult | ToolDeclined:
        if not request.mask.any():
            return ToolDeclined("there is nothing to edit: the mask is empty")
        try:
            response = self._ask(request)
            square = _square_of(_picture(response))
        except ToolDeclined as declined:
            return declined
        return EditResult(
            image=unfit(square, (request.crop.shape[0], request.crop.shape[1])),
            alpha=np.where(request.mask, 255, 0).astype(np.uint8),
            settings={"seed": request.seed, "words": request.instruction, "model": self._model, "size_px": SIDE_PX},
            notes=(f"{self.third_party} saw this crop; its answer cannot be replayed",),
        )

    def _ask(self, request: EditRequest) -> "GenerateContentResponse":
        from google.genai import errors, types

        words = ASKED.format(instruction=request.instruction.rstrip(".") or "repair what is wrong with it")
        picture = types.Part.from_bytes(data=encode_png(fit(request.crop, SIDE_PX)), mime_type="image/png")
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(aspect_ratio="1:1"),
            seed=request.seed % 2**31,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        failures: tuple[type[Exception], ...] = (*_transport_errors(), errors.UnknownApiResponseError, ValueError)
        try:
            response: GenerateContentResponse = self._client.models.generate_content(
                model=self._model, contents=[picture, words], config=config
            )
        except errors.APIError as error:
            log.warning("gemini_refused", code=error.code, status=error.status)
            raise ToolDeclined(_refusal(error.code, error.status)) from error
        except failures as error:
            log.warning("gemini_not_reached", error=type(error).__name__)
            raise ToolDeclined(
                f"the Gemini API did not answer ({type(error).__name__}): check the network and try again"
            ) from error
        return response


def _transport_errors() -> tuple[type[Exception], ...]:
    """Of the HTTP client that the SDK uses: httpx2 where it is installed, else httpx."""
    found = []
    for name in ("httpx2", "httpx"):
        with contextlib.suppress(ImportError):
            found.append(importlib.import_module(name).HTTPError)
    return tuple(found)


def _refusal(code: int, status: str | None) -> str:
    said = f"the Gemini API answered {code}{f' {status}' if status else ''}"
    if code == 429:
        return f"{said}, too many requests or the quota is used up: try again later, or ask the vendor for more"
    if code in (401, 403):
        return f"{said}: check RETOUCHER_ACTION_GEMINI_API_KEY and what it may do"
    if code == 404:
        return f"{said}: check RETOUCHER_ACTION_GEMINI_MODEL"
    if code == 400:
        return f"{said}: check RETOUCHER_ACTION_GEMINI_API_KEY and whether RETOUCHER_ACTION_GEMINI_MODEL edits pictures"
    return f"{said}: try again later"


def _picture(response: "GenerateContentResponse") -> bytes:
    """The bytes of the answer's picture.

    Raises:
        ToolDeclined: it was refused, or there is none.
    """
    blocked = response.prompt_feedback.block_reason if response.prompt_feedback is not None else None
    if blocked is not None:
        raise ToolDeclined(f"the Gemini API refused the crop or its words ({blocked.name})")
    candidate = response.candidates[0] if response.candidates else None
    parts = candidate.content.parts if candidate is not None and candidate.content is not None else None
    for part in parts or ():
        if part.inline_data is not None and part.inline_data.data and not part.thought:
            return part.inline_data.data
    reason = candidate.finish_reason if candidate is not None else None
    if reason is not None and reason.name not in ("STOP", "NO_IMAGE"):
        raise ToolDeclined(f"the Gemini API stopped without a picture ({reason.name})")
    words = " ".join(part.text for part in parts or () if part.text)[:120]
    raise ToolDeclined(f"the Gemini API answered without a picture{f' but: {words!r}' if words else ''}")


def _square_of(data: bytes) -> Rgb:
    """The picture as the square that was sent.

    Raises:
        ToolDeclined: it cannot be read, or has another shape.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as image:
            w, h = image.size
            if w * h > LARGEST_ANSWER_PX:
                raise ToolDeclined(f"the Gemini API answered with {w}x{h} pixels, more than can be used")
            if max(w, h) > MOST_STRETCH * min(w, h):
                raise ToolDeclined(f"the Gemini API answered with {w}x{h} pixels, which is no square")
            pixels = np.asarray(image.convert("RGB"))
    except UNREADABLE as error:
        raise ToolDeclined("the Gemini API answered with a picture that cannot be read") from error
    if (h, w) == (SIDE_PX, SIDE_PX):
        return pixels
    interpolation = cv2.INTER_AREA if h > SIDE_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (SIDE_PX, SIDE_PX), interpolation=interpolation), np.uint8)
