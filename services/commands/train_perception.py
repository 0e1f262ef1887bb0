"""`retoucher train perception`: options of one training run, for the command line. Imports torch only once called."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from services.commands.training import Minutes, MixName, OptimizerName, Reuse, bad_option, command_line, data_of
from shared.errors import BadInput, ErrorCode

_FROM_SCRATCH = 1e-3
_FROM_PRETRAINED = 2e-5


def perception(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The checkpoint's folder.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A data set in the project's schema; without it, drawn on the fly."),
    ] = None,
    validation: Annotated[Path | None, typer.Option(metavar="DIR", help="Else the last tenth of --data.")] = None,
    data_seed: Annotated[int, typer.Option(min=0, help="Of the samples drawn on the fly.")] = 1,
    data_size: Annotated[int, typer.Option(help="Side of the samples drawn on the fly: 256 or 512.")] = 256,
    mix: MixName = "prompts",
    init_from: Annotated[
        Path | None, typer.Option(metavar="CKPT", help="Begin with this checkpoint's weights.")
    ] = None,
    vision_encoder: Annotated[
        str | None, typer.Option(metavar="ID", help="Begin with a pretrained ViT (hub id or folder); needs the next.")
    ] = None,
    text_encoder: Annotated[str | None, typer.Option(metavar="ID", help="And with a pretrained T5.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    calibrate_only: Annotated[
        bool, typer.Option("--calibrate-only", help="Choose thresholds of the checkpoint in --out anew.")
    ] = False,
    domain_only: Annotated[
        bool, typer.Option("--domain-only", help="Learn anew what images the checkpoint in --out knows, nothing else.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and order.")] = 0,
    steps: Annotated[int, typer.Option(min=1)] = 6000,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples per step.")] = 16,
    twins: Annotated[bool, typer.Option(help="Each blemished sample is followed by its clean twin.")] = True,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches per step.")] = 1,
    optimizer: OptimizerName = "adamw",
    learning_rate: Annotated[
        float | None, typer.Option(help="1e-3 from scratch, 2e-5 (the paper's) from pretrained encoders.")
    ] = None,
    alpha: Annotated[float, typer.Option(min=0, max=1, help="Equation 2: weight of the MSE.")] = 0.5,
    pixel_scale: Annotated[
        float, typer.Option(min=0, help="Weight of the map's cross-entropy; 0: equation 2 alone.")
    ] = 20.0,
    any_weight: Annotated[float, typer.Option(min=0, help='Weight of the cross-entropy of "any distortion".')] = 0.5,
    attention_refinement: Annotated[bool, typer.Option(help="Off: an ablation of Table 5.")] = True,
    kld: Annotated[bool, typer.Option(help="Off: an ablation of Table 5.")] = True,
    bf16: Annotated[bool, typer.Option(help="Mixed precision.")] = False,
    labels: Annotated[
        bool, typer.Option(help="Samples drawn on the fly also teach what is seen where, and are varied by it.")
    ] = True,
    device: Annotated[Literal["cpu", "cuda"], typer.Option()] = "cpu",
    workers: Annotated[int, typer.Option(min=0, help="Processes that draw or read samples.")] = 0,
    reuse: Reuse = 1,
    minutes: Minutes = None,
    image_size: Annotated[
        int | None, typer.Option(min=32, help="Side of the network's square; else 256, or that of --init-from.")
    ] = None,
    width: Annotated[int, typer.Option(min=40, help="Of a network from scratch; a multiple of 40.")] = 160,
    fusion_blocks: Annotated[
        int | None, typer.Option(min=1, help="Over image and prompt; else 2, or those of --init-from.")
    ] = None,
    evaluate_every: Annotated[int, typer.Option(min=1, help="Steps.")] = 500,
    validation_count: Annotated[int, typer.Option(min=2, help="Images per validation.")] = 256,
    calibration_count: Annotated[int, typer.Option(min=8, help="Images for thresholds.")] = 1024,
    domain_count: Annotated[int, typer.Option(min=8, help="Images whose kind the network is to know.")] = 3000,
) -> None:
    """Trains the saliency network, chooses its thresholds and writes its checkpoint and card."""
    from services.perception.training.calibrate import Counts
    from services.perception.training.data import folder_data, rendered_data
    from services.perception.training.options import PretrainedEncoders, TrainingOptions
    from services.perception.training.run import know_anew, recalibrate, train_perception

    if (vision_encoder is None) != (text_encoder is None):
        raise BadInput(ErrorCode.BAD_OPTION, "--vision-encoder and --text-encoder go together: give both or neither")
    encoders = PretrainedEncoders(vision=vision_encoder, text=text_encoder) if vision_encoder and text_encoder else None
    try:
        options = TrainingOptions(
            out=out,
            encoders=encoders,
            init_from=init_from,
            seed=seed,
            steps=steps,
            batch_size=batch_size,
            twins=twins,
            accumulate=accumulate,
            optimizer=optimizer,
            learning_rate=learning_rate or (_FROM_PRETRAINED if encoders else _FROM_SCRATCH),
            alpha=alpha,
            pixel_scale=pixel_scale,
            any_weight=any_weight,
            attention_refinement=attention_refinement,
            kld=kld,
            bf16=bf16,
            device=device,
            workers=workers,
            reuse=reuse,
            minutes=minutes,
            image_size_px=image_size,
            width=width,
            fusion_blocks=fusion_blocks,
            evaluate_every=evaluate_every,
            save_every=evaluate_every,
            validation_count=validation_count,
            calibration_count=calibration_count,
            domain_count=domain_count,
        )
    except ValidationError as error:
        raise bad_option(error) from error
    drawn = max(options.samples_drawn(batch_size), domain_count)
    held_out = max(validation_count, calibration_count)
    source = data_of(
        data, validation, folder_data, lambda: rendered_data(drawn, held_out, data_seed, data_size, mix, labels)
    )
    if domain_only:
        know_anew(out, device, source, Counts(calibration_count, domain_count), typer.echo)
        return
    if calibrate_only:
        recalibrate(out, device, source, Counts(calibration_count, domain_count), typer.echo)
        return
    result = train_perception(options, source, resume=resume, report=typer.echo, command=command_line())
    typer.echo(
        f"{result.folder}: " + ", ".join(f"{key} {value}" for key, value in result.calibration.validation.items())
    )


def perception_mean(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The mean's folder; calibrate it by train perception.")],
    of: Annotated[list[Path], typer.Option(metavar="CKPT", help="A checkpoint; give it twice or more.")],
) -> None:
    """The mean of several networks' weights, each of which went on from another."""
    from services.perception.training.mean import average

    average(of, out)
    typer.echo(f"{out}: the mean of {len(of)} networks; choose its thresholds by train perception --calibrate-only")
