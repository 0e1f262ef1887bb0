"""The command `retoucher`: declares commands and options, nothing more; the work lies in `services.commands`.

Everything heavy is imported inside the command that needs it, so that `retoucher --help` answers at once.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from services.commands.evaluate_perception import evaluate_perception, evaluate_perception_ablation
from services.commands.evaluate_reasoning import evaluate_reasoning
from services.commands.evaluate_retouch import preference
from services.commands.evaluate_retouch import retouch as evaluate_retouch
from services.commands.exits import run_and_exit
from services.commands.keys_command import keys
from services.commands.make_benchmark import make_benchmark
from services.commands.options import (
    Deadline,
    ExpectedText,
    Force,
    JsonFile,
    MaxCost,
    MaxIterations,
    Mode,
    Overwrite,
    Preference,
    Prompt,
    Protect,
    Regions,
    Seed,
    Threshold,
    Tools,
)
from services.commands.speed.command import speed
from services.commands.submit_command import submit
from services.commands.train_perception import perception, perception_mean
from services.commands.train_rater import rater
from services.commands.train_reasoning import reasoning_grpo, reasoning_sft
from services.commands.train_tools import editor, inpainting
from services.commands.train_verifier import verifier
from shared.contracts.categories import Category

app = typer.Typer(
    name="retoucher",
    help="Finds the small flaws of text-to-image outputs, repairs each, and checks its own work.",
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
evaluate = typer.Typer(help="Measures the agents on pictures with known flaws.", no_args_is_help=True)
app.add_typer(evaluate, name="evaluate")
benchmark = typer.Typer(help="The procedural blemish benchmark: drawn scenes with known flaws.", no_args_is_help=True)
app.add_typer(benchmark, name="benchmark")
dataset = typer.Typer(help="Data sets in the project's schema.", no_args_is_help=True)
app.add_typer(dataset, name="dataset")
train = typer.Typer(help="Trains the agents' networks.", no_args_is_help=True)
app.add_typer(train, name="train")
train.command("perception")(perception)
train.command("perception-mean")(perception_mean)
train.command("verifier")(verifier)
train.command("editor")(editor)
train.command("inpainting")(inpainting)
train.command("rater")(rater)
train.command("reasoning-sft")(reasoning_sft)
train.command("reasoning-grpo")(reasoning_grpo)
app.add_typer(keys, name="keys")
app.add_typer(speed, name="speed")

Profile = Annotated[str, typer.Option("--profile", metavar="NAME", help="Which detectors, tools and thresholds.")]


@app.callback()
def entry() -> None:
    """Finds the small flaws of text-to-image outputs, repairs each, and checks its own work."""
    from services.commands.settings import configure

    configure()


@app.command()
def retouch(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A PNG, JPEG or WebP.", show_default=False)],
    prompt: Prompt,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must be new or empty.")],
    mode: Mode = "retouch",
    profile: Profile = "tiny",
    tools: Tools = None,
    preference: Preference = "auto",
    max_iterations: MaxIterations = None,
    threshold: Threshold = None,
    protect: Protect = None,
    regions: Regions = None,
    expected_text: ExpectedText = None,
    force: Force = False,
    seed: Seed = 0,
    deadline: Deadline = None,
    max_cost: MaxCost = None,
    overwrite: Overwrite = False,
) -> None:
    """Finds and repairs the flaws of one image; writes result.png, masks, the record and report.html."""
    from services.commands.retouch import RetouchArguments, run

    run(
        RetouchArguments(
            image=image,
            prompt=prompt,
            out=out,
            mode=mode,
            profile=profile,
            tools=tools,
            preference=preference,
            max_iterations=max_iterations,
            threshold=threshold,
            protect=protect,
            regions=regions,
            expected_text=tuple(expected_text or ()),
            force=force,
            seed=seed,
            deadline_s=deadline,
            max_cost=max_cost,
            overwrite=overwrite,
        )
    )


app.command()(submit)


@app.command()
def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    data_dir: Annotated[Path, typer.Option("--data-dir", metavar="DIR", help="Jobs and images are kept here.")] = Path(
        "retoucher-data"
    ),
    profile: Profile = "tiny",
) -> None:
    """The server: API, web page and agents in one process; continues the jobs that an earlier one left."""
    from services.commands.serve import run

    run(host=host, port=port, data_dir=data_dir, profile=profile)


@app.command()
def doctor(profile: Profile = "tiny") -> None:
    """Loads a profile's models and runs one picture through each agent: pass or fail, memory, seconds."""
    from services.commands.doctor import run

    run(profile)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write.")] = Path(".demo"),
    profile: Profile = "tiny",
) -> None:
    """Repairs a misspelt sign in a real photograph, leaves a correct one alone, and says where the report lies."""
    from services.demo.run import run

    run(out, profile)


@app.command()
def worker(
    role: Annotated[
        Literal["orchestrator", "perception", "reasoning", "action", "webhooks"],
        typer.Argument(
            metavar="ROLE", help="orchestrator, perception, reasoning, action, webhooks.", show_default=False
        ),
    ],
) -> None:
    """Works on one queue of an installation on many machines (RETOUCHER_BACKEND_*, RETOUCHER_WORKER_*)."""
    from services.commands.machines.run import run_worker

    run_worker(role)


@app.command()
def gateway(
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that others reach asks for a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
) -> None:
    """The API of an installation on many machines (RETOUCHER_BACKEND_*, RETOUCHER_GATEWAY_*)."""
    from services.commands.machines.gateway import run_gateway

    run_gateway(host, port)


@app.command()
def sweeper() -> None:
    """Sends again what nobody took up or a lost worker held (RETOUCHER_BACKEND_*, RETOUCHER_SWEEPER_*)."""
    from services.commands.machines.run import run_sweeper

    run_sweeper()


@evaluate.command("text")
def evaluate_text(
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Pictures of your own.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many pictures to set.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same pictures.")] = 0,
    json_file: JsonFile = None,
    save: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the pictures, to look at.")] = None,
) -> None:
    """Sets right and wrong words into photographs, repairs them, and counts what an independent reader reads."""
    from services.evaluation.text.evaluate import run

    run(data=data, count=count, seed=seed, json_file=json_file, save=save)


evaluate.command("perception")(evaluate_perception)
evaluate.command("reasoning")(evaluate_reasoning)
evaluate.command("perception-ablation")(evaluate_perception_ablation)
evaluate.command("retouch")(evaluate_retouch)
evaluate.command("preference")(preference)


benchmark.command("make")(make_benchmark)


@dataset.command("stats")
def dataset_stats(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A data set in the project's schema.")],
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the chart here (DIR/statistics.png).")
    ] = None,
) -> None:
    """Prints and draws dimensions, categories, regions per image and words per description."""
    from services.datasets.statistics import dataset_statistics

    dataset_statistics(folder, chart=chart)


@dataset.command("convert")
def dataset_convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The data set as downloaded.", show_default=False)],
    name: Annotated[
        Literal["genblemish", "richhf", "synartifacts"],
        typer.Option("--from", help="GenBlemish-27K, RichHF-18K (TFRecord) or SynArtifact-1K."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must be new or empty.")],
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Its images, where they lie elsewhere: Pick-a-Pic v1 for richhf."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON that maps labels of the data set to categories, or to null."),
    ] = None,
) -> None:
    """Converts a published data set into the project's schema; downloads nothing."""
    from services.commands.convert import run

    run(source, name, out, images, labels)


@dataset.command("propose-regions")
def dataset_propose_regions(
    data: Annotated[Path, typer.Option(metavar="DIR", help="A data set in the project's schema.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must be new or empty.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same regions.")] = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A saliency network: take the regions that it finds instead.")
    ] = None,
    device: Annotated[Literal["cpu", "cuda"], typer.Option()] = "cpu",
) -> None:
    """Regions as detectors propose them (jittered, too large, too small, merged, healthy), matched to the flaws."""
    from services.commands.propose_regions import run

    run(data, out, seed, checkpoint, device)


@dataset.command("collect-tries")
def dataset_collect_tries(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A data set in the project's schema, with clean twins.")
    ] = None,
    drawn: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="In place of --data, so many sound pictures drawn for it.")
    ] = None,
    data_seed: Annotated[int, typer.Option(min=0, help="Of --drawn.")] = 0,
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Whose tools try.")] = "tiny-editing",
    first: Annotated[int, typer.Option(min=0, metavar="N", help="Begin with this image of the data set.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="So many images.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the jobs.")] = 0,
    clean_twins: Annotated[
        bool, typer.Option("--clean-twins", help="Try at the clean twins, where nothing is to be repaired.")
    ] = False,
) -> None:
    """What the tools make of known flaws, and what no repair is, each with its worth: for `train verifier`."""
    from services.commands.collect_tries import run

    twins = None if drawn is None else (drawn, data_seed)
    run(data, out, profile, first, limit, seed, clean_twins=clean_twins, drawn=twins)


@dataset.command("export-chats")
def dataset_export_chats(
    data: Annotated[Path, typer.Option(metavar="DIR", help="A data set, or a folder of proposed regions.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must be new or empty.")],
    version: Annotated[str, typer.Option("--prompt", metavar="VERSION", help="Of the request.")] = "v1",
    seed: Annotated[int, typer.Option(min=0, help="Of proposed regions, if --data is a data set.")] = 0,
) -> None:
    """Questions about regions and true answers as chats, for training frameworks that know other models (ms-swift)."""
    from services.commands.export_chats import run

    run(data, out, version, seed)


@dataset.command("export-feedback")
def dataset_export_feedback(
    server_data: Annotated[Path, typer.Option("--server-data", metavar="DIR", help="The server's --data-dir.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must be new or empty.")],
    unjudged: Annotated[
        Literal["leave-out", "healthy", "flaw"],
        typer.Option(help="Images with regions that nobody has judged: left out, or those regions count as so."),
    ] = "leave-out",
    unnamed: Annotated[
        Category | None, typer.Option(help="Category of flaws that nobody named; without it, they are left out.")
    ] = None,
) -> None:
    """Exports what people said of results, of all owners, as training data in the project's schema."""
    from services.commands.export_feedback import run

    run(server_data, out, unjudged, unnamed)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point of the console script; `arguments` are those of the process where none are given."""
    run_and_exit(lambda: app(arguments, prog_name="retoucher", standalone_mode=False))


if __name__ == "__main__":
    main()
