"""Reads the pictures that a folder in the project's schema names. Knows pixels, nothing of what they are for."""

from pathlib import Path

import numpy as np
from PIL import Image

from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask
from shared.images import Gray, Rgb


def read_picture(folder: Path, name: str) -> Rgb:
    """`(H, W, 3)` RGB of a file of the folder.

    Raises:
        BadInput: FILE_NOT_READABLE.
    """
    return np.asarray(_open(folder / name, "RGB"))


def read_mask(folder: Path, name: str, size_hw: tuple[int, int]) -> Mask:
    """`(H, W)` bool of a file of the folder, True where it is bright.

    Raises:
        BadInput: FILE_NOT_READABLE; MASK_SIZE_MISMATCH, it has another size than its image.
    """
    return np.asarray(read_gray(folder, name, size_hw) > 127)


def read_gray(folder: Path, name: str, size_hw: tuple[int, int]) -> Gray:
    """`(H, W)` uint8 of a file of the folder.

    Raises:
        BadInput: FILE_NOT_READABLE; MASK_SIZE_MISMATCH, it has another size than its image.
    """
    gray = np.asarray(_open(folder / name, "L"))
    if gray.shape != size_hw:
        raise BadInput(
            ErrorCode.MASK_SIZE_MISMATCH,
            f"{folder / name} is {gray.shape}, its image {size_hw}: convert the data set anew",
        )
    return gray


def _open(path: Path, mode: str) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert(mode)
    except (OSError, SyntaxError, ValueError) as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"{path} cannot be read ({error}): make or convert the data set anew"
        ) from error
