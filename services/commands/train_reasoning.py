"""`retoucher train reasoning-sft` and `reasoning-grpo`: options for the command line; torch comes once called."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import ValidationError

from services.commands.training import MixName, OptimizerName, Reuse, bad_option, command_line, data_of
from shared.errors import BadInput, ErrorCode

if TYPE_CHECKING:
    from services.datasets.sources import Mix

Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the servable model.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A data set or a folder of proposed regions; without it, drawn on the fly."),
]
Validation = Annotated[Path | None, typer.Option(metavar="DIR", help="Else the last tenth of --data.")]
DataSeed = Annotated[int, typer.Option(min=0, help="Of samples drawn on the fly, and of proposed regions.")]
Drawn = Annotated[int, typer.Option(min=1, help="Samples drawn on the fly, if so many are needed.")]
PromptVersion = Annotated[str | None, typer.Option(metavar="VERSION", help="Of the request: v1, or tiny for --tiny.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of weights and order.")]
Accumulate = Annotated[int, typer.Option(min=1, help="Batches per step.")]
Bf16 = Annotated[bool, typer.Option(help="Mixed precision.")]
Device = Annotated[Literal["cpu", "cuda"], typer.Option()]
Workers = Annotated[int, typer.Option(min=0, help="Processes that draw or read samples.")]
EvaluateEvery = Annotated[int, typer.Option(min=1, help="Steps; a state is saved as often.")]
ValidationRegions = Annotated[int, typer.Option(min=2, help="Asked about at the end, for the card.")]
Full = Annotated[bool, typer.Option("--full", help="Train all weights of --model, not an adapter.")]
Revision = Annotated[str | None, typer.Option(metavar="REV", help="Of a hub id.")]

_VALIDATION_SAMPLES = 400
"""Drawn on the fly; they hold some 800 regions."""


def reasoning_sft(
    out: Out,
    model: Annotated[str | None, typer.Option(metavar="ID", help="Hub id or folder to begin with.")] = None,
    tiny: Annotated[bool, typer.Option("--tiny", help="Build the tiny model from nothing instead.")] = False,
    size: Annotated[
        Literal["small", "large"], typer.Option(help="Of the tiny model: 2.4M or 6M parameters.")
    ] = "small",
    revision: Revision = None,
    full: Full = False,
    data: Data = None,
    validation: Validation = None,
    data_seed: DataSeed = 1,
    mix: MixName = "balanced",
    retold: Annotated[
        int, typer.Option(min=0, help="Prompts at most that deny what a drawn sound picture shows; colours and counts.")
    ] = 0,
    drawn: Drawn = 100_000,
    prompt: PromptVersion = None,
    resume: Resume = False,
    seed: SeedOption = 0,
    steps: Annotated[int, typer.Option(min=1)] = 1000,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples per batch; each has two or three regions.")] = 8,
    accumulate: Accumulate = 1,
    optimizer: OptimizerName = "adamw",
    learning_rate: Annotated[float | None, typer.Option(help="1e-4; for --tiny 1e-3.")] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, help="0; for --tiny 0.05.")] = None,
    decision_weight: Annotated[
        float, typer.Option(min=1, help="How often tokens up to the category count in the loss.")
    ] = 5.0,
    decisions: Annotated[
        int, typer.Option(min=0, max=9, help="Of ten samples so many end after the category: three times as fast.")
    ] = 0,
    frozen_encoder: Annotated[
        bool, typer.Option("--frozen-encoder", help="Train the language model alone, on an encoder that can look.")
    ] = False,
    vision_layers: Annotated[
        int | None, typer.Option(min=1, help="Layers its picture encoder grows to, as one that learned little needs.")
    ] = None,
    layers: Annotated[int | None, typer.Option(min=1, help="Layers its language model grows to.")] = None,
    inner: Annotated[int | None, typer.Option(min=1, help="Cells that each layer of both grows to inside.")] = None,
    looking_steps: Annotated[
        int, typer.Option(min=0, help="Its picture encoder first learns so long what is seen where; --tiny or --full.")
    ] = 0,
    looking_minutes: Annotated[
        float | None, typer.Option(min=0.01, help="It ends by then, its schedule walked through.")
    ] = None,
    looking_rate: Annotated[float | None, typer.Option(help="Its learning rate, if another.")] = None,
    looking_reuse: Annotated[int | None, typer.Option(min=1, help="Its --reuse, if another.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="What follows ends by then, its schedule walked through.")
    ] = None,
    reuse: Reuse = 1,
    bf16: Bf16 = False,
    device: Device = "cpu",
    workers: Workers = 0,
    evaluate_every: EvaluateEvery = 250,
    validation_regions: ValidationRegions = 400,
) -> None:
    """Teaches a vision-language model to diagnose proposed regions: supervised, by LoRA or as a whole."""
    from services.reasoning.training.options import SftOptions
    from services.reasoning.training.sft import train_sft

    options = _checked(
        SftOptions,
        out=out,
        model=model,
        revision=revision,
        tiny=tiny,
        size=size,
        lora=not (full or tiny),
        prompt=prompt or ("tiny" if tiny else "v1"),
        seed=seed,
        steps=steps,
        batch_size=batch_size,
        accumulate=accumulate,
        optimizer=optimizer,
        learning_rate=learning_rate or (1e-3 if tiny else 1e-4),
        weight_decay=(0.05 if tiny else 0.0) if weight_decay is None else weight_decay,
        decision_weight=decision_weight,
        decisions=decisions,
        frozen_encoder=frozen_encoder,
        vision_layers=vision_layers,
        layers=layers,
        inner=inner,
        looking_steps=looking_steps,
        looking_minutes=looking_minutes,
        looking_rate=looking_rate,
        looking_reuse=looking_reuse,
        minutes=minutes,
        reuse=reuse,
        bf16=bf16,
        device=device,
        workers=workers,
        evaluate_every=evaluate_every,
        save_every=evaluate_every,
        validation_regions=validation_regions,
    )
    if retold and data is not None:
        raise BadInput(ErrorCode.BAD_OPTION, "only drawn pictures are retold: leave out --data, or --retold")
    source = _data(data, validation, data_seed, drawn, mix, retold)
    _say(train_sft(options, source, resume=resume, report=typer.echo, command=command_line()))


def reasoning_grpo(
    out: Out,
    model: Annotated[str, typer.Option(metavar="ID", help="Folder that reasoning-sft wrote: policy and reference.")],
    full: Full = False,
    data: Data = None,
    validation: Validation = None,
    data_seed: DataSeed = 2,
    drawn: Drawn = 100_000,
    prompt: PromptVersion = None,
    resume: Resume = False,
    seed: SeedOption = 0,
    steps: Annotated[int, typer.Option(min=1)] = 200,
    regions: Annotated[int, typer.Option(min=1, help="Per batch.")] = 4,
    generations: Annotated[int, typer.Option(min=2, help="Answers per region.")] = 8,
    accumulate: Accumulate = 1,
    learning_rate: Annotated[float, typer.Option(help="Highest; of AdamW.")] = 1e-5,
    beta: Annotated[float, typer.Option(help="Weight of the KL divergence from the model begun with.")] = 0.04,
    iterations: Annotated[int, typer.Option(min=1, help="Updates per batch of answers.")] = 2,
    temperature: Annotated[float, typer.Option(help="Of the answers.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(min=16, help="Of an answer.")] = 120,
    bf16: Bf16 = False,
    device: Device = "cpu",
    save_every: Annotated[int, typer.Option(min=1, help="Steps between states.")] = 50,
    validation_regions: ValidationRegions = 400,
) -> None:
    """Improves an SFT policy by GRPO: rewards are right categories, descriptions that mean the same, and valid JSON."""
    from services.reasoning.card import load_calibration
    from services.reasoning.similarity import MiniLm
    from services.reasoning.training.grpo import train_grpo
    from services.reasoning.training.options import GrpoOptions

    options = _checked(
        GrpoOptions,
        out=out,
        model=model,
        lora=not full,
        prompt=prompt or load_calibration(Path(model)).prompt,
        seed=seed,
        steps=steps,
        regions=regions,
        generations=generations,
        accumulate=accumulate,
        learning_rate=learning_rate,
        weight_decay=0.0,
        beta=beta,
        iterations=iterations,
        temperature=temperature,
        max_tokens=max_tokens,
        bf16=bf16,
        device=device,
        log_every=5,
        save_every=save_every,
        validation_regions=validation_regions,
    )
    source = _data(data, validation, data_seed, drawn, "balanced")
    _say(train_grpo(options, source, MiniLm(), resume=resume, report=typer.echo, command=command_line()))


def _data(data: Path | None, validation: Path | None, seed: int, drawn: int, mix: "Mix", retold: int = 0) -> Any:
    from services.reasoning.training.data import folder_data, rendered_data

    return data_of(
        data,
        validation,
        lambda folder, held_out: folder_data(folder, held_out, seed),
        lambda: rendered_data(drawn, _VALIDATION_SAMPLES, seed, mix=mix, retold=retold),
    )


def _checked(kind: Any, **values: Any) -> Any:
    """The options, or an error that names the one that is wrong."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise bad_option(error) from error


def _say(result: Any) -> None:
    figures = result.calibration.model_dump(include={"accuracy", "distorted_recall", "healthy_recall", "json_valid"})
    typer.echo(f"{result.folder}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
