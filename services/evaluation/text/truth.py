"""What is known of a test picture: its words, where they stand, what is wrong, and the folder that holds such pictures.

`index.json` is a list of `Sample`; README-style documentation of each field is its docstring here. The same schema is
written by `--save DIR` and read by `--data DIR`. It must not know how pictures are made or judged.
"""

from enum import StrEnum
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from shared.contracts.base import Contract, QuadXY
from shared.errors import BadInput, ErrorCode, MissingResource

INDEX = "index.json"


class Kind(StrEnum):
    """What a test picture shows.

    `CORRECT`: the words agree with the prompt. `UNMENTIONED`: legible words that the prompt does not speak of.
    `NO_WORDS`: a photograph without words. All others are faults of the same name.
    """

    CORRECT = "correct"
    UNMENTIONED = "unmentioned"
    NO_WORDS = "no_words"
    MISSPELT = "misspelt"
    GARBLED = "garbled"
    MIRRORED = "mirrored"
    DOUBLED = "doubled"
    MISSING = "missing"
    WRONG = "wrong"


HEALTHY = frozenset({Kind.CORRECT, Kind.UNMENTIONED, Kind.NO_WORDS})
FAULTS = tuple(kind for kind in Kind if kind not in HEALTHY)


class PlacedText(Contract):
    """Words at a place: what should be read inside `quad_px` (corners in reading order, pixels of the picture)."""

    text: str = Field(min_length=1)
    quad_px: QuadXY


class Sample(Contract):
    """One entry of `index.json`.

    Attributes:
        file: PNG, JPEG or WebP, relative to the folder.
        prompt: what the picture was asked to show.
        kind: what is wrong; `correct` where nothing is.
        twin: the same picture with the right words; None where there is none.
        lines: each line of the sign as it should read, and where.
        places: what a repair must make readable, and where: the word in question, or its line where the line is set
            anew (a doubled word, a gap that closed). Empty for a healthy picture.
        fault_quads_px: where the fault is seen; a found region must lie on one of these.
        variety: which sort of the kind, `dropped` or `swapped` say.
        surface: what the words stand on.
        photograph: the photograph under it.
    """

    file: str
    prompt: str
    kind: Kind
    twin: str | None = None
    lines: tuple[PlacedText, ...] = ()
    places: tuple[PlacedText, ...] = ()
    fault_quads_px: tuple[QuadXY, ...] = ()
    variety: str | None = None
    surface: str | None = None
    photograph: str | None = None

    @property
    def healthy(self) -> bool:
        """Whether the product should leave the picture alone."""
        return self.kind in HEALTHY


_INDEX = TypeAdapter(tuple[Sample, ...])


def read_index(folder: Path) -> tuple[Sample, ...]:
    """The samples that a folder's `index.json` lists.

    Raises:
        MissingResource: no such folder or index, or a file that it names is missing.
        BadInput: the index does not follow the schema.
    """
    index = folder / INDEX
    if not index.is_file():
        raise MissingResource(ErrorCode.MISSING_DATA, f"no {INDEX} in {folder}: make one with --save {folder}")
    try:
        samples = _INDEX.validate_json(index.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            ErrorCode.BAD_OPTION, f"{index} at {where}: {first['msg']}: follow the schema of --save"
        ) from error
    for sample in samples:
        for name in filter(None, (sample.file, sample.twin)):
            if not (folder / name).is_file():
                raise MissingResource(ErrorCode.MISSING_DATA, f"{index} names {name}, which is not in {folder}: add it")
    return samples


def write_index(folder: Path, samples: tuple[Sample, ...]) -> None:
    """Writes `index.json`; the pictures are the caller's."""
    (folder / INDEX).write_bytes(_INDEX.dump_json(samples, indent=1, exclude_defaults=True))
