"""The end of an alignment run: a servable folder, its answers about validation regions, its card."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import ProcessorMixin

from services.reasoning.card import ReasonerCalibration
from services.reasoning.prompts import load_prompt
from services.reasoning.scoring import category_accuracy, distorted_recall, healthy_recall, well_formed
from services.reasoning.training.asking import Asking, first_proposals
from services.reasoning.training.data import AlignmentData
from services.reasoning.training.models import load_model, save_servable
from services.reasoning.training.options import LOG_FILE, LOOKING_LOG, AlignmentOptions, SftOptions
from services.training.log_file import seconds_spent

_VALIDATION = "validation"
_BATCH = {"cpu": 16, "cuda": 128}
"""Regions that are asked about at once."""


@dataclass(frozen=True)
class Result:
    """What a run leaves."""

    folder: Path
    calibration: ReasonerCalibration


def finish(
    options: AlignmentOptions,
    model: Any,
    processor: ProcessorMixin,
    data: AlignmentData,
    *,
    command: str,
    stage: str,
    report: Callable[[str], None],
) -> Result:
    """Writes the model, asks what was written about validation regions, writes calibration and card.

    Raises:
        BadInput: MISSING_DATA, the validation regions lack sound or distorted ones.
    """
    parameters = sum(weights.numel() for weights in model.parameters())
    save_servable(model, processor, options.out, half=not options.lora)
    report("asking about validation regions")
    trained, own = load_model(
        options.out, device=options.device, half=options.lora
    )  # what will serve, not what is left in memory
    judged = Asking(trained, own, load_prompt(options.prompt), batch=_BATCH[options.device]).judged(
        first_proposals(data.validation, options.validation_regions)
    )
    calibration = ReasonerCalibration.measured(
        prompt=options.prompt,
        split=_VALIDATION,
        regions=len(judged),
        accuracy=_mean(category_accuracy(judged)),
        distorted_recall=distorted_recall(judged),
        healthy_recall=healthy_recall(judged),
        json_valid=_mean(well_formed(judged)),
    )
    calibration.save(options.out)
    write_card(options, calibration, data=data.description, command=command, stage=stage, parameters=parameters)
    return Result(options.out, calibration)


def write_card(
    options: AlignmentOptions,
    calibration: ReasonerCalibration,
    *,
    data: str,
    command: str,
    stage: str,
    parameters: int,
) -> None:
    """Writes CARD.md into the model's folder."""
    how = f"LoRA of rank {options.lora_rank}, alpha {options.lora_alpha}, merged" if options.lora else "all weights"
    minutes = seconds_spent(options.out / LOG_FILE) / 60
    lines = [
        f"# Reasoning model, after {stage}",
        "",
        f"- Data: {data}.",
        f"- Command: `{command}`",
        f"- Begins from {options.model or 'random weights'}; {parameters / 1e6:.2f}M parameters; {how}.",
        f"- Seed {options.seed}; {_steps(options)}, {options.optimizer_name} at {options.learning_rate:g}, "
        f"{'bfloat16' if options.bf16 else 'float32'}, on {options.device}; {minutes:.1f} minutes.",
        *_looking(options),
        f"- Request: prompt version `{options.prompt}`; serve it with the same.",
        "",
        f"## {calibration.split.capitalize()}: {calibration.regions} regions as detectors propose them",
        "",
        "| Figure | Value |",
        "|---|---|",
        *(
            f"| {title} | {getattr(calibration, name):.3f} |"
            for name, title in (
                ("accuracy", "accuracy (13 classes, sound included)"),
                ("distorted_recall", "distorted recall"),
                ("healthy_recall", "healthy recall"),
                ("json_valid", "valid JSON, decoding free"),
            )
        ),
        "",
        f"It {'may' if calibration.may_veto else 'may not'} veto a region (needed: distorted recall 0.90, healthy "
        "recall 0.85).",
        "",
        "These figures are of drawn or held-out data of the same source and are not comparable with the paper's.",
        "",
    ]
    (options.out / "CARD.md").write_text("\n".join(lines), encoding="utf-8")


def _steps(options: AlignmentOptions) -> str:
    most = f"{options.steps} steps"
    return most if options.minutes is None else f"at most {most} or {options.minutes:g} minutes"


def _looking(options: AlignmentOptions) -> list[str]:
    if not isinstance(options, SftOptions) or not options.looking_steps:
        return []
    minutes = seconds_spent(options.out / LOOKING_LOG) / 60
    return [f"- Its picture encoder first learned what is seen where, for {minutes:.1f} minutes."]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
