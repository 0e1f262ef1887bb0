"""`retoucher evaluate retouch` and `retoucher evaluate preference`: their options, for the command line."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.commands.options import JsonFile


def retouch(
    data: Annotated[Path, typer.Option(metavar="DIR", help="A data set in the project's schema.")],
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Which detectors, tools and thresholds.")
    ] = "tiny",
    json_file: JsonFile = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep cases and results; a stopped evaluation is continued.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The first N images alone.")] = None,
    rater: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Score before and after: what `retoucher train rater` wrote.")
    ] = None,
    tools: Annotated[bool, typer.Option(help="Rows of each tool, alone and in the loop.")] = True,
    ablations: Annotated[
        bool, typer.Option(help="Rows without verification, without the reasoner, with one iteration.")
    ] = True,
    sabotage: Annotated[int, typer.Option(min=0, metavar="N", help="Blemishes to try bad patches on.")] = 40,
    export_pairs: Annotated[
        Path | None, typer.Option("--export-pairs", metavar="DIR", help="Write blinded pairs for people to grade.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the jobs, and of the pairs' order.")] = 0,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Of the rater.")] = "cpu",
) -> None:
    """Runs the whole loop over pictures with known flaws: what is repaired, and what verification is worth."""
    from services.evaluation.retouch.evaluate import RetouchEvaluation, run
    from shared.action_settings import ActionSettings
    from shared.environment import read_settings
    from shared.profile_settings import ProfileSettings
    from shared.reasoning_settings import ReasoningSettings

    asked = RetouchEvaluation(
        data=data,
        profile=profile,
        out=out,
        limit=limit,
        rater=rater,
        tools=tools,
        ablations=ablations,
        sabotaged=sabotage,
        export_pairs=export_pairs,
        seed=seed,
        device=device,
        reasoning=read_settings(ReasoningSettings),
        action=read_settings(ActionSettings),
        changes=read_settings(ProfileSettings),
    )
    run(asked, json_file)


def preference(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What --export-pairs wrote, with answers.", show_default=False)
    ],
    json_file: JsonFile = None,
) -> None:
    """Prints which of before and after people prefer, from the answers that they saved (Table 2 of the paper)."""
    from services.evaluation.retouch.preference import run

    run(folder, json_file)
