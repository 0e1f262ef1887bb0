"""One training run of the saliency network from data to a checkpoint that serves: train, save, calibrate, write a card.

A run that was stopped resumes from its last state and ends as if it had not been.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import PrinterCallback, TrainingArguments, set_seed

from services.perception.calibration import Calibration, load_calibration
from services.perception.saliency.checkpoint import TOKENIZER_FILE, Network, load_network, load_tokenizer
from services.perception.training.build import build_network
from services.perception.training.calibrate import Counts, calibrate, calibrate_domain
from services.perception.training.card import write_card
from services.perception.training.dataset import (
    LABEL_NAMES,
    SaliencyCollator,
    SaliencyDataset,
    TwinnedDataset,
    label_counts,
)
from services.perception.training.options import TrainingOptions
from services.perception.training.samples import FirstOf, SampleSource
from services.perception.training.trainer import SaliencyTrainer, validation_metrics
from services.training.log_file import seconds_spent
from services.training.optimisers import optimiser_of
from services.training.trainer import batch_arguments, begin, common_arguments, drawn_once, watching
from shared.errors import ErrorCode, MissingResource

LOG_FILE = "training_log.jsonl"
_TOKENIZER_PROMPTS = 600
"""Samples whose prompts the tokenizer learns from: drawing them costs time, and rarer words are spelt anyway."""


@dataclass(frozen=True)
class TrainingData:
    """What a run learns from and is measured on.

    Attributes:
        training: samples to learn from.
        validation: samples to measure and to choose thresholds on.
        description: a sentence for the card.
        known: what the domain check takes for known; None is `training`. Varied samples would make it know too much.
    """

    training: SampleSource
    validation: SampleSource
    description: str
    known: SampleSource | None = None


@dataclass(frozen=True)
class TrainingResult:
    """What a run leaves: the folder, its thresholds, the steps done, and the last validation's figures."""

    folder: Path
    calibration: Calibration
    steps: int
    metrics: dict[str, float]


def train_perception(
    options: TrainingOptions,
    data: TrainingData,
    *,
    resume: bool = False,
    report: Callable[[str], None],
    command: str = "retoucher train perception",
) -> TrainingResult:
    """Trains, calibrates and writes a checkpoint.

    Args:
        options: the run.
        data: its samples.
        resume: continue the run that lies in `options.out`.
        report: takes lines of progress.
        command: for the card.

    Raises:
        BadInput: a run lies in `out` already and is not to be resumed, or there is none to resume.
        MissingResource: NO_GPU, or what the run begins from is not there.
    """
    state = _prepare(options, resume)
    set_seed(options.seed)
    network = _beginning(options, data.training, resume)
    trainer = _trainer(options, data, network, report)
    output = trainer.train(resume_from_checkpoint=state)
    metrics = trainer.evaluate()
    torch.nn.Module.half(network.model)  # half the size; the states that a run resumes from stay whole
    network.model.save_pretrained(options.out)
    trained = load_network(options.out, options.device)  # what will serve, not what is left in memory
    calibration = _calibrate_into(
        options.out, trained, data, Counts(options.calibration_count, options.domain_count), report
    )
    write_card(
        options,
        calibration,
        data=data.description,
        command=command,
        parameters=sum(weights.numel() for weights in network.model.parameters()),
        steps=output.global_step,
        labelled=bool(data.training.label_counts),
        seconds=seconds_spent(options.out / LOG_FILE),
    )
    return TrainingResult(options.out, calibration, output.global_step, metrics)


def recalibrate(
    folder: Path, device: str, data: TrainingData, counts: Counts, report: Callable[[str], None]
) -> Calibration:
    """Chooses the thresholds of a trained checkpoint anew, on other data say; its card stays as it is.

    Args:
        folder: the checkpoint.
        device: of the network.
        data: see there.
        counts: how many of its samples are looked at.
        report: takes lines of progress.

    Raises:
        MissingResource: there is no checkpoint in `folder`.
    """
    return _calibrate_into(folder, load_network(folder, device), data, counts, report)


def know_anew(
    folder: Path, device: str, data: TrainingData, counts: Counts, report: Callable[[str], None]
) -> Calibration:
    """Fits the domain check of a trained checkpoint anew; all other thresholds stay. Arguments as of `recalibrate`.

    Raises:
        MissingResource: there is no calibrated checkpoint in `folder`.
    """
    network, own = load_network(folder, device), load_calibration(folder)
    known = calibrate_domain(network, own, data.known or data.training, data.validation, counts, report)
    known.save(folder)
    return known.calibration


def _calibrate_into(
    folder: Path, network: Network, data: TrainingData, counts: Counts, report: Callable[[str], None]
) -> Calibration:
    calibrated = calibrate(network, data.known or data.training, data.validation, counts, report)
    calibrated.save(folder)
    return calibrated.calibration


def _beginning(options: TrainingOptions, training: SampleSource, resume: bool) -> Network:
    """The network before its first step. A resumed run reads its tokenizer back: learning it anew may differ."""
    if resume and (options.out / TOKENIZER_FILE).is_file():
        tokenizer = load_tokenizer(options.out)
        return build_network(options, tokenizer=tokenizer, label_counts=label_counts(training))
    network = build_network(options, prompts=_prompts(training, options.workers), label_counts=label_counts(training))
    network.tokenizer.save_pretrained(options.out)
    return network


def _prepare(options: TrainingOptions, resume: bool) -> str | None:
    """Checks the folder; the state to resume from, if any."""
    if options.device == "cuda" and not torch.cuda.is_available():
        raise MissingResource(ErrorCode.NO_GPU, "torch sees no GPU: train with --device cpu")
    return begin(options, resume)


def _trainer(
    options: TrainingOptions, data: TrainingData, network: Network, report: Callable[[str], None]
) -> SaliencyTrainer:
    config = network.model.config
    # A tenth faster on CPUs, more on GPUs; the annotations of `to` do not know the argument.
    torch.nn.Module.to(network.model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    arguments = TrainingArguments(
        **common_arguments(options),
        **batch_arguments(options, options.batch_size),
        label_names=list(LABEL_NAMES),
    )
    trainer = SaliencyTrainer(
        loss_settings=options.loss,
        model=network.model,
        args=arguments,
        train_dataset=drawn_once(
            options, (TwinnedDataset if options.twins else SaliencyDataset)(data.training, config)
        ),
        eval_dataset=SaliencyDataset(FirstOf(data.validation, options.validation_count), config),
        **optimiser_of(options),
        data_collator=SaliencyCollator(network.tokenizer, config),
        compute_metrics=validation_metrics,
        callbacks=watching(options, options.out / LOG_FILE, report),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


class _Prompts(Dataset[str]):
    """Prompts for the tokenizer: from samples spread over the whole source."""

    def __init__(self, source: SampleSource) -> None:
        self._source = source
        self._stride = math.ceil(len(source) / _TOKENIZER_PROMPTS)

    def __len__(self) -> int:
        return math.ceil(len(self._source) / self._stride)

    def __getitem__(self, index: int) -> str:
        return self._source[index * self._stride].prompt


def _prompts(source: SampleSource, workers: int) -> Iterable[str]:
    # A generator of its own, or a run that is resumed would begin with other weights.
    return DataLoader(_Prompts(source), batch_size=None, num_workers=workers, generator=torch.Generator())
