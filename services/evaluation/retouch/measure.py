"""One attempt as a case: compares pixels with the clean twin, the files on disk with each other, and asks the rater."""

from pathlib import Path

import numpy as np

from services.evaluation.retouch.attempt import Attempt
from services.evaluation.retouch.cases import BlemishCase, ImageCase, PlaceCase, Ratings, WholeCase
from services.evaluation.retouch.fidelity import fidelity, place_fidelity, sharpness
from services.evaluation.retouch.keeping import outside_difference
from services.evaluation.retouch.pictures import Picture, TrueBlemish
from services.evaluation.retouch.rater import Rates
from shared.images import Rgb, decode_rgb


def case_of(
    arm: str, picture: Picture, attempt: Attempt, files: tuple[Path, Path], rate: Rates | None, before: WholeCase
) -> ImageCase:
    """The case.

    Args:
        arm: the row's name.
        picture: what was retouched.
        attempt: what came of it.
        files: the picture's own file, and the result's.
        rate: the rater; None without one.
        before: the whole picture as it was, from `whole_case`; it is the same in all rows.
    """
    result = decode_rgb(attempt.result_png)
    edited = bool(np.any(result != picture.image))
    return ImageCase(
        arm=arm,
        file=picture.file,
        healthy=picture.healthy,
        edited=edited,
        outcome=attempt.outcome,
        iterations=attempt.iterations,
        blemishes=tuple(_blemish(picture, one, result) for one in picture.blemishes),
        before=before,
        after=whole_case(picture, result, rate) if edited else before,
        outside=outside_difference(*files),
        seconds=attempt.seconds,
        stage_seconds=attempt.stage_seconds,
        tools=attempt.tools,
        note=attempt.note,
    )


def whole_case(picture: Picture, image: Rgb, rate: Rates | None) -> WholeCase:
    """What is said of the whole of `image`, which is the picture before or after."""
    ratings: Ratings | None = None if rate is None else rate(image, picture.prompt)
    if picture.clean is None:
        return WholeCase(ratings=ratings)
    near = fidelity(image, picture.clean)
    return WholeCase(psnr=near.psnr, ssim=near.ssim, gmsd=near.gmsd, ratings=ratings)


def _blemish(picture: Picture, blemish: TrueBlemish, result: Rgb) -> BlemishCase:
    if picture.clean is None or not blemish.repair.any():
        return BlemishCase(category=blemish.category)
    before, after = (place_fidelity(image, picture.clean, blemish.repair) for image in (picture.image, result))
    return BlemishCase(
        category=blemish.category,
        before=PlaceCase(psnr=before.psnr, gmsd=before.gmsd),
        after=PlaceCase(psnr=after.psnr, gmsd=after.gmsd),
        sharpness=sharpness(result, picture.clean, blemish.repair),
    )
