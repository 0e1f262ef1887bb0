"""`retoucher train verifier`: options of a run. Imports torch once called."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from services.commands.training import bad_option, command_line

_Tries = typer.Option(metavar="DIR", help="What `retoucher dataset collect-tries` wrote; repeat for more.")


def verifier(
    checkpoint: Annotated[
        Path, typer.Option(metavar="CKPT", help="The saliency network's folder; the verifier is written there.")
    ],
    data: Annotated[list[Path], _Tries],
    validation: Annotated[list[Path], _Tries],
    go_on: Annotated[bool, typer.Option("--go-on", help="Begin with the verifier that lies there.")] = False,
    epochs: Annotated[int, typer.Option(min=1)] = 10,
    batch_size: Annotated[int, typer.Option(min=2, help="Tries per step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Highest.")] = 2e-3,
    weight_decay: Annotated[float, typer.Option(min=0)] = 0.05,
    ema: Annotated[float, typer.Option(min=0, help="Decay of the mean of weights that is kept.")] = 0.995,
    width: Annotated[int, typer.Option(min=8, help="Of the head; a multiple of 8.")] = 48,
    max_sabotage: Annotated[float, typer.Option(min=0, max=1, help="Share of sabotage that may pass.")] = 0.025,
    max_healthy_edited: Annotated[float, typer.Option(min=0, max=1, help="Share of healthy pictures.")] = 0.02,
    max_colour_shift: Annotated[float, typer.Option(min=0, help="That the profile allows.")] = 16.0,
    max_seam: Annotated[float, typer.Option(min=0, help="That the profile allows.")] = 3.0,
    thresholds_only: Annotated[
        bool, typer.Option("--thresholds-only", help="Choose thresholds of the verifier that lies there anew.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and order.")] = 0,
    device: Annotated[Literal["cpu", "cuda"], typer.Option()] = "cpu",
) -> None:
    """Trains the head of a saliency network that tells repairs from what only looks better, and its thresholds."""
    from services.perception.training.verifier import VerifierTraining, train_verifier

    try:
        options = VerifierTraining(
            checkpoint=checkpoint,
            data=tuple(data),
            validation=tuple(validation),
            go_on=go_on,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            ema=ema,
            width=width,
            max_sabotage=max_sabotage,
            max_healthy_edited=max_healthy_edited,
            max_colour_shift=max_colour_shift,
            max_seam=max_seam,
            seed=seed,
            device=device,
        )
    except ValidationError as error:
        raise bad_option(error) from error
    settings = train_verifier(options, thresholds_only=thresholds_only, report=typer.echo, command=command_line())
    typer.echo(settings.model_dump_json(indent=2))
