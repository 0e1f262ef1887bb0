"""`retoucher train rater`: the saliency network once more, with a seed and samples of its own, to score pictures.

It is trained by the very code of `retoucher train perception`; only the seeds, the folder and the card differ.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from services.commands.training import Minutes, OptimizerName, Reuse, bad_option, command_line, data_of

SEED = 7_001
DATA_SEED = 70_001
"""Far from any that the perception agent is trained or validated with."""


def rater(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The rater's folder.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A data set in the project's schema; without it, drawn on the fly."),
    ] = None,
    validation: Annotated[Path | None, typer.Option(metavar="DIR", help="Else the last tenth of --data.")] = None,
    data_seed: Annotated[int, typer.Option(min=0, help="Of the samples drawn on the fly.")] = DATA_SEED,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and order.")] = SEED,
    init_from: Annotated[
        Path | None, typer.Option(metavar="CKPT", help="Begin with an earlier rater's weights.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    steps: Annotated[int, typer.Option(min=1)] = 3000,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples per step.")] = 16,
    optimizer: OptimizerName = "adamw",
    learning_rate: Annotated[float, typer.Option(help="Highest.")] = 1e-3,
    bf16: Annotated[bool, typer.Option(help="Mixed precision.")] = False,
    device: Annotated[Literal["cpu", "cuda"], typer.Option()] = "cpu",
    workers: Annotated[int, typer.Option(min=0, help="Processes that draw or read samples.")] = 0,
    reuse: Reuse = 1,
    minutes: Minutes = None,
    image_size: Annotated[int, typer.Option(min=32, help="Side of the network's square.")] = 256,
    width: Annotated[int, typer.Option(min=40, help="Of the network; a multiple of 40.")] = 160,
    evaluate_every: Annotated[int, typer.Option(min=1, help="Steps.")] = 500,
    validation_count: Annotated[int, typer.Option(min=2, help="Images per validation.")] = 256,
    calibration_count: Annotated[int, typer.Option(min=8, help="Images for thresholds and the card.")] = 512,
) -> None:
    """Trains the network that `evaluate retouch` scores pictures with, apart from the one that finds their flaws."""
    from services.evaluation.retouch.rater_card import score_agreement, write_on_card
    from services.perception.training.data import folder_data, rendered_data
    from services.perception.training.options import TrainingOptions
    from services.perception.training.run import train_perception

    try:
        options = TrainingOptions(
            out=out,
            init_from=init_from,
            seed=seed,
            steps=steps,
            batch_size=batch_size,
            optimizer=optimizer,
            learning_rate=learning_rate,
            bf16=bf16,
            device=device,
            workers=workers,
            reuse=reuse,
            minutes=minutes,
            image_size_px=image_size,
            width=width,
            evaluate_every=evaluate_every,
            save_every=evaluate_every,
            validation_count=validation_count,
            calibration_count=calibration_count,
        )
    except ValidationError as error:
        raise bad_option(error) from error
    drawn = max(options.samples_drawn(batch_size), calibration_count)
    held_out = max(validation_count, calibration_count)
    source = data_of(data, validation, folder_data, lambda: rendered_data(drawn, held_out, data_seed))
    result = train_perception(options, source, resume=resume, report=typer.echo, command=command_line())
    agreements = score_agreement(out, source.validation, calibration_count, device)
    write_on_card(out, agreements, typer.echo)
    typer.echo(f"{result.folder}: a rater; use it with `retoucher evaluate retouch --rater {out}`")
