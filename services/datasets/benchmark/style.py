"""What happens to the pixels after drawing: tone, paper, lens blur, vignette, grain, compression; same for both twins.

Every step treats a pixel by its place and its neighbours alone, so that twins differ only near what was changed.
"""

import random

import cv2
import numpy as np
import numpy.typing as npt

from services.datasets.benchmark.graph import Style
from shared.images import Rgb

Field = npt.NDArray[np.float32]


def style_for(rng: random.Random, seed: str) -> Style:
    """A look between clean digital painting and a grainy, warm, compressed print."""
    side = rng.choice((-1.0, 1.0))
    tilt = rng.uniform(0.45, 0.85)
    return Style(
        seed=seed,
        light=(side * (1 - tilt**2) ** 0.5, -tilt),
        contrast=rng.uniform(0.5, 0.95),
        ink=rng.choice((0.0, 0.0, 0.0016, 0.003)),
        grain=rng.choice((0.0, rng.uniform(1.0, 4.0), rng.uniform(3.0, 9.0))),
        blur=rng.choice((0.0, 0.0, rng.uniform(0.3, 0.7))),
        vignette=rng.choice((0.0, rng.uniform(0.1, 0.35))),
        warmth=rng.uniform(-0.06, 0.08),
        gamma=rng.uniform(0.88, 1.14),
        saturation=rng.uniform(0.75, 1.1),
        paper=rng.choice((0.0, 0.0, rng.uniform(2.0, 6.0))),
        jpeg_quality=rng.choice((0, 0, rng.randint(72, 95))),
    )


def finish(images: list[Rgb], style: Style) -> list[Rgb]:
    """The drawn pictures of one sample as they will be seen. All get the very same noise.

    Args:
        images: `(H, W, 3)` uint8 each, of one size.
        style: the sample's style.
    """
    h, w = images[0].shape[:2]
    noise, shade = _fields(style, h, w)
    return [_finish_one(image, style, noise, shade) for image in images]


def _fields(style: Style, h: int, w: int) -> tuple[Field, Field | None]:
    """Additive noise `(H, W, 1 or 3)` float32 and the vignette's factor `(H, W, 1)` float32."""
    rng = np.random.Generator(np.random.SFC64(list(style.seed.encode())))
    noise = np.zeros((h, w, 1), np.float32)
    if style.grain:
        noise = noise + rng.standard_normal((h, w, 3 if style.grain > 5 else 1), dtype=np.float32) * style.grain
    if style.paper:
        coarse = rng.standard_normal((h // 2, w // 2), dtype=np.float32)
        fibre = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), 1.2), (w, h), interpolation=cv2.INTER_LINEAR)
        noise = noise + fibre[..., None] * (style.paper * 3.0)
    if not style.vignette:
        return noise.astype(np.float32), None
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    return noise.astype(np.float32), (1.0 - style.vignette * 0.5 * (x * x + y * y))[..., None].astype(np.float32)


def _finish_one(image: Rgb, style: Style, noise: Field, shade: Field | None) -> Rgb:
    ramp = (np.arange(256, dtype=np.float32) / 255.0) ** style.gamma * 255.0
    table = np.stack([ramp * (1 + style.warmth), ramp, ramp * (1 - style.warmth)], axis=1)
    toned = np.asarray(cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8)[None]), np.uint8)
    if style.blur:
        toned = np.asarray(cv2.GaussianBlur(toned, (0, 0), style.blur * image.shape[0] / 256), np.uint8)
    pixels: Field = toned.astype(np.float32)
    if abs(style.saturation - 1.0) > 0.02:
        grey: Field = np.asarray(cv2.cvtColor(toned, cv2.COLOR_RGB2GRAY), np.float32)[..., None]
        pixels *= style.saturation
        pixels += grey * np.float32(1.0 - style.saturation)
    if shade is not None:
        pixels *= shade
    pixels += noise
    done: Rgb = np.asarray(cv2.convertScaleAbs(np.maximum(pixels, 0.0, out=pixels)), np.uint8)
    if style.jpeg_quality:
        flags = [cv2.IMWRITE_JPEG_QUALITY, style.jpeg_quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                 cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]  # fmt: skip
        _, data = cv2.imencode(".jpg", np.ascontiguousarray(done[..., ::-1]), flags)
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return np.ascontiguousarray(np.asarray(decoded, np.uint8)[..., ::-1])
    return done
