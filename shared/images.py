"""Images at the border and in the middle: decoding what callers send, PNG, composing a canvas, proving it untouched.

Inside, an image is `(H, W, 3)` uint8 RGB. A patch's alpha is blended in integers, so that alpha 0 is bit-identical.
"""

import hashlib
import io
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from shared.contracts.base import BoxXYXY
from shared.contracts.values import Canvas, Patch
from shared.errors import BadInput, ErrorCode
from shared.ports import ImageStore

Rgb = npt.NDArray[np.uint8]
"""`(H, W, 3)` uint8, sRGB."""

Gray = npt.NDArray[np.uint8]
"""`(H, W)` uint8."""

FORMATS = ("PNG", "JPEG", "WEBP")
ANIMATED = ("PNG", "WEBP")
SIGNATURES = {"PNG": (0, b"\x89PNG\r\n\x1a\n"), "JPEG": (0, b"\xff\xd8\xff"), "WEBP": (8, b"WEBP")}
# What Pillow raises on broken files, over its plugins.
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


@dataclass(frozen=True)
class ImageLimits:
    """What is accepted (DESIGN.md, "Decided once")."""

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 32_000_000
    min_side_px: int = 32


@dataclass(frozen=True)
class DecodedImage:
    """An upload, oriented and in sRGB; `alpha` is kept aside and None where the image is opaque."""

    rgb: Rgb
    alpha: Gray | None
    format: str
    sha256: str


def decode_upload(data: bytes, limits: ImageLimits = ImageLimits()) -> DecodedImage:
    """Decodes a PNG, JPEG or WebP: EXIF orientation applied, ICC profile converted to sRGB, 8 bits.

    Raises:
        BadInput: with NOT_AN_IMAGE, UNSUPPORTED_FORMAT, TRUNCATED_IMAGE, ANIMATED_IMAGE, IMAGE_TOO_LARGE or
            IMAGE_TOO_SMALL.
    """
    if len(data) > limits.max_bytes:
        raise BadInput(
            ErrorCode.IMAGE_TOO_LARGE,
            f"the image has {len(data) / 2**20:.1f} MB, more than {limits.max_bytes / 2**20:.0f} MB: "
            "send a smaller file",
        )
    image = _open(data)
    # A phone's JPEG may carry a second picture (depth, gain map) behind the first, which is the photograph.
    name = "JPEG" if image.format == "MPO" else str(image.format)
    width, height = image.size
    if width * height > limits.max_pixels:
        raise BadInput(
            ErrorCode.IMAGE_TOO_LARGE,
            f"the image is {width}x{height}, more than {limits.max_pixels / 1e6:.0f} megapixels: scale it down first",
        )
    if min(width, height) < limits.min_side_px:
        raise BadInput(
            ErrorCode.IMAGE_TOO_SMALL,
            f"the image is {width}x{height}; each side must have at least {limits.min_side_px} pixels: "
            "send a larger one",
        )
    frames: int = getattr(image, "n_frames", 1)  # only formats that can be animated have the attribute
    if name in ANIMATED and frames > 1:
        raise BadInput(ErrorCode.ANIMATED_IMAGE, f"the {name} has {frames} frames: send one frame as a still image")
    rgb, alpha = _to_srgb(_load(image, name))
    return DecodedImage(rgb=rgb, alpha=alpha, format=name, sha256=hashlib.sha256(data).hexdigest())


def _load(image: Image.Image, name: str) -> Image.Image:
    """All pixels, the right way up. EXIF that cannot be read says nothing of the orientation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow thinks of odd metadata is of no use to the caller
        try:
            image.load()
        except UNREADABLE as error:
            raise _damaged(name, error) from error
        try:
            return ImageOps.exif_transpose(image)
        except (*UNREADABLE, TypeError, KeyError):
            return image


def _damaged(name: str, error: Exception) -> BadInput:
    return BadInput(ErrorCode.TRUNCATED_IMAGE, f"the {name} is damaged or cut short ({error}): send the whole file")


def _open(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(data), formats=FORMATS)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise BadInput(
                ErrorCode.IMAGE_TOO_LARGE, "the image would decode to far too many pixels: scale it down first"
            ) from error
        except UNREADABLE as error:
            head = data[:16]
            for name, (at, signature) in SIGNATURES.items():
                if head[at:].startswith(signature):
                    raise _damaged(name, error) from error
            if head[:3] == b"GIF" or head[:2] in (b"BM", b"II", b"MM") or head[4:8] == b"ftyp":
                raise BadInput(
                    ErrorCode.UNSUPPORTED_FORMAT, "only PNG, JPEG and WebP are read: convert the image first"
                ) from error
            raise BadInput(ErrorCode.NOT_AN_IMAGE, "this is not a PNG, JPEG or WebP image: check the file") from error


def _to_srgb(image: Image.Image) -> tuple[Rgb, Gray | None]:
    profile = image.info.get("icc_profile")
    image, alpha = _without_alpha(image)
    if profile and image.mode in ("RGB", "L", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            image = converted if converted is not None else image
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile says nothing about the colours: sRGB is what every viewer assumes then
    return np.asarray(image.convert("RGB")).copy(), alpha


def _without_alpha(image: Image.Image) -> tuple[Image.Image, Gray | None]:
    """8 bits per channel in L, RGB or CMYK, and the alpha, None where it is opaque."""
    clear = image.info.get("transparency")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        wide = np.asarray(image, dtype=np.float64)
        opaque = np.where(wide == clear, 0, 255).astype(np.uint8) if isinstance(clear, int) else None
        narrow = Image.fromarray(np.clip(wide / 257.0 + 0.5, 0, 255).astype(np.uint8))
        return narrow, _unless_opaque(opaque)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or clear is not None:
        image = image.convert("RGBA")
        return image.convert("RGB"), _unless_opaque(np.asarray(image.getchannel("A")).copy())
    if image.mode in ("P", "1"):
        return image.convert("RGB"), None
    return image, None


def _unless_opaque(alpha: Gray | None) -> Gray | None:
    return None if alpha is None or bool((alpha == 255).all()) else alpha


def encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    """A lossless PNG of `(H, W)`, `(H, W, 3)` or `(H, W, 4)` uint8."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def decode_rgb(data: bytes) -> Rgb:
    """`(H, W, 3)` of a PNG that this project wrote."""
    return np.asarray(Image.open(io.BytesIO(data), formats=["PNG"]).convert("RGB"))


def decode_gray(data: bytes) -> Gray:
    """`(H, W)` of a PNG that this project wrote."""
    return np.asarray(Image.open(io.BytesIO(data), formats=["PNG"]).convert("L"))


def crop(image: npt.NDArray[np.uint8], box: BoxXYXY) -> npt.NDArray[np.uint8]:
    """A copy of the box's pixels."""
    return image[box[1] : box[3], box[0] : box[2]].copy()


def compose(below: Rgb, image: Rgb, alpha: Gray, box: BoxXYXY) -> Rgb:
    """`below` with `image` blended over it at `box` by `alpha`, rounded to nearest; alpha 0 leaves the very bits.

    Raises:
        ValueError: a size does not agree with the box.
    """
    shape = (box[3] - box[1], box[2] - box[0])
    if image.shape[:2] != shape or alpha.shape != shape:
        raise ValueError(f"patch {image.shape[:2]} and alpha {alpha.shape} do not fit the box {box}")
    result = below.copy()
    window = result[box[1] : box[3], box[0] : box[2]]
    weight = alpha.astype(np.uint32)[..., None]
    blended = (image.astype(np.uint32) * weight + window.astype(np.uint32) * (255 - weight) + 127) // 255
    window[...] = blended.astype(np.uint8)
    return result


def compose_canvas(store: ImageStore, canvas: Canvas) -> Rgb:
    """The canvas as pixels: the original with every patch laid over it in order."""
    image = decode_rgb(store.get(canvas.original_ref))
    for patch in canvas.patches:
        pixels, alpha = patch_pixels(store, patch)
        image = compose(image, pixels, alpha, patch.box_xyxy_px)
    return image


def patch_pixels(store: ImageStore, patch: Patch) -> tuple[Rgb, Gray]:
    """The patch's image and alpha."""
    return decode_rgb(store.get(patch.image_ref)), decode_gray(store.get(patch.alpha_ref))


def edited_mask(store: ImageStore, canvas: Canvas, size_hw: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """`(H, W)` bool, True wherever a pixel may differ from the original: the union of the alphas above 0."""
    mask = np.zeros(size_hw, np.bool_)
    for patch in canvas.patches:
        x0, y0, x1, y1 = patch.box_xyxy_px
        mask[y0:y1, x0:x1] |= decode_gray(store.get(patch.alpha_ref)) > 0
    return mask


def largest_outside_difference(original: Rgb, result: Rgb, edited: npt.NDArray[np.bool_]) -> int:
    """The largest absolute channel difference where `edited` is False, in 0..255; 0 is the promise.

    Raises:
        ValueError: the sizes differ.
    """
    if original.shape != result.shape or original.shape[:2] != edited.shape:
        raise ValueError(f"sizes differ: {original.shape}, {result.shape}, {edited.shape}")
    difference = np.abs(original.astype(np.int16) - result.astype(np.int16)).max(axis=2)
    return int(difference[~edited].max(initial=0))
