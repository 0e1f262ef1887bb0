"""Writes a benchmark as a Hugging Face imagefolder: PNGs and `metadata.jsonl`. A stopped run goes on where it was.

Layout: `images/`, `clean/`, `visible/`, `repair/`, one file per index (and region), and `benchmark.json` with the
options, so that a folder is never continued with others.
"""

import json
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.datasets.benchmark.sample import Region, Sample, check_options, make_sample
from services.datasets.schema import METADATA, BlemishRecord, RegionTruth, row
from shared.errors import BadInput, ErrorCode
from shared.geometry import mask_box
from shared.images import encode_png

OPTIONS = "benchmark.json"


def write_benchmark(
    out: Path, count: int, seed: int = 0, size: int = 256, split: str = "train", mix: str = "balanced"
) -> int:
    """Writes samples 0 to `count` - 1; returns how many were written now, the rest being there already.

    Raises:
        BadInput: BAD_OPTION for an unknown option or a count below 1; OUTPUT_NOT_WRITABLE where the folder holds
            something else, or a benchmark with other options.
    """
    check_options(split, mix, size)
    if count < 1:
        raise BadInput(ErrorCode.BAD_OPTION, f"a benchmark of {count} images is none: give a count of at least 1")
    options = {"seed": seed, "size": size, "split": split, "mix": mix, "schema_version": 1}
    _claim(out, options)
    done = _finished(out / METADATA)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (out / METADATA).open("a", encoding="utf-8") as lines, Progress(*columns) as progress:
        task = progress.add_task(f"drawing {split}", total=count, completed=min(done, count))
        for index in range(done, count):
            sample = make_sample(seed, index, split, mix, size)
            lines.write(row(_write(out, index, sample, f"benchmark/{split}/{mix}")))
            lines.flush()
            progress.advance(task)
    return max(0, count - done)


def _claim(out: Path, options: dict[str, object]) -> None:
    """Makes the folder ours, or finds that it already is."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        held = {p.name for p in out.iterdir()}
    except OSError as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} cannot be written ({error.strerror}): give another --out"
        ) from error
    known = out / OPTIONS
    if known.name in held:
        if json.loads(known.read_text(encoding="utf-8")) != options:
            raise BadInput(
                ErrorCode.OUTPUT_NOT_WRITABLE,
                f"{out} holds a benchmark with other options ({OPTIONS}): give another --out",
            )
        return
    if held:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} is not empty and no benchmark: give an empty folder as --out"
        )
    for name in ("images", "clean", "visible", "repair"):
        (out / name).mkdir()
    known.write_text(json.dumps(options), encoding="utf-8")


def _finished(path: Path) -> int:
    """Whole lines in the metadata; a half line of a stopped run is cut off."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        path.write_bytes(data[:whole])
    return data[:whole].count(b"\n")


def _write(out: Path, index: int, sample: Sample, source: str) -> BlemishRecord:
    name = f"{index:06d}"
    (out / "images" / f"{name}.png").write_bytes(encode_png(sample.image))
    (out / "clean" / f"{name}.png").write_bytes(encode_png(sample.clean))
    visible: list[str] = []
    repair: list[str] = []
    regions: list[RegionTruth] = []
    for number, region in enumerate(sample.regions):
        for folder, mask, names in (("visible", region.visible, visible), ("repair", region.repair, repair)):
            path = f"{folder}/{name}_{number}.png"
            (out / path).write_bytes(encode_png(mask.astype("uint8") * 255))
            names.append(path)
        regions.append(truth_of(region))
    h, w = sample.image.shape[:2]
    return BlemishRecord(
        file_name=f"images/{name}.png", clean_file_name=f"clean/{name}.png", visible_mask_file_names=tuple(visible),
        repair_mask_file_names=tuple(repair), prompt=sample.prompt, size_hw=(h, w), healthy=sample.healthy,
        prompt_contradicts=any(r.prompt_fault for r in sample.regions), layout=sample.layout, source=source,
        scores=sample.scores,
        regions=tuple(regions),
    )  # fmt: skip


def truth_of(region: Region) -> RegionTruth:
    """What the schema says of a drawn blemish."""
    box = mask_box(region.visible)
    if box is None:
        raise ValueError("a region without a visible pixel is no blemish")
    return RegionTruth(
        category=region.category,
        kind=region.kind,
        description=region.description,
        inconsistency=region.inconsistency,
        instruction=region.instruction,
        centre_xy_px=region.centre_xy_px,
        box_xyxy_px=box,
        visible_share=float(region.visible.mean()),
    )
