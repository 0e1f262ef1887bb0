"""`retoucher evaluate reasoning`: Table 4 on regions as detectors propose them, printed and written as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from services.datasets.proposals.opening import open_regions
from services.datasets.proposals.propose import Proposal
from services.datasets.schema import METADATA, read_records
from services.datasets.sources import FolderSamples
from services.evaluation.output import Measuring, publish, require_folder_of
from services.evaluation.reasoning.boxes import boxes_row
from services.evaluation.reasoning.confusion import draw_confusion
from services.evaluation.reasoning.figures import BoxesRow, ReasoningReport, ReasoningRow, to_tables
from services.evaluation.reasoning.measure import Asked, Yardsticks, compared, measured_row
from services.evaluation.reasoning.wordnet import find_wordnet
from services.evaluation.reasoning.words import read_vectors
from services.reasoning.card import CALIBRATION_FILE, ReasonerCalibration, load_calibration
from services.reasoning.prompts import load_prompt
from services.reasoning.similarity import MiniLm
from services.reasoning.training.asking import Asking, first_proposals
from services.reasoning.training.models import load_model
from shared.errors import BadInput, ErrorCode

_PLAIN_EVERY = 100
"""Regions between two lines of progress where there is no terminal."""
_DEFAULT_PROMPT = "v1"


@dataclass(frozen=True)
class ModelRow:
    """A model of the table: its name there, and its folder or hub id."""

    name: str
    model: str


@dataclass(frozen=True)
class ReasoningEvaluation:
    """What is asked.

    Attributes:
        data: a data set, or a folder of proposed regions.
        rows: the models; each is compared with the one before it.
        prompt: version of the request; None takes the one that the model was taught, else v1.
        seed: of proposed regions, where the folder holds a data set.
        limit: regions at most; None for all.
        boxes: images on which each model is also asked for boxes; 0 leaves Table 3's rows out.
        vectors: word vectors in word2vec's text format.
        confusion: the picture.
        batch: regions at once.
        device: `cpu` or `cuda`.
        calibrate: write what was measured into the models' folders: whether one may veto follows from it.
    """

    data: Path
    rows: tuple[ModelRow, ...]
    prompt: str | None = None
    seed: int = 0
    limit: int | None = None
    boxes: int = 0
    vectors: Path | None = None
    confusion: Path | None = None
    batch: int = 16
    device: str = "cpu"
    calibrate: bool = False


def run(asked: ReasoningEvaluation, json_file: Path | None, console: Console | None = None) -> ReasoningReport:
    """The command: asks, shows progress, prints the tables, writes what was asked for.

    Raises:
        BadInput: the folder holds no regions, or a file cannot be read or written.
        MissingResource: a model or the sentence encoder is not there.
    """
    console = console or Console(highlight=False)
    for path in (json_file, asked.confusion):
        if path is not None:
            require_folder_of(path)
    if asked.calibrate:
        _require_cards(asked.rows)
    report, answers = evaluate_reasoning(asked, console)
    publish(console, to_tables(report), report, json_file)
    if asked.confusion is not None:
        draw_confusion(answers, asked.confusion)
    if asked.calibrate:
        for row, measured in zip(asked.rows, report.rows, strict=True):
            _calibrate(Path(row.model), measured, report.data)
    return report


def evaluate_reasoning(asked: ReasoningEvaluation, console: Console) -> tuple[ReasoningReport, Sequence[Asked]]:
    """Table 4 and each model's answers; raises as `run`."""
    if asked.boxes and not (asked.data / METADATA).is_file():
        raise BadInput(
            ErrorCode.BAD_OPTION, f"--boxes needs masks, and {asked.data} holds proposed regions: give the data set"
        )
    source = open_regions(asked.data, asked.seed)
    proposals = first_proposals(source, asked.limit if asked.limit is not None else 10**9)
    if not proposals:
        raise BadInput(ErrorCode.MISSING_DATA, f"{asked.data} gives no region: give a folder with more samples")
    yardsticks = Yardsticks(
        MiniLm(), find_wordnet(), read_vectors(asked.vectors) if asked.vectors is not None else None
    )
    answers: list[Asked] = []
    boxes: list[BoxesRow] = []
    for row in asked.rows:
        model = _model(asked, row)
        console.print(f"asking {row.name}", markup=False)
        with Measuring(console, len(proposals), plain_every=_PLAIN_EVERY, what="regions") as progress:
            answers.append(Asked(row.name, model.judged(proposals, progress.advance)))
        if asked.boxes and (found := _boxes(asked, row.name, model)) is not None:
            boxes.append(found)
    report = ReasoningReport(
        data=asked.data.resolve().name,
        distorted=sum(one.truth is not None for one in proposals),
        healthy=sum(one.truth is None for one in proposals),
        rows=tuple(measured_row(one, yardsticks) for one in answers),
        comparisons=tuple(compared(before, after, yardsticks.similarity) for before, after in pairwise(answers)),
        boxes=tuple(boxes),
        notes=_notes(yardsticks, proposals),
    )
    return report, answers


def _model(asked: ReasoningEvaluation, row: ModelRow) -> Asking:
    model, processor = load_model(row.model, device=asked.device, half=asked.device == "cuda")
    folder = Path(row.model)
    taught = load_calibration(folder).prompt if (folder / CALIBRATION_FILE).is_file() else _DEFAULT_PROMPT
    return Asking(model, processor, load_prompt(asked.prompt or taught), batch=asked.batch)


def _require_cards(rows: Sequence[ModelRow]) -> None:
    for row in rows:
        if not (Path(row.model) / CALIBRATION_FILE).is_file():
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"--calibrate writes into the folders of models that were trained here, and {row.model} has no "
                f"{CALIBRATION_FILE}: leave that row out, or the option",
            )


def _calibrate(folder: Path, measured: ReasoningRow, data: str) -> None:
    ReasonerCalibration.measured(
        prompt=load_calibration(folder).prompt,
        split=data,
        regions=measured.regions,
        accuracy=measured.accuracy,
        distorted_recall=measured.distorted_recall,
        healthy_recall=measured.healthy_recall,
        json_valid=measured.json_valid,
    ).save(folder)


def _boxes(asked: ReasoningEvaluation, name: str, model: Asking) -> BoxesRow | None:
    def ask(pictures: Sequence[Image.Image], requests: Sequence[str]) -> Sequence[str]:
        turns: list[Any] = [
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": words}]}] for words in requests
        ]
        processor: Any = model.processor
        prompts = [processor.apply_chat_template(turn, tokenize=False, add_generation_prompt=True) for turn in turns]
        return model.write([[picture] for picture in pictures], prompts)

    samples = FolderSamples(asked.data, tuple(read_records(asked.data)))
    return boxes_row(name, samples, ask, limit=asked.boxes, batch=asked.batch)


def _notes(yardsticks: Yardsticks, proposals: Sequence[Proposal]) -> tuple[str, ...]:
    notes = []
    if yardsticks.wordnet is None:
        notes.append("no METEOR: WordNet is not on this machine (Debian: apt-get install wordnet-base)")
    if yardsticks.vectors is None:
        notes.append("no Word2Vec: give vectors in word2vec's text format by --vectors")
    if len({one.truth is None for one in proposals}) < 2:
        notes.append("the regions are all distorted or all sound: half of the recalls cannot be told")
    return tuple(notes)
