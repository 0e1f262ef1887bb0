"""`retoucher evaluate reasoning`: options for the command line. Imports torch only once called."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.commands.options import JsonFile
from shared.errors import BadInput, ErrorCode


def evaluate_reasoning(
    data: Annotated[Path, typer.Option(metavar="DIR", help="A data set, or a folder of proposed regions.")],
    model: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A model's folder or hub id; repeat for more.")
    ] = None,
    row: Annotated[
        list[str] | None, typer.Option(metavar="NAME=ID", help="The same with a name; compared with the one before.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Of the request; else what the model was taught.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of proposed regions, if --data is a data set.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Regions at most.")] = None,
    boxes: Annotated[
        int, typer.Option(min=0, help="Ask for boxes on so many images, too, and measure them as maps (Table 3).")
    ] = 0,
    vectors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Word vectors in word2vec's text format.")
    ] = None,
    confusion: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw which categories are taken for which.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Regions at once.")] = 16,
    device: Annotated[Literal["cpu", "cuda"], typer.Option()] = "cpu",
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Write the figures into the models' folders: who may veto follows.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Asks models about regions as detectors propose them and measures their diagnoses (Table 4 of the paper)."""
    from services.evaluation.reasoning.evaluate import ModelRow, ReasoningEvaluation, run

    rows = [ModelRow(Path(name).name, name) for name in model or ()]
    for given in row or ():
        name, found, folder = given.partition("=")
        if not (name and found and folder):
            raise BadInput(ErrorCode.BAD_OPTION, f"--row {given}: give a name, '=', and a folder or hub id")
        rows.append(ModelRow(name, folder))
    if not rows:
        raise BadInput(ErrorCode.BAD_OPTION, "there is no model to evaluate: give --model or --row")
    run(
        ReasoningEvaluation(
            data=data,
            rows=tuple(rows),
            prompt=prompt,
            seed=seed,
            limit=limit,
            boxes=boxes,
            vectors=vectors,
            confusion=confusion,
            batch=batch_size,
            device=device,
            calibrate=calibrate,
        ),
        json_file,
    )
