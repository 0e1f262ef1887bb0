"""The independent reader: tesseract, called as a program. The product itself reads with another engine.

Every crop is treated alike: rectified by its quadrilateral, scaled to one height, greyed, dark letters on light ground.
"""

import os
import shutil
import subprocess

import cv2
import numpy as np

from shared.contracts.base import QuadXY
from shared.errors import ErrorCode, MissingResource, StageError
from shared.images import Gray, Rgb, encode_png

READING_HEIGHT_PX = 96
"""Of a rectified crop, margin included; tesseract's model reads letters of 30 to 40 pixels best."""

MARGIN = 0.22
"""Grown around the ink on every side, as a share of its height: tesseract wants air around letters."""


def require_tesseract() -> str:
    """The program's path.

    Raises:
        MissingResource: it is not installed.
    """
    path = shutil.which("tesseract")
    if path is None:
        raise MissingResource(
            ErrorCode.MISSING_PACKAGE, "tesseract is not installed: apt-get install tesseract-ocr (Debian, Ubuntu)"
        )
    return path


def rectified(image: Rgb, quad: QuadXY) -> Gray:
    """`(READING_HEIGHT_PX, w)` grey crop of what stands in `quad`, upright, dark on light."""
    corners = np.asarray(quad, np.float32)
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width, height = float(sides[0] + sides[2]) / 2, float(sides[1] + sides[3]) / 2
    scale = READING_HEIGHT_PX / (max(height, 1.0) * (1 + 2 * MARGIN))
    inner_w, margin = max(8, round(width * scale)), READING_HEIGHT_PX * MARGIN / (1 + 2 * MARGIN)
    size = (round(inner_w + 2 * margin), READING_HEIGHT_PX)
    x1, y1 = inner_w + margin, READING_HEIGHT_PX - margin
    target = np.asarray([(margin, margin), (x1, margin), (x1, y1), (margin, y1)], np.float32)
    warp = cv2.getPerspectiveTransform(corners, target)
    crop = cv2.warpPerspective(image, warp, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    grey = cv2.normalize(grey, np.zeros_like(grey), 0, 255, cv2.NORM_MINMAX)
    rim = np.concatenate([grey[:8].ravel(), grey[-8:].ravel(), grey[:, :8].ravel(), grey[:, -8:].ravel()])
    return np.asarray(255 - grey if float(np.median(rim)) < float(np.mean(grey)) or np.median(rim) < 110 else grey)


def read(image: Rgb, quad: QuadXY) -> str:
    """What tesseract reads in `quad` as one line of English; empty where it reads nothing.

    Raises:
        MissingResource: tesseract is not installed.
        StageError: it failed.
    """
    command = [require_tesseract(), "stdin", "stdout", "--psm", "7", "-l", "eng"]
    # one thread: its OpenMP threads cost more than they bring on crops of this size
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    png = encode_png(np.ascontiguousarray(rectified(image, quad)))
    done = subprocess.run(  # noqa: S603 (a fixed program and our own bytes)
        command, input=png, capture_output=True, env=environment, check=False
    )
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise StageError(
            ErrorCode.INTERNAL, f"tesseract failed ({' '.join(last)}): check apt-get install tesseract-ocr"
        )
    return done.stdout.decode(errors="replace").strip()
