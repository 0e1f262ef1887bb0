"""`retoucher speed` as declared: options, nothing more. Imports nothing heavy: `--help` needs it."""

from typing import Annotated

import typer

from services.commands.options import JsonFile

speed = typer.Typer(help="Measured throughput and overhead of this machine.", no_args_is_help=True)


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


@speed.command("overhead")
def speed_overhead(
    rates: Annotated[str, typer.Option(metavar="N,N,...", help="Jobs per second, rising.")] = "5,10,20,40,80,160",
    seconds: Annotated[float, typer.Option(min=1, help="For each rate.")] = 10.0,
    json_file: JsonFile = None,
) -> None:
    """What a hop and a job cost on agents that do nothing, on Redis and in one process, and how many a second go."""
    from services.commands.speed.overhead import OverheadPlan, run
    from services.commands.speed.rates import parsed_rates

    run(OverheadPlan(parsed_rates(rates), seconds), json_file)


@speed.command("chaos")
def speed_chaos(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long jobs come and processes die.")] = 3.0,
    per_s: Annotated[float, typer.Option("--rate", min=0.1, help="Jobs per second.")] = 4.0,
    every_s: Annotated[float, typer.Option("--fault-every", min=1, help="Seconds between two faults.")] = 8.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed strikes in the same order.")] = 0,
    json_file: JsonFile = None,
) -> None:
    """Kills and pauses processes and Redis at random under load, and counts what became of the jobs."""
    from services.commands.speed.chaos import ChaosPlan, run

    run(ChaosPlan(60.0 * minutes, per_s, every_s, seed), json_file)


@speed.command("prefix")
def speed_prefix(
    url: Annotated[str, typer.Option(help="Of an OpenAI-compatible server that idles, up to and with /v1.")],
    model: Annotated[str, typer.Option(help="What it serves, as RETOUCHER_REASONING_MODEL would say it.")],
    regions: Annotated[int, typer.Option(min=2, max=64, help="Of one image, asked about at once.")] = 16,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way has its turn.")] = 3,
    image_px: Annotated[int, typer.Option(min=128, max=4096, help="Side of the image.")] = 1024,
    answer_tokens: Annotated[
        int | None, typer.Option(min=64, help="Of one answer at the most; without, as serving has it.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """What it is worth that all questions about an image begin alike: a model server's time, with it and without."""
    from services.commands.speed.prefix import PrefixPlan, run

    run(PrefixPlan(url, model, regions, rounds, image_px, answer_tokens), json_file)
