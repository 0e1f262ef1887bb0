"""The catalogue of typefaces in this folder: where each lies, its style and weight, and which characters it has.

`FONTS` may set words in pictures. `HELDOUT_FONTS` are for evaluation and test splits only: whatever sets or learns
from them would be judged on what it has seen. Nothing here draws.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

from shared.errors import ErrorCode, MissingResource

FOLDER = Path(__file__).parent


class FontStyle(StrEnum):
    """What a reader would call the letters."""

    SANS = "sans"
    SERIF = "serif"
    SLAB = "slab"
    CONDENSED = "condensed"
    HAND = "hand"
    CHALK = "chalk"
    STENCIL = "stencil"
    MONO = "mono"


@dataclass(frozen=True)
class Typeface:
    """One font file. `weight` is on the scale of OpenType's usWeightClass, 400 regular, 700 bold, 900 black."""

    name: str
    path: Path
    style: FontStyle
    weight: int

    def missing(self, text: str) -> tuple[str, ...]:
        """The characters of `text`, composed where Unicode can, that the font has no glyph for; spaces are ignored."""
        characters = sorted(set(unicodedata.normalize("NFC", text)))
        known = _codepoints(self.path)
        return tuple(c for c in characters if not c.isspace() and ord(c) not in known)

    def covers(self, text: str) -> bool:
        """Whether every character of `text` has a glyph."""
        return not self.missing(text)


@lru_cache(maxsize=64)
def _codepoints(path: Path) -> frozenset[int]:
    if not path.is_file():
        raise MissingResource(ErrorCode.MISSING_DATA, f"the font {path.name} is not in shared/fonts: install again")
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap() or {})


def _face(file: str, style: FontStyle, weight: int) -> Typeface:
    path = FOLDER / file
    return Typeface(name=path.stem, path=path, style=style, weight=weight)


FONTS: tuple[Typeface, ...] = (
    _face("Roboto-Regular.ttf", FontStyle.SANS, 400),
    _face("Roboto-Bold.ttf", FontStyle.SANS, 700),
    _face("Roboto-Black.ttf", FontStyle.SANS, 900),
    _face("Lato-Regular.ttf", FontStyle.SANS, 400),
    _face("Lato-Bold.ttf", FontStyle.SANS, 700),
    _face("Montserrat-SemiBold.ttf", FontStyle.SANS, 600),
    _face("Montserrat-Black.ttf", FontStyle.SANS, 900),
    _face("JosefinSans-SemiBold.ttf", FontStyle.SANS, 600),
    _face("Anton-Regular.ttf", FontStyle.CONDENSED, 400),
    _face("ArchivoNarrow-Bold.ttf", FontStyle.CONDENSED, 700),
    _face("BebasNeue-Regular.ttf", FontStyle.CONDENSED, 400),
    _face("Oswald-Regular.ttf", FontStyle.CONDENSED, 400),
    _face("Oswald-SemiBold.ttf", FontStyle.CONDENSED, 600),
    _face("CrimsonText-Regular.ttf", FontStyle.SERIF, 400),
    _face("Lora-Regular.ttf", FontStyle.SERIF, 400),
    _face("Lora-Bold.ttf", FontStyle.SERIF, 700),
    _face("PlayfairDisplay-Regular.ttf", FontStyle.SERIF, 400),
    _face("PlayfairDisplay-Black.ttf", FontStyle.SERIF, 900),
    _face("AlfaSlabOne-Regular.ttf", FontStyle.SLAB, 400),
    _face("RobotoSlab-Regular.ttf", FontStyle.SLAB, 400),
    _face("RobotoSlab-Bold.ttf", FontStyle.SLAB, 700),
    _face("Rokkitt-SemiBold.ttf", FontStyle.SLAB, 600),
    _face("Caveat-Bold.ttf", FontStyle.HAND, 700),
    _face("PatrickHand-Regular.ttf", FontStyle.HAND, 400),
    _face("PermanentMarker-Regular.ttf", FontStyle.HAND, 400),
    _face("CabinSketch-Bold.ttf", FontStyle.CHALK, 700),
    _face("SairaStencilOne-Regular.ttf", FontStyle.STENCIL, 400),
    _face("CourierPrime-Bold.ttf", FontStyle.MONO, 700),
)

HELDOUT_FONTS: tuple[Typeface, ...] = (
    _face("heldout/OpenSans-SemiBold.ttf", FontStyle.SANS, 600),
    _face("heldout/Cabin-Bold.ttf", FontStyle.SANS, 700),
    _face("heldout/BarlowCondensed-SemiBold.ttf", FontStyle.CONDENSED, 600),
    _face("heldout/LibreBaskerville-Regular.ttf", FontStyle.SERIF, 400),
    _face("heldout/PTSerif-Bold.ttf", FontStyle.SERIF, 700),
    _face("heldout/Arvo-Bold.ttf", FontStyle.SLAB, 700),
    _face("heldout/GloriaHallelujah-Regular.ttf", FontStyle.HAND, 400),
    _face("heldout/BlackOpsOne-Regular.ttf", FontStyle.STENCIL, 400),
)


def covering(text: str, fonts: tuple[Typeface, ...] = FONTS) -> tuple[Typeface, ...]:
    """Those of `fonts` that have every character of `text`."""
    return tuple(face for face in fonts if face.covers(text))
