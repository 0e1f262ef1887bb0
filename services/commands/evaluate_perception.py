"""`retoucher evaluate perception` and `perception-ablation`: its options. Imports torch once called."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.commands.options import JsonFile


def evaluate_perception(
    data: Annotated[Path, typer.Option(metavar="DIR", help="A data set in the project's schema.")],
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Of the saliency network; else the shipped one.")
    ] = None,
    json_file: JsonFile = None,
    rahf: Annotated[Path | None, typer.Option(metavar="FILE", help="RAHF's public weights, to compare with.")] = None,
    rahf_tokenizer: Annotated[
        str, typer.Option(metavar="ID", help="The T5 tokenizer that RAHF was trained with: hub id or folder.")
    ] = "google-t5/t5-base",
    photographs: Annotated[
        bool, typer.Option("--photographs", help="Also count which of scikit-image's photographs would be edited.")
    ] = False,
    image: Annotated[
        list[Path] | None, typer.Option(metavar="PATH", help="And which of yours: a file or folder; repeat for more.")
    ] = None,
    colours: Annotated[
        bool, typer.Option("--colours", help="Also count wrong colours that are known for such, and which are meant.")
    ] = False,
    device: Annotated[Literal["cpu", "cuda"], typer.Option()] = "cpu",
) -> None:
    """Measures saliency maps on pictures with known flaws, beside baselines (Table 3 of the paper)."""
    from services.evaluation.perception.evaluate import PerceptionEvaluation, run

    asked = PerceptionEvaluation(
        data, checkpoint, rahf, rahf_tokenizer, photographs, tuple(image or ()), colours, device
    )
    run(asked, json_file)


def evaluate_perception_ablation(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the runs; a stopped ablation is continued.")],
    steps: Annotated[int, typer.Option(min=1, help="Of each run.")] = 400,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each variant.")] = 3,
    count: Annotated[int, typer.Option(min=2, help="Images of the test split to measure on.")] = 288,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Train on this data set; without it, drawn on the fly.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1)] = 16,
    image_size: Annotated[int, typer.Option(min=32, help="Side of the network's square.")] = 256,
    width: Annotated[int, typer.Option(min=40, help="Of the network; a multiple of 40.")] = 160,
    bf16: Annotated[bool, typer.Option(help="Mixed precision.")] = False,
    device: Annotated[Literal["cpu", "cuda"], typer.Option()] = "cpu",
) -> None:
    """Trains the saliency network with and without attention refinement and KLD, and compares (Table 5)."""
    from services.evaluation.perception.ablation import AblationPlan, run

    run(
        AblationPlan(
            out=out,
            steps=steps,
            seeds=seeds,
            count=count,
            data=data,
            batch_size=batch_size,
            image_size=image_size,
            width=width,
            bf16=bf16,
            device=device,
        )
    )
