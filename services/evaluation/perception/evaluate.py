"""`retoucher evaluate perception`: Table 3 on a folder in the project's schema, printed and written as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from rich.console import Console

import services.perception
from services.datasets.schema import BlemishRecord, read_records
from services.evaluation.output import Measuring, publish, require_folder_of
from services.evaluation.perception.colours import count_colours
from services.evaluation.perception.figures import (
    ColourFigures,
    PerceptionReport,
    PhotographFigures,
    WouldEdit,
    to_tables,
)
from services.evaluation.perception.measure import Measured, measure, shuffled_prompts
from services.evaluation.perception.photographs import given_photographs, judge_photographs, shipped_photographs
from services.evaluation.perception.predictors import CheckpointPredictor, RahfPredictor
from services.evaluation.perception.truth import folder_images
from services.perception.detectors.rahf import RahfDetector, RahfSource
from services.perception.detectors.saliency import SaliencyDetector
from services.perception.saliency.checkpoint import Checkpoint, load_checkpoint
from shared.errors import BadInput, ErrorCode, MissingResource

SHIPPED_CHECKPOINT = Path(services.perception.__file__).parent / "checkpoints" / "saliency-tiny"


@dataclass(frozen=True)
class PerceptionEvaluation:
    """What is asked.

    Attributes:
        data: a folder in the project's schema.
        checkpoint: its folder; None takes the shipped one.
        rahf: RAHF's public state dict, as one more baseline; None leaves it out.
        rahf_tokenizer: folder or hub id of the T5 tokenizer that RAHF was trained with.
        photographs: also try scikit-image's photographs.
        images: photographs of the caller's own, files or folders.
        colours: also count wrong colours that are known for such.
        device: `cpu` or `cuda`.
    """

    data: Path
    checkpoint: Path | None = None
    rahf: Path | None = None
    rahf_tokenizer: str = RahfSource.tokenizer
    photographs: bool = False
    images: tuple[Path, ...] = ()
    colours: bool = False
    device: str = "cpu"


def run(asked: PerceptionEvaluation, json_file: Path | None, console: Console | None = None) -> PerceptionReport:
    """The command: measures, shows progress, prints the tables, writes what was asked for.

    Raises:
        BadInput: the folder has no metadata, no blemished image, or a file that cannot be read; or the JSON cannot
            be written.
        MissingResource: a checkpoint or RAHF's weights are not there; with the command that gets or trains it.
    """
    console = console or Console(highlight=False)
    if json_file is not None:
        require_folder_of(json_file)
    report = evaluate_perception(asked, console)
    publish(console, to_tables(report), report, json_file)
    return report


def evaluate_perception(asked: PerceptionEvaluation, console: Console) -> PerceptionReport:
    """Table 3; raises as `run`."""
    records = tuple(read_records(asked.data))
    if all(record.healthy for record in records):
        raise BadInput(
            ErrorCode.MISSING_DATA, f"{asked.data} holds no blemished image: give a folder that `benchmark make` wrote"
        )
    checkpoint = load_checkpoint(asked.checkpoint or SHIPPED_CHECKPOINT, asked.device)
    rahf = _rahf(asked)
    photographs = _photographs(asked, checkpoint)  # first, for a wrong path is told at once then
    others = shuffled_prompts([record.prompt for record in records])
    network = CheckpointPredictor(checkpoint)
    with Measuring(console, len(records)) as progress:
        found = measure(
            folder_images(asked.data, records), network, other_prompts=others, rahf=rahf, advance=progress.advance
        )
    return PerceptionReport(
        colours=_colours(asked, records),
        overall=found.network.overall(),
        per_category=found.network.per_category(),
        shuffled_prompt=found.shuffled_prompt(),
        baselines=found.baseline_figures(),
        discs=found.discs.overall(),
        would_edit=WouldEdit(
            blemished=found.network.edited_share(healthy=False), healthy=found.network.edited_share(healthy=True)
        ),
        photographs=photographs,
        data=asked.data.resolve().name,
        checkpoint=(asked.checkpoint or SHIPPED_CHECKPOINT).resolve().name,
        blemished=found.network.images - found.network.healthy,
        healthy=found.network.healthy,
        blemished_by_category=found.network.counts(),
        notes=_notes(found, records, others),
    )


def _rahf(asked: PerceptionEvaluation) -> RahfPredictor | None:
    if asked.rahf is None:
        return None
    if not asked.rahf.is_file():
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"RAHF's weights are not in {asked.rahf.resolve()}: give the file of its public checkpoint",
        )
    source = RahfSource(asked.rahf, asked.rahf_tokenizer)
    return RahfPredictor(RahfDetector(source, device=asked.device))


def _colours(asked: PerceptionEvaluation, records: Sequence[BlemishRecord]) -> ColourFigures | None:
    if not asked.colours:
        return None
    detector = SaliencyDetector(asked.checkpoint or SHIPPED_CHECKPOINT, asked.device)
    return count_colours(detector, folder_images(asked.data, records))


def _photographs(asked: PerceptionEvaluation, checkpoint: Checkpoint) -> PhotographFigures | None:
    if not asked.photographs and not asked.images:
        return None
    shipped = shipped_photographs() if asked.photographs else iter(())
    return judge_photographs(checkpoint, chain(shipped, given_photographs(asked.images)))


def _notes(found: Measured, records: Sequence[BlemishRecord], others: Sequence[str] | None) -> tuple[str, ...]:
    notes = []
    if found.oracle_missing:
        notes.append(
            f"no foreground oracle: the drawn things of {found.oracle_missing} of {len(records)} images are not known "
            "(not drawn by this version of the benchmark)"
        )
    if others is None:
        notes.append("no shuffled prompts: all images have the same one")
    if not found.network.healthy:
        notes.append("no image-level AUROC: there is no healthy image")
    return tuple(notes)
