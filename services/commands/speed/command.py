"""`retoucher speed` as declared: options, nothing more. Imports nothing heavy: `--help` needs it."""

from pathlib import Path
from typing import Annotated

import typer

speed = typer.Typer(help="Measured throughput and overhead of this machine.", no_args_is_help=True)

JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here, too.")]


@speed.command("gateway")
def speed_gateway(
    submissions: Annotated[int, typer.Option(min=1, help="How many at once.")] = 200,
    image_bytes: Annotated[int, typer.Option(min=20_000, max=20_000_000, help="Of each image, about.")] = 1_000_000,
    samples: Annotated[int, typer.Option(min=20, help="Reads to measure; the submissions are repeated until then.")] = (
        1000
    ),
    json_file: JsonFile = None,
) -> None:
    """How fast a job is read while images pour in, beside a bare FastAPI route under the same load."""
    from services.commands.speed.gateway import GatewayPlan, run

    run(GatewayPlan(submissions, image_bytes, samples), json_file)
