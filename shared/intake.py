"""Turns what a caller sends into a stored, queued job, or into one clear error before anything is stored.

The command line, the standalone server and the gateway all admit jobs here. Knows no HTTP and no agent.
"""

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
import uuid_utils
from pydantic import Field

from shared.contracts.base import Contract
from shared.contracts.jobs import InputInfo, Job, JobOptions
from shared.contracts.values import Canvas
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask, box_area, intersection
from shared.images import DecodedImage, Gray, ImageLimits, decode_upload, encode_png
from shared.ports import ImageStore
from shared.profiles import Profile


class Limits(Contract):
    """What a request may ask for (DESIGN.md, "Decided once"); all are settings."""

    max_bytes: int = Field(default=20 * 1024 * 1024, gt=0)
    max_pixels: int = Field(default=32_000_000, gt=0)
    min_side_px: int = Field(default=32, gt=0)
    max_prompt_characters: int = Field(default=2000, gt=0)
    max_regions: int = Field(default=16, gt=0)
    max_expected_texts: int = Field(default=64, gt=0)
    max_expected_text_characters: int = Field(default=200, gt=0)
    max_deadline_s: float = Field(default=3600.0, gt=0)

    def for_images(self) -> ImageLimits:
        """The part that concerns decoding."""
        return ImageLimits(max_bytes=self.max_bytes, max_pixels=self.max_pixels, min_side_px=self.min_side_px)


Upload = Annotated[bytes, "an encoded PNG, JPEG or WebP"]


@dataclass(frozen=True)
class Request:
    """One job as a caller sends it; `protected` and `regions` are masks of the image's size, bright inside."""

    image: Upload
    prompt: str
    options: JobOptions = JobOptions()
    protected: Upload | None = None
    regions: Upload | None = None


def new_job_id() -> str:
    """`job_<uuid7>`: sorts by time of creation."""
    return f"job_{uuid_utils.uuid7().hex}"


def admit(store: ImageStore, profile: Profile, request: Request, now_s: float, limits: Limits = Limits()) -> Job:
    """Checks everything, stores the input images, and returns the queued job; the caller stores it in its job store.

    Raises:
        BadInput: with the code and the next step; nothing has been stored then.
        Unavailable: the image store does not answer or is full.
    """
    prompt = _checked_prompt(request.prompt, limits)
    options = _checked_options(request.options, profile, limits)
    image = decode_upload(request.image, limits.for_images())
    size_hw = image.rgb.shape[:2]
    for box in options.region_boxes_px:
        if box_area(box) == 0 or intersection(box, (0, 0, size_hw[1], size_hw[0])) != box:
            raise BadInput(
                ErrorCode.BAD_REGION,
                f"region {list(box)} does not lie inside the {size_hw[1]}x{size_hw[0]} image: "
                "send x0,y0,x1,y1 in its pixels",
            )
    protected = _mask(request.protected, "protected", size_hw, limits)
    regions = _mask(request.regions, "regions", size_hw, limits)
    count = len(options.region_boxes_px) + (
        cv2.connectedComponents(regions.astype(np.uint8))[0] - 1 if regions is not None else 0
    )
    if count > limits.max_regions:
        raise BadInput(
            ErrorCode.TOO_MANY_REGIONS, f"{count} regions were sent, at most {limits.max_regions} are taken: send fewer"
        )
    job_id = new_job_id()
    return Job(
        id=job_id,
        input=_store_input(store, job_id, image, prompt),
        options=options.model_copy(
            update={
                "protected_ref": _store_mask(store, f"{job_id}/protected.png", protected),
                "regions_ref": _store_mask(store, f"{job_id}/regions.png", regions),
            }
        ),
        policy=profile.policy,
        profile=profile.name,
        created_at_s=now_s,
        deadline_at_s=now_s + (options.deadline_s or profile.deadline_s),
        canvas=Canvas(original_ref=f"{job_id}/original.png"),
    )


def _checked_prompt(prompt: str, limits: Limits) -> str:
    if not prompt.strip():
        raise BadInput(ErrorCode.EMPTY_PROMPT, "the prompt is empty: send the words that the image was made from")
    if len(prompt) > limits.max_prompt_characters:
        raise BadInput(
            ErrorCode.PROMPT_TOO_LONG,
            f"the prompt has {len(prompt)} characters, more than {limits.max_prompt_characters}: shorten it",
        )
    return prompt


def _checked_options(options: JobOptions, profile: Profile, limits: Limits) -> JobOptions:
    unknown = [tool for tool in options.tools or () if tool not in profile.tools]
    if unknown or options.tools == ():
        names = ", ".join(unknown) or "(none)"
        raise BadInput(
            ErrorCode.UNKNOWN_TOOL,
            f"profile {profile.name} has no tool {names}: choose among {', '.join(profile.tools)}",
        )
    if options.protected_ref or options.regions_ref:
        raise BadInput(ErrorCode.BAD_OPTION, "masks are sent as images, not as references: use the mask fields")
    if len(options.expected_text) > limits.max_expected_texts:
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"{len(options.expected_text)} expected texts, at most {limits.max_expected_texts} are taken: send fewer",
        )
    for text in options.expected_text:
        if not text.strip() or len(text) > limits.max_expected_text_characters:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"an expected text must have 1 to {limits.max_expected_text_characters} characters: "
                "send each line's words",
            )
    if options.max_cost is not None and not any(model.price for model in profile.tool_models.values()):
        message = f"no tool of profile {profile.name} costs money: leave max_cost out"
        raise BadInput(ErrorCode.BAD_OPTION, message)
    if options.deadline_s is not None and options.deadline_s > limits.max_deadline_s:
        raise BadInput(ErrorCode.BAD_OPTION, f"the deadline is over {limits.max_deadline_s:.0f} s away: ask for less")
    return options


def _mask(data: Upload | None, name: str, size_hw: tuple[int, int], limits: Limits) -> Mask | None:
    """`(H, W)` bool, True where the mask is brighter than half; a mask with alpha is read from its alpha."""
    if data is None:
        return None
    try:
        decoded = decode_upload(data, limits.for_images())
    except BadInput as error:
        raise BadInput(error.code, f"the {name} mask: {error.message}") from error
    mask = (decoded.alpha if decoded.alpha is not None else decoded.rgb.max(axis=2)) > 127
    if mask.shape != size_hw:
        raise BadInput(
            ErrorCode.MASK_SIZE_MISMATCH,
            f"the {name} mask is {mask.shape[1]}x{mask.shape[0]}, the image {size_hw[1]}x{size_hw[0]}: "
            "send a mask of the image's size",
        )
    if not mask.any():
        raise BadInput(
            ErrorCode.EMPTY_MASK, f"the {name} mask is black all over: paint the area white, or leave it out"
        )
    return mask


def _store_input(store: ImageStore, job_id: str, image: DecodedImage, prompt: str) -> InputInfo:
    original_ref = store.put(f"{job_id}/original.png", encode_png(image.rgb))
    alpha_ref = store.put(f"{job_id}/alpha.png", encode_png(image.alpha)) if image.alpha is not None else None
    return InputInfo(
        original_ref=original_ref,
        alpha_ref=alpha_ref,
        size_hw=(image.rgb.shape[0], image.rgb.shape[1]),
        format=image.format,
        sha256=image.sha256,
        prompt=prompt,
    )


def _store_mask(store: ImageStore, ref: str, mask: Mask | None) -> str | None:
    if mask is None:
        return None
    pixels: Gray = mask.astype(np.uint8) * np.uint8(255)
    return store.put(ref, encode_png(pixels))
