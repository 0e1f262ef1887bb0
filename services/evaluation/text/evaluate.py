"""`retoucher evaluate text`: sets or loads test pictures, lets the product retouch them, and counts what came of it.

The product is used as a caller would use it, through `Local`; what is right is known from how a picture was made, and
whether it reads right is tesseract's word.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from rich.console import Console
from rich.progress import Progress

from services.evaluation.output import publish, require_folder_of
from services.evaluation.sabotage import ON_THE_FAULT, common
from services.evaluation.text import sabotage
from services.evaluation.text.figures import (
    CaseResult,
    ReadingFigures,
    TextReport,
    grouped,
    middle,
    relative_reading,
    share,
    to_table,
)
from services.evaluation.text.photographs import skipped
from services.evaluation.text.samples import TestPicture, load_picture, make_pictures, save_pictures
from services.evaluation.text.scoring import ReadingErrors, reading_errors, reads_as
from services.evaluation.text.tesseract import read, require_tesseract
from services.evaluation.text.truth import read_index
from services.local import Local
from shared.contracts.base import BoxXYXY, QuadXY
from shared.contracts.jobs import Job, JobOptions
from shared.contracts.values import Region
from shared.geometry import quad_box
from shared.images import Rgb, decode_rgb, encode_png

SABOTAGED_WORDS = 12

Watcher = Callable[[CaseResult, Rgb], None]


@dataclass(frozen=True)
class _Judged:
    """One case with the reader's errors on its lines: on the picture, on the result, on the twin."""

    case: CaseResult
    before: ReadingErrors
    after: ReadingErrors
    twin: ReadingErrors


def evaluate_text(
    data_dir: Path | None,
    count: int,
    seed: int,
    *,
    sabotaged_words: int = SABOTAGED_WORDS,
    watch: Watcher = lambda case, result: None,
) -> TextReport:
    """Measures the product on `count` set pictures, or on those that a folder's `index.json` lists.

    Args:
        data_dir: a folder with `index.json` (`services.evaluation.text.truth` documents it); None sets pictures.
        count: how many to set; for a folder, at most so many are taken.
        seed: of the pictures and of the jobs.
        sabotaged_words: how many words the sabotage table tries; 0 leaves it out.
        watch: called with each case and its result as soon as it is known.

    Raises:
        MissingResource: tesseract or the folder is missing.
        BadInput: the folder's index does not follow the schema.
    """
    require_tesseract()
    pictures = make_pictures(count, seed) if data_dir is None else _loaded(data_dir, count)
    local = Local.in_memory()
    judged = []
    for picture in pictures:
        one, result = _judge(local, picture, seed)
        judged.append(one)
        watch(one.case, result)
    table = sabotage.table(local, sabotaged_words, seed) if sabotaged_words else ()
    notes = skipped() if data_dir is None else ()
    return _report(judged, seed).model_copy(update={"sabotage": table, "notes": notes})


def _loaded(folder: Path, count: int) -> Iterator[TestPicture]:
    samples = read_index(folder)
    return (load_picture(folder, sample) for sample in samples[:count])


def _judge(local: Local, picture: TestPicture, seed: int) -> tuple[_Judged, Rgb]:
    sample = picture.sample
    started, worked = perf_counter(), process_time()
    job_id = local.submit(encode_png(picture.image), sample.prompt, JobOptions(seed=seed))
    job = local.run(job_id)
    spent = perf_counter() - started, process_time() - worked
    result = decode_rgb(local.artifact(job_id, "result.png")) if "result.png" in job.artifacts else picture.image
    case = _case(picture, job, result, spent)
    local.store.delete(f"{job_id}/")
    if sample.healthy:
        return _Judged(case, ReadingErrors(), ReadingErrors(), ReadingErrors()), result
    errors = [_lines_read(picture, image) for image in (picture.image, result, picture.twin)]
    return _Judged(case, *errors), result


def _case(picture: TestPicture, job: Job, result: Rgb, spent: tuple[float, float]) -> CaseResult:
    sample, size_hw = picture.sample, (picture.image.shape[0], picture.image.shape[1])
    seen = job.perceptions[0].regions if job.perceptions else ()
    faults = _boxes(sample.fault_quads_px or tuple(place.quad_px for place in sample.places), size_hw)
    found = bool(seen) if sample.healthy else any(_on(region.box_xyxy_px, faults) for region in seen)
    kept = job.result.patches if job.result is not None else ()
    on_fault = {region.id for region in job.known if _on(region.box_xyxy_px, faults)}
    checks = {check.patch_id: check for perception in job.perceptions for check in perception.checks}
    seams = [checks[patch.id].seam for patch in kept if patch.id in checks]
    return CaseResult(
        file=sample.file,
        kind=sample.kind,
        variety=sample.variety,
        surface=sample.surface,
        photograph=sample.photograph,
        size_hw=size_hw,
        found=found,
        edited=bool(np.any(result != picture.image)),
        repaired=any(on_fault.intersection(patch.region_ids) for patch in kept),
        read_after=_reads_right(picture, result),
        read_twin=None if sample.twin is None else _reads_right(picture, picture.twin),
        outcome=str(job.outcome or job.status),
        outside=job.largest_outside_difference or 0,
        seam=max(seams, default=None),
        seconds=spent[0],
        cpu_seconds=spent[1],
        note=_note(job, seen),
    )


def _boxes(quads: Sequence[QuadXY], size_hw: tuple[int, int]) -> tuple[BoxXYXY, ...]:
    return tuple(quad_box(quad, size_hw) for quad in quads)


def _on(box: BoxXYXY, faults: tuple[BoxXYXY, ...]) -> bool:
    return any(common(box, fault) >= ON_THE_FAULT for fault in faults)


def _reads_right(picture: TestPicture, image: Rgb) -> bool | None:
    if not picture.sample.places:
        return None
    return all(reads_as(read(image, place.quad_px), place.text) for place in picture.sample.places)


def _lines_read(picture: TestPicture, image: Rgb) -> ReadingErrors:
    errors = (reading_errors(read(image, line.quad_px), line.text) for line in picture.sample.lines)
    return sum(errors, ReadingErrors())


def _note(job: Job, seen: tuple[Region, ...]) -> str:
    """What the product itself says: what it saw, what it declined, what it refused."""
    parts = [
        f"{region.reading.fault}: read {region.reading.text!r}, expected {region.reading.expected!r}"
        for region in seen
        if region.reading is not None
    ]
    parts += [f"declined: {each.reason}" for each in job.declined]
    parts += [f"refused: {each.reason}" for each in job.verdicts if not each.accepted]
    parts += list(job.warnings)
    if job.error is not None:
        parts.append(f"error: {job.error.message}")
    return "; ".join(parts)


def _reading(errors: Sequence[ReadingErrors]) -> ReadingFigures:
    total = sum(errors, ReadingErrors())
    return ReadingFigures(word_accuracy=total.word_accuracy, character_error_rate=total.character_error_rate)


def _report(judged: Sequence[_Judged], seed: int) -> TextReport:
    cases = [each.case for each in judged]
    healthy = [case for case in cases if case.healthy]
    faulty = [case for case in cases if not case.healthy]
    seams = [case.seam for case in cases if case.seam is not None]
    megapixels = sum(case.size_hw[0] * case.size_hw[1] for case in cases) / 1e6
    return TextReport(
        seed=seed,
        count=len(cases),
        faulty=len(faulty),
        healthy=len(healthy),
        recall=share(sum(case.found for case in faulty), len(faulty)),
        false_alarms=share(sum(case.found or case.edited for case in healthy), len(healthy)),
        repaired_share=share(sum(case.repaired for case in faulty), len(faulty)),
        tesseract_relative=relative_reading(faulty),
        before=_reading([each.before for each in judged]),
        after=_reading([each.after for each in judged]),
        twin=_reading([each.twin for each in judged]),
        largest_outside_difference=max((case.outside for case in cases), default=0),
        seam_median=middle(seams) if seams else None,
        seam_worst=max(seams, default=None),
        seconds_median=middle([case.seconds for case in cases]),
        seconds_worst=max((case.seconds for case in cases), default=0.0),
        seconds_per_megapixel=sum(case.seconds for case in cases) / megapixels if megapixels else 0.0,
        cpu_seconds_per_megapixel=sum(case.cpu_seconds for case in cases) / megapixels if megapixels else 0.0,
        by_kind=grouped(faulty, [str(case.kind) for case in faulty]),
        by_surface=grouped(faulty, [case.surface for case in faulty]),
        cases=tuple(cases),
    )


def run(data: Path | None, count: int, seed: int, json_file: Path | None, save: Path | None) -> None:
    """The command: measures, shows progress, prints the table, writes what was asked for.

    `save` receives the pictures and `index.json` (readable by `data`), and each result as `NAME.result.png`.

    Raises:
        RetoucherError: as `evaluate_text`.
        BadInput: OUTPUT_NOT_WRITABLE, before anything is measured.
    """
    require_tesseract()
    if json_file is not None:
        require_folder_of(json_file)
    console = Console(highlight=False)
    if save is not None:
        source = make_pictures(count, seed) if data is None else _loaded(data, count)
        save_pictures(save, source)
    total = count if data is None else min(count, len(read_index(data)))
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("retouching", total=total)

        def watch(case: CaseResult, result: Rgb) -> None:
            progress.advance(task)
            console.print(_line(case), markup=False)
            if save is not None:
                (save / f"{Path(case.file).stem}.result.png").write_bytes(encode_png(result))

        report = evaluate_text(data, count, seed, watch=watch)
    publish(console, to_table(report), report, json_file)


def _line(case: CaseResult) -> str:
    if case.healthy:
        verdict = "left alone" if not (case.found or case.edited) else f"FALSE ALARM ({case.note})"
    else:
        read_right = "reads right" if case.read_after else "does not read right"
        done = f"repaired, {read_right}" if case.repaired else f"not repaired ({case.note or 'nothing found'})"
        verdict = f"{'found' if case.found else 'MISSED'}, {done}"
    what = " ".join(filter(None, (case.kind, case.variety, case.surface, case.photograph)))
    return f"{case.file} {what}: {verdict} [{case.seconds:.1f} s]"
