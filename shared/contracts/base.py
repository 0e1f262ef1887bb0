"""The base of every contract: frozen, and strict about unknown fields."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Contract(BaseModel):
    """An immutable value; an unknown field is an error, so that a misspelt option is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


BoxXYXY = tuple[int, int, int, int]
"""Pixels `(x0, y0, x1, y1)` in the original's frame, half-open: `x1` and `y1` lie outside the box."""

PointXY = tuple[float, float]
"""A point in the original's pixels; (0, 0) is the outer corner of the top left pixel."""

QuadXY = tuple[PointXY, PointXY, PointXY, PointXY]
"""Corners in reading order: top left, top right, bottom right, bottom left, as the reader of the text sees it."""

UnitFloat = Annotated[float, Field(ge=0.0, le=1.0)]
