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
    epochs: Annotated[int, typer.Option(min=1)] = 30,
    batch_size: Annotated[int, typer.Option(min=2, help="Tries per step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Highest.")] = 2e-3,
    weight_decay: Annotated[float, typer.Option(min=0)] = 0.05,
    width: Annotated[int, typer.Option(min=8, help="Of the head; a multiple of 8.")] = 48,
    max_sabotage: Annotated[float, typer.Option(min=0, max=1, help="Share of sabotage that may pass.")] = 0.03,
    max_healthy_edited: Annotated[float, typer.Option(min=0, max=1, help="Share of healthy pictures.")] = 0.02,
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
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            width=width,
            max_sabotage=max_sabotage,
            max_healthy_edited=max_healthy_edited,
            seed=seed,
            device=device,
        )
    except ValidationError as error:
        raise bad_option(error) from error
    settings = train_verifier(options, report=typer.echo, command=command_line())
    typer.echo(settings.model_dump_json(indent=2))
