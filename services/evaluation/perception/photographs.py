"""Photographs that the detector should leave alone: those that ship with scikit-image, and the caller's own.

Says for each what the loop would do with the detector's regions: its stop rule and its domain check.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from services.evaluation.perception.figures import PhotographFigures, PhotographVerdict
from services.perception.saliency.checkpoint import Checkpoint
from services.perception.saliency.predictor import Prediction, predict
from services.perception.saliency.regions import RegionSettings, salient_regions
from shared.errors import BadInput, ErrorCode
from shared.images import Rgb, decode_upload

SHIPPED = Path(skimage.__file__).parent / "data"
NO_PROMPT = "a photograph"
"""For pictures that came without words: the caller's own."""

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})

PROMPTS = {
    "astronaut.png": "a portrait of a smiling astronaut",
    "brick.png": "a brick wall",
    "camera.png": "a black and white photo of a cameraman on a lawn",
    "cell.png": "a cell under the microscope",
    "chelsea.png": "a close-up of a tabby cat",
    "clock_motion.png": "a clock, blurred by motion",
    "coffee.png": "an espresso cup on a wooden table",
    "coins.png": "ancient coins on a dark ground",
    "grass.png": "a meadow",
    "gravel.png": "a gravel path",
    "hubble_deep_field.jpg": "distant galaxies",
    "ihc.png": "stained tissue under the microscope",
    "microaneurysms.png": "vessels of a retina",
    "moon.png": "the surface of the moon",
    "motorcycle_left.png": "a motorcycle in a workshop",
    "motorcycle_right.png": "a motorcycle in a workshop",
    "page.png": "a photographed page of a book",
    "retina.jpg": "a photograph of a retina",
    "rocket.jpg": "a rocket at its launch",
    "text.png": "handwritten formulas on a page",
}
"""scikit-image's photographs and what they show; its drawings and test patterns are none."""


@dataclass(frozen=True)
class Photograph:
    """A picture nobody has found fault with: `(H, W, 3)` uint8 RGB."""

    name: str
    image: Rgb
    prompt: str


def shipped_photographs() -> Iterator[Photograph]:
    """Those of scikit-image that are installed, one at a time."""
    for name, prompt in PROMPTS.items():
        path = SHIPPED / name
        if path.is_file():
            yield Photograph(name, np.asarray(Image.open(path).convert("RGB")), prompt)


def given_photographs(paths: Sequence[Path]) -> Iterator[Photograph]:
    """The caller's own, files or folders of them, one at a time.

    Raises:
        BadInput: one is not there or no image, or a folder holds none.
    """
    for path in paths:
        for file in _files(path):
            try:
                data = file.read_bytes()
            except OSError as error:
                raise BadInput(
                    ErrorCode.FILE_NOT_READABLE, f"{file} cannot be read ({error.strerror}): give a file or a folder"
                ) from error
            try:
                decoded = decode_upload(data)
            except BadInput as error:
                raise BadInput(error.code, f"{file}: {error.message}") from error
            yield Photograph(file.name, decoded.rgb, NO_PROMPT)


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(one for one in path.iterdir() if one.suffix.lower() in _SUFFIXES)
    if not files:
        raise BadInput(ErrorCode.MISSING_DATA, f"{path} holds no PNG, JPEG or WebP: give another folder")
    return files


def judge_photographs(checkpoint: Checkpoint, photographs: Iterator[Photograph]) -> PhotographFigures:
    """The share that would be edited.

    Raises:
        BadInput: there is none.
    """
    verdicts = tuple(
        verdict_on(checkpoint, one.name, predict(checkpoint, [one.image], [one.prompt])[0]) for one in photographs
    )
    if not verdicts:
        raise BadInput(ErrorCode.MISSING_DATA, "no photograph is there: reinstall scikit-image with its sample images")
    return PhotographFigures(
        count=len(verdicts),
        edited_share=sum(one.edited for one in verdicts) / len(verdicts),
        in_domain_share=sum(one.in_domain for one in verdicts) / len(verdicts),
        verdicts=verdicts,
    )


def verdict_on(checkpoint: Checkpoint, name: str, prediction: Prediction) -> PhotographVerdict:
    """What the loop would do: edit an image of the domain that has regions and passes both gates."""
    calibration = checkpoint.calibration
    settings = RegionSettings(
        tau=calibration.tau,
        dilation_of_height=calibration.dilation_of_height,
        min_area_share=calibration.min_area_share,
    )
    regions = len(salient_regions(prediction.saliency, settings))
    peak = float(prediction.saliency.max())
    passes = peak >= calibration.tau_s and prediction.any_distortion >= calibration.tau_any
    return PhotographVerdict(
        name=name,
        edited=prediction.in_domain and regions > 0 and passes,
        in_domain=prediction.in_domain,
        regions=regions,
        peak=peak,
        any_distortion=prediction.any_distortion,
        domain_distance=prediction.domain_distance,
    )
