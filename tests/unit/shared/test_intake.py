"""Every kind of bad request is one clear error, and nothing has been stored when it comes."""

import io

import numpy as np
import pytest
from PIL import Image

from shared.adapters.memory import MemoryImageStore
from shared.contracts.jobs import JobOptions, Status
from shared.errors import BadInput, ErrorCode
from shared.images import decode_gray, decode_rgb
from shared.intake import Limits, Request, admit, new_job_id
from shared.profiles import load_profile, profile_names

PROFILE = load_profile("tiny")


def png(width: int = 64, height: int = 48, mode: str = "RGB", value: object = 120) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height), value).save(buffer, "PNG")
    return buffer.getvalue()


def mask(width: int = 64, height: int = 48, boxes: tuple[tuple[int, int, int, int], ...] = ((4, 4, 20, 20),)) -> bytes:
    pixels = np.zeros((height, width), np.uint8)
    for x0, y0, x1, y1 in boxes:
        pixels[y0:y1, x0:x1] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


BAD = [
    (Request(image=png(), prompt=" \n"), ErrorCode.EMPTY_PROMPT),
    (Request(image=png(), prompt="a" * 2001), ErrorCode.PROMPT_TOO_LONG),
    (Request(image=b"hello", prompt="a"), ErrorCode.NOT_AN_IMAGE),
    (Request(image=b"", prompt="a"), ErrorCode.NOT_AN_IMAGE),
    (Request(image=png(16, 16), prompt="a"), ErrorCode.IMAGE_TOO_SMALL),
    (Request(image=png(), prompt="a", protected=mask(63, 48)), ErrorCode.MASK_SIZE_MISMATCH),
    (Request(image=png(), prompt="a", regions=mask(48, 64)), ErrorCode.MASK_SIZE_MISMATCH),
    (Request(image=png(), prompt="a", protected=mask(boxes=())), ErrorCode.EMPTY_MASK),
    (Request(image=png(), prompt="a", regions=b"\x89PNG\r\n\x1a\n"), ErrorCode.TRUNCATED_IMAGE),
    (Request(image=png(), prompt="a", options=JobOptions(tools=("magic",))), ErrorCode.UNKNOWN_TOOL),
    (Request(image=png(), prompt="a", options=JobOptions(tools=())), ErrorCode.UNKNOWN_TOOL),
    (Request(image=png(), prompt="a", options=JobOptions(region_boxes_px=((0, 0, 65, 9),))), ErrorCode.BAD_REGION),
    (Request(image=png(), prompt="a", options=JobOptions(region_boxes_px=((9, 9, 9, 20),))), ErrorCode.BAD_REGION),
    (Request(image=png(), prompt="a", options=JobOptions(expected_text=(" ",))), ErrorCode.BAD_OPTION),
    (Request(image=png(), prompt="a", options=JobOptions(expected_text=("a",) * 65)), ErrorCode.BAD_OPTION),
    (Request(image=png(), prompt="a", options=JobOptions(protected_ref="other/mask.png")), ErrorCode.BAD_OPTION),
    (Request(image=png(), prompt="a", options=JobOptions(deadline_s=10_000)), ErrorCode.BAD_OPTION),
    (
        Request(
            image=png(200, 48), prompt="a", regions=mask(200, 48, tuple((i * 8, 4, i * 8 + 4, 8) for i in range(17)))
        ),
        ErrorCode.TOO_MANY_REGIONS,
    ),
]


@pytest.mark.parametrize(
    ("request_", "code"), BAD, ids=lambda value: str(value) if isinstance(value, ErrorCode) else "x"
)
def test_bad_request_is_one_clear_line_and_stores_nothing(request_: Request, code: ErrorCode) -> None:
    store = MemoryImageStore()
    with pytest.raises(BadInput) as caught:
        admit(store, PROFILE, request_, now_s=0.0)
    assert caught.value.code == code
    assert "\n" not in caught.value.message
    assert list(store.refs("")) == []


def test_limits_are_settings() -> None:
    with pytest.raises(BadInput) as caught:
        admit(MemoryImageStore(), PROFILE, Request(image=png(), prompt="abc"), 0.0, Limits(max_prompt_characters=2))
    assert caught.value.code == ErrorCode.PROMPT_TOO_LONG


def test_a_good_request_is_a_queued_job_with_its_images_stored() -> None:
    store = MemoryImageStore()
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 4), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    request = Request(
        image=buffer.getvalue(),
        prompt="a sign",
        options=JobOptions(deadline_s=5, region_boxes_px=((1, 2, 30, 40),)),
        protected=mask(),
        regions=mask(boxes=((30, 30, 40, 40),)),
    )
    job = admit(store, PROFILE, request, now_s=100.0)
    assert job.status == Status.QUEUED
    assert job.deadline_at_s == 105.0
    assert job.input.size_hw == (48, 64)
    assert np.array_equal(decode_rgb(store.get(job.input.original_ref)), pixels[..., :3])
    assert job.input.alpha_ref is not None
    assert np.array_equal(decode_gray(store.get(job.input.alpha_ref)), pixels[..., 3])
    assert job.options.protected_ref is not None
    protected = decode_gray(store.get(job.options.protected_ref))
    assert protected[4:20, 4:20].min() == 255
    assert int((protected > 0).sum()) == 16 * 16
    assert job.options.regions_ref is not None


def test_ids_sort_by_time() -> None:
    ids = [new_job_id() for _ in range(50)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 50


def test_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(BadInput) as caught:
        load_profile("enormous")
    assert caught.value.code == ErrorCode.UNKNOWN_PROFILE
    assert "tiny" in caught.value.message


def test_every_shipped_profile_is_valid() -> None:
    assert "tiny" in profile_names()
    for name in profile_names():
        assert load_profile(name).description
