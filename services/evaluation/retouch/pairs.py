"""Blinded pairs for people: before and after side by side, which is which known to the key alone (the paper's Table 2).

`index.html` is what a rater is given: one file with everything in it. `key.json` stays with whoever asks.
"""

import base64
import hashlib
import io
import random
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from services.datasets.schema import BlemishRecord
from services.evaluation.retouch.keeping import Kept
from shared.contracts.base import Contract
from shared.errors import BadInput, ErrorCode

KEY_FILE, PAGE_FILE = "key.json", "index.html"

Side = Literal["left", "right"]


class Pair(Contract):
    """One question. `after` is the side on which the retouched picture stands."""

    id: str
    arm: str
    file: str
    after: Side


class PreferenceKey(Contract):
    """What the answers are read with.

    Attributes:
        study: an id that page and answers carry, so that they cannot be mixed up.
        pairs: in the order of the page.
        unchanged: by arm, blemished images that it left as they were: nobody is asked, they are "about the same".
    """

    schema_version: Literal[1] = 1
    study: str
    data: str
    pairs: tuple[Pair, ...]
    unchanged: dict[str, int]


def export_pairs(
    out: Path, data: Path, records: Sequence[BlemishRecord], kept: Kept, arms: Sequence[str], seed: int
) -> PreferenceKey:
    """Writes the page and its key into `out`.

    Args:
        out: a folder, new or empty.
        data: the benchmark's folder.
        records: its images that were evaluated; healthy ones are left out.
        kept: the evaluation, with all results of the arms.
        arms: the rows to ask about.
        seed: of order and sides.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE; or no image was changed, so that there is nothing to ask.
    """
    _require_empty(out)
    rng = random.Random(f"preference/{seed}")
    pairs, unchanged = [], dict.fromkeys(arms, 0)
    for arm in arms:
        for record in records:
            if record.healthy:
                continue
            if not kept.cases[arm, record.file_name].edited:
                unchanged[arm] += 1
                continue
            side: Side = rng.choice(("left", "right"))
            pairs.append(Pair(id=f"{rng.getrandbits(48):012x}", arm=arm, file=record.file_name, after=side))
    if not pairs:
        raise BadInput(
            ErrorCode.MISSING_DATA,
            "no blemished image was changed, so there is nothing to compare: evaluate a profile that repairs some",
        )
    rng.shuffle(pairs)
    study = hashlib.sha256("/".join(pair.id for pair in pairs).encode()).hexdigest()[:16]
    key = PreferenceKey(study=study, data=data.resolve().name, pairs=tuple(pairs), unchanged=unchanged)
    prompts = {record.file_name: record.prompt for record in records}
    (out / PAGE_FILE).write_text(_page(key, data, kept, prompts), encoding="utf-8")
    (out / KEY_FILE).write_text(key.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return key


def _require_empty(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        held = any(out.iterdir())
    except OSError as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} cannot be written ({error.strerror}): give another --export-pairs"
        ) from error
    if held:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE,
            f"{out} is not empty: give a new folder, for answers belong to the page that they were given on",
        )


def _page(key: PreferenceKey, data: Path, kept: Kept, prompts: dict[str, str]) -> str:
    questions = []
    for pair in key.pairs:
        before, after = _embedded(data / pair.file), _embedded(kept.result(pair.arm, pair.file))
        left, right = (after, before) if pair.after == "left" else (before, after)
        questions.append({"id": pair.id, "prompt": prompts[pair.file], "left": left, "right": right})
    environment = Environment(
        loader=PackageLoader("services.evaluation.retouch"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _asset("preference.js")
    return environment.get_template("preference.html").render(
        study=key.study,
        questions=questions,
        style=_asset("preference.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


def _asset(name: str) -> str:
    return resources.files("services.evaluation.retouch").joinpath("templates", name).read_text(encoding="utf-8")


def _embedded(path: Path) -> str:
    """A data URI of the picture, lossless: raters are to see what was made, not a codec."""
    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, "WEBP", lossless=True, quality=50, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
