"""What an evaluation keeps on disk: each case as soon as it is known, and each result, so that a stopped run goes on.

Layout of the folder: `evaluation.json` (what is measured), `cases.jsonl`, `sabotage.jsonl`, and
`results/ARM/NAME.png` with `NAME.mask.png`, where a pixel may differ.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from pydantic import ValidationError

from services.evaluation.retouch.attempt import Attempt
from services.evaluation.retouch.cases import ImageCase
from services.evaluation.retouch.pictures import Picture
from services.evaluation.sabotage import SabotageCase
from shared.contracts.base import Contract
from shared.errors import BadInput, ErrorCode

KEY_FILE, CASES_FILE, SABOTAGE_FILE, RESULTS = "evaluation.json", "cases.jsonl", "sabotage.jsonl", "results"

Row = TypeVar("Row", ImageCase, SabotageCase)


class EvaluationKey(Contract):
    """What must agree for a run to be continued.

    Attributes:
        data: the folder's name; `metadata_sha256` of its rows.
        profile: its name; `profile_sha256` of all that it says.
        rater_sha256: of its weights; None without one.
    """

    schema_version: int = 1
    data: str
    metadata_sha256: str
    profile: str
    profile_sha256: str
    rater_sha256: str | None
    seed: int


class Kept:
    """An evaluation's folder.

    Raises:
        BadInput: it cannot be written, holds something else, or another evaluation.
    """

    def __init__(self, folder: Path, key: EvaluationKey) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held = {path.name for path in folder.iterdir()}
        except OSError as error:
            raise BadInput(
                ErrorCode.OUTPUT_NOT_WRITABLE, f"{folder} cannot be written ({error.strerror}): give another --out"
            ) from error
        if KEY_FILE in held:
            self._require_same(key)
        elif held:
            raise BadInput(
                ErrorCode.OUTPUT_NOT_WRITABLE, f"{folder} is not empty and no evaluation: give an empty folder as --out"
            )
        else:
            (folder / KEY_FILE).write_text(key.model_dump_json(indent=2) + "\n", encoding="utf-8")
        self.cases = {(case.arm, case.file): case for case in _rows(folder / CASES_FILE, ImageCase)}
        self.sabotage = {case.file: case for case in _rows(folder / SABOTAGE_FILE, SabotageCase)}

    def _require_same(self, key: EvaluationKey) -> None:
        path = self._folder / KEY_FILE
        try:
            before = EvaluationKey.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise BadInput(
                ErrorCode.FILE_NOT_READABLE, f"{path} is damaged: give another --out to begin anew"
            ) from error
        now, then = key.model_dump(), before.model_dump()
        changed = sorted(name for name in now if now[name] != then[name])
        if changed:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"{self._folder} holds an evaluation with other values of {', '.join(changed)}: continue it with the "
                "same ones, or give another --out",
            )

    def keep(self, case: ImageCase) -> None:
        """Takes a case; it is on disk when this returns."""
        self.cases[case.arm, case.file] = case
        _append(self._folder / CASES_FILE, case)

    def keep_sabotage(self, case: SabotageCase) -> None:
        """Takes the trials of one picture."""
        self.sabotage[case.file] = case
        _append(self._folder / SABOTAGE_FILE, case)

    def write_result(self, arm: str, picture: Picture, attempt: Attempt) -> Path:
        """Writes what was handed out, and returns the picture's path; its mask lies beside it."""
        path = self.result(arm, picture.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(attempt.result_png)
        if attempt.mask_png is not None:
            mask_beside(path).write_bytes(attempt.mask_png)
        return path

    def result(self, arm: str, file: str) -> Path:
        """Where the arm's result of that picture lies."""
        return self._folder / RESULTS / arm.replace(":", "-") / f"{Path(file).stem}.png"


def mask_beside(result: Path) -> Path:
    """Where the mask of a result lies."""
    return result.with_suffix(".mask.png")


def outside_difference(original: Path, result: Path) -> int | None:
    """The largest difference of any channel where the mask beside `result` is black; None without a mask.

    Reads the three files and compares them by itself: it shares no code with the product's own proof.

    Raises:
        BadInput: the result has another size than the original.
    """
    if not mask_beside(result).is_file():
        return None
    before, after, mask = (
        np.asarray(Image.open(path).convert(mode), np.int64)
        for path, mode in ((original, "RGB"), (result, "RGB"), (mask_beside(result), "L"))
    )
    if before.shape != after.shape or before.shape[:2] != mask.shape:
        raise BadInput(
            ErrorCode.MASK_SIZE_MISMATCH,
            f"{result} is {after.shape}, its mask {mask.shape}, the picture {before.shape}: report this as a fault",
        )
    return int(np.abs(before - after)[mask == 0].max(initial=0))


def _rows(path: Path, kind: type[Row]) -> Iterator[Row]:
    """The rows of a file; a half line of a stopped run is cut off.

    Raises:
        BadInput: FILE_NOT_READABLE.
    """
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        path.write_bytes(data[:whole])
    for number, line in enumerate(data[:whole].splitlines(), start=1):
        try:
            yield kind.model_validate_json(line)
        except ValidationError as error:
            raise BadInput(
                ErrorCode.FILE_NOT_READABLE, f"{path}, line {number}, is damaged: give another --out to begin anew"
            ) from error


def _append(path: Path, row: Contract) -> None:
    with path.open("a", encoding="utf-8") as lines:
        lines.write(row.model_dump_json() + "\n")
