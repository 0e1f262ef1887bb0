"""Decoding what callers send, every way to be bad input, and the laws of composing."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms

from shared.contracts.values import Canvas, Patch
from shared.errors import BadInput, ErrorCode
from shared.images import (
    ImageLimits,
    compose,
    compose_canvas,
    crop,
    decode_gray,
    decode_rgb,
    decode_upload,
    edited_mask,
    encode_png,
    largest_outside_difference,
)


class DictStore:
    """An image store in a dictionary."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = dict(objects)

    def put(self, ref: str, data: bytes) -> str:
        self.objects[ref] = data
        return ref

    def get(self, ref: str) -> bytes:
        return self.objects[ref]

    def refs(self, prefix: str) -> list[str]:
        return [ref for ref in self.objects if ref.startswith(prefix)]

    def delete(self, prefix: str) -> int:
        return len([self.objects.pop(ref) for ref in self.refs(prefix)])


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def gradient(h: int = 48, w: int = 64) -> np.ndarray:
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([x * 255 // w, y * 255 // h, (x + y) * 255 // (w + h)], axis=2).astype(np.uint8)


def code_of(data: bytes, limits: ImageLimits = ImageLimits()) -> ErrorCode:
    with pytest.raises(BadInput) as caught:
        decode_upload(data, limits)
    assert "\n" not in str(caught.value)
    return caught.value.code


# ---------------------------------------------------------------- decoding


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_lossless_upload_is_decoded_bit_for_bit(form: str) -> None:
    data = saved(Image.fromarray(gradient()), form, lossless=True)
    decoded = decode_upload(data)
    assert (decoded.rgb == gradient()).all()
    assert decoded.format == form and decoded.alpha is None and len(decoded.sha256) == 64


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a)),
    ],
)
def test_exif_orientation_is_applied(orientation: int, turn: Callable[[np.ndarray], np.ndarray]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_upload(saved(Image.fromarray(gradient()), "PNG", exif=exif))
    assert (decoded.rgb == turn(gradient())).all()


def test_exif_that_cannot_be_read_does_not_refuse_the_photograph() -> None:
    for junk in (b"Exif\0\0" + b"\xff" * 40, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x09\0" * 5):
        data = saved(Image.fromarray(gradient()), "JPEG", exif=junk, quality=95)
        assert decode_upload(data).rgb.shape == (48, 64, 3)


def test_alpha_is_oriented_with_the_picture_and_kept_aside() -> None:
    alpha = np.zeros((48, 64), np.uint8)
    alpha[:10, :20] = 200
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode_upload(saved(Image.fromarray(np.dstack([gradient(), alpha])), "PNG", exif=exif))
    assert decoded.alpha is not None and (decoded.alpha == np.rot90(alpha, -1)).all()
    assert (decoded.rgb == np.rot90(gradient(), -1)).all()


def test_an_alpha_that_is_opaque_everywhere_is_none() -> None:
    data = saved(Image.fromarray(np.dstack([gradient(), np.full((48, 64), 255, np.uint8)])), "PNG")
    assert decode_upload(data).alpha is None


@pytest.mark.parametrize("mode", ["LA", "P", "1", "L"])
def test_modes_become_rgb(mode: str) -> None:
    source = Image.fromarray(gradient()).convert("L" if mode == "LA" else mode)
    expected = np.asarray(source.convert("RGB"))
    if mode == "LA":
        source.putalpha(Image.new("L", source.size, 77))
    decoded = decode_upload(saved(source, "PNG"))
    assert (decoded.rgb == expected).all()
    assert (decoded.alpha is not None) == (mode == "LA")


def test_a_palette_with_a_transparent_entry_has_an_alpha() -> None:
    source = Image.new("P", (64, 48), 1)
    source.putpalette([0, 0, 0, 200, 100, 50, 9, 9, 9])
    source.paste(2, (0, 0, 10, 10))
    decoded = decode_upload(saved(source, "PNG", transparency=2))
    assert decoded.alpha is not None and decoded.alpha[5, 5] == 0 and decoded.alpha[30, 30] == 255
    assert tuple(decoded.rgb[30, 30]) == (200, 100, 50)


def test_sixteen_bits_are_scaled_not_cut() -> None:
    wide = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
    decoded = decode_upload(saved(Image.fromarray(wide), "PNG"))
    assert (decoded.rgb[..., 0] == np.round(wide / 257.0)).mean() > 0.99
    assert np.abs(decoded.rgb[..., 0] - wide / 257.0).max() <= 0.51
    assert decoded.rgb.min() == 0 and decoded.rgb.max() == 255


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    red = Image.new("CMYK", (64, 48), (0, 255, 255, 0))
    r, g, b = decode_upload(saved(red, "JPEG", quality=95)).rgb[20, 20].astype(int)
    assert r > 220 and g < 40 and b < 40


def swapped_profile() -> bytes:
    """An sRGB profile whose red and blue primaries are exchanged, so that a conversion shows."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    entries = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_an_embedded_profile_is_converted_to_srgb(mode: str) -> None:
    source = Image.new("RGB", (64, 48), (250, 10, 10)).convert(mode)
    if mode == "RGBA":
        source.putalpha(128)
    r, g, b = decode_upload(saved(source, "PNG", icc_profile=swapped_profile())).rgb[20, 20].astype(int)
    assert b > 200 and r < 60 and g < 60


def test_a_broken_profile_is_taken_for_srgb() -> None:
    decoded = decode_upload(saved(Image.fromarray(gradient()), "PNG", icc_profile=b"no profile at all" * 20))
    assert (decoded.rgb == gradient()).all()


def test_a_profile_for_other_channels_is_taken_for_srgb() -> None:
    gray = Image.fromarray(gradient()).convert("L")
    decoded = decode_upload(saved(gray, "PNG", icc_profile=swapped_profile()))
    assert (decoded.rgb[..., 0] == np.asarray(gray)).all()


def test_a_phones_jpeg_with_a_second_picture_is_the_first() -> None:
    first, second = Image.new("RGB", (64, 48), (200, 30, 30)), Image.new("RGB", (64, 48), (0, 0, 255))
    decoded = decode_upload(saved(first, "MPO", save_all=True, append_images=[second]))
    assert decoded.format == "JPEG" and decoded.rgb[20, 20, 0] > 150


# ---------------------------------------------------------------- bad input


def test_what_is_no_image() -> None:
    for data in (b"", b"hello, this is text", b"\0" * 100, b"<svg xmlns='http://www.w3.org/2000/svg'/>"):
        assert code_of(data) is ErrorCode.NOT_AN_IMAGE


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF"])
def test_formats_that_are_not_read(form: str) -> None:
    assert code_of(saved(Image.fromarray(gradient()), form)) is ErrorCode.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_file_cut_short(form: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), form)
    assert code_of(data[: len(data) // 2]) is ErrorCode.TRUNCATED_IMAGE


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_file_cut_short_in_its_head(form: str) -> None:
    assert code_of(saved(Image.fromarray(gradient()), form)[:20]) is ErrorCode.TRUNCATED_IMAGE


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_damage_anywhere_is_bad_input_or_an_image_never_a_crash(data: st.DataObject, form: str) -> None:
    whole = bytearray(saved(Image.fromarray(gradient()), form))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode_upload(bytes(whole)).rgb.ndim == 3
    except BadInput as error:
        assert error.code in {
            ErrorCode.TRUNCATED_IMAGE,
            ErrorCode.NOT_AN_IMAGE,
            ErrorCode.UNSUPPORTED_FORMAT,
            ErrorCode.IMAGE_TOO_LARGE,
            ErrorCode.IMAGE_TOO_SMALL,
            ErrorCode.ANIMATED_IMAGE,
        }


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_an_animation(form: str) -> None:
    frames = [Image.new("RGB", (64, 48), (n * 60, 0, 0)) for n in range(3)]
    data = saved(frames[0], form, save_all=True, append_images=frames[1:])
    assert code_of(data) is ErrorCode.ANIMATED_IMAGE


def test_too_many_bytes_or_pixels_or_too_few() -> None:
    data = saved(Image.fromarray(gradient()), "PNG")
    assert code_of(data, ImageLimits(max_bytes=len(data) - 1)) is ErrorCode.IMAGE_TOO_LARGE
    assert code_of(data, ImageLimits(max_pixels=48 * 64 - 1)) is ErrorCode.IMAGE_TOO_LARGE
    assert code_of(data, ImageLimits(min_side_px=49)) is ErrorCode.IMAGE_TOO_SMALL
    assert decode_upload(data, ImageLimits(len(data), 48 * 64, 48)).rgb.shape == (48, 64, 3)


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    assert code_of(data) is ErrorCode.IMAGE_TOO_LARGE


# ---------------------------------------------------------------- composing

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))


@st.composite
def overlays(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int, int, int]]:
    h, w = draw(SHAPES)
    x0, y0 = draw(st.integers(0, w - 1)), draw(st.integers(0, h - 1))
    x1, y1 = draw(st.integers(x0 + 1, w)), draw(st.integers(y0 + 1, h))
    below = draw(arrays(np.uint8, (h, w, 3)))
    return (
        below,
        draw(arrays(np.uint8, (y1 - y0, x1 - x0, 3))),
        draw(arrays(np.uint8, (y1 - y0, x1 - x0))),
        (x0, y0, x1, y1),
    )


@given(overlays())
def test_composing_is_exact_at_both_ends_and_rounds_between(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int, int, int]],
) -> None:
    below, image, alpha, box = case
    kept = below.copy()
    result = compose(below, image, alpha, box)
    inside, under = crop(result, box), crop(below, box)
    assert (inside[alpha == 0] == under[alpha == 0]).all()
    assert (inside[alpha == 255] == image[alpha == 255]).all()
    weight = alpha[..., None] / 255.0
    assert np.abs(inside - (image * weight + under * (1 - weight))).max(initial=0) <= 0.5 + 1e-9
    outside = np.ones(below.shape[:2], bool)
    outside[box[1] : box[3], box[0] : box[2]] = False
    assert (result[outside] == below[outside]).all()
    assert (below == kept).all()


@given(overlays())
def test_composing_a_copy_of_what_is_there_changes_nothing(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int, int, int]],
) -> None:
    below, _, alpha, box = case
    assert (compose(below, crop(below, box), alpha, box) == below).all()


@given(overlays())
def test_png_is_lossless(case: tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int, int, int]]) -> None:
    below, _, alpha, _ = case
    assert (decode_rgb(encode_png(below)) == below).all()
    assert (decode_gray(encode_png(alpha)) == alpha).all()


@given(st.lists(overlays(), min_size=1, max_size=3))
def test_a_canvas_differs_from_its_original_only_where_its_mask_says(
    cases: list[tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int, int, int]]],
) -> None:
    original = np.zeros((12, 12, 3), np.uint8)
    store, patches = DictStore(original=encode_png(original)), []
    for n, (_, image, alpha, box) in enumerate(cases):
        store.put(f"{n}.png", encode_png(image))
        store.put(f"{n}.alpha.png", encode_png(alpha))
        patches.append(
            Patch(
                id=f"p{n}",
                region_ids=("r",),
                tool="t",
                box_xyxy_px=box,
                image_ref=f"{n}.png",
                alpha_ref=f"{n}.alpha.png",
                seed=0,
                reason="",
            )
        )
    canvas = Canvas(original_ref="original", patches=tuple(patches))
    mask = edited_mask(store, canvas, (12, 12))
    assert largest_outside_difference(original, compose_canvas(store, canvas), mask) == 0


def test_the_largest_outside_difference_sees_one_level_in_one_channel() -> None:
    original, edited = gradient(), np.zeros((48, 64), bool)
    result = original.copy()
    result[3, 4, 2] -= 1
    assert largest_outside_difference(original, result, edited) == 1
    edited[3, 4] = True
    assert largest_outside_difference(original, result, edited) == 0
    assert largest_outside_difference(original, 255 - original, np.ones((48, 64), bool)) == 0


def test_sizes_that_disagree_are_errors() -> None:
    image = gradient()
    with pytest.raises(ValueError, match="do not fit"):
        compose(image, image[:5, :5], np.zeros((5, 6), np.uint8), (0, 0, 5, 5))
    with pytest.raises(ValueError, match="sizes differ"):
        largest_outside_difference(image, image[1:], np.zeros((48, 64), bool))
