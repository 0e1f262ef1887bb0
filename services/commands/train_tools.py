"""`retoucher train editor` and `train inpainting`: options of a run. Imports torch once called."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from services.commands.training import MixName, OptimizerName, bad_option, command_line
from shared.errors import BadInput, ErrorCode

if TYPE_CHECKING:
    from services.action.training.perceptual import See
    from services.action.training.run import PairData

Out = Annotated[Path, typer.Option(metavar="DIR", help="The checkpoint's folder.")]
Data = Annotated[
    list[Path] | None,
    typer.Option(metavar="DIR", help="Data sets with clean twins; repeat for more. Without: drawn on the fly."),
]
Samples = Annotated[int, typer.Option(min=1, help="Samples drawn on the fly.")]
DataSeed = Annotated[int, typer.Option(min=0, help="Of the samples drawn on the fly.")]
InitFrom = Annotated[Path | None, typer.Option(metavar="CKPT", help="Begin with this checkpoint's weights.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")]
NoGate = Annotated[bool, typer.Option("--no-gate", help="Train alone; --gate-only judges it later, on any machine.")]
GateOnly = Annotated[bool, typer.Option("--gate-only", help="Judge the checkpoint in --out anew.")]
Seed = Annotated[int, typer.Option(min=0, help="Of weights, order and noise.")]
Steps = Annotated[int, typer.Option(min=0, help="Of the denoiser.")]
VaeSteps = Annotated[int, typer.Option(min=0, help="Of the autoencoder, before; 0 keeps it.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Crops per step.")]
Rate = Annotated[float, typer.Option(help="Highest.")]
Channels = Annotated[str, typer.Option(help="The denoiser's widths by level, multiples of 8.")]
Side = Annotated[int, typer.Option(min=16, help="Side of the tool's square.")]
InferenceSteps = Annotated[int, typer.Option(min=1, help="That the tool will run with, and is judged by.")]
OwnWay = Annotated[
    float,
    typer.Option(min=0, max=1, help="Of the denoiser's steps that learn from its own way to the end."),
]
OwnWayFrom = Annotated[float, typer.Option(min=0, max=1, help="Share of the schedule before that.")]
Minutes = Annotated[
    float | None, typer.Option(help="The denoiser ends by then, its schedule walked through; --steps at the latest.")
]
CriticWeight = Annotated[
    float, typer.Option(min=0, help="Of a critic that asks its own way's ends to be sharp; 0 does without.")
]
Perceptual = Annotated[
    Path | None,
    typer.Option(
        metavar="CKPT", help="A saliency checkpoint to whose first layers its own way's ends shall look true."
    ),
]
PerceptualWeight = Annotated[float, typer.Option(min=0, help="Of that, beside a squared error near 0.01.")]
Ema = Annotated[float, typer.Option(min=0, help="Decay of the mean of weights that is kept.")]
VaeChannels = Annotated[int, typer.Option(help="The autoencoder's width.")]
CropsEach = Annotated[int, typer.Option(min=1, help="Crops of each blemish, or of each picture.")]
VagueShare = Annotated[float, typer.Option(min=0, max=1, help="Of instructions that only say to repair the place.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that draw and cut the crops.")]
DrawMinutes = Annotated[
    float | None, typer.Option(help="Crops are those of the samples that are drawn by then; --samples at the most.")
]
Varied = Annotated[bool, typer.Option(help="Other backdrops and tones each time that a crop is learned from.")]
Bf16 = Annotated[bool, typer.Option(help="Mixed precision.")]
Device = Annotated[Literal["cpu", "cuda"], typer.Option()]
Validation = Annotated[int, typer.Option(min=2, help="Crops of the gate.")]


def editor(
    out: Out,
    data: Data = None,
    samples: Samples = 4000,
    data_seed: DataSeed = 1,
    mix: MixName = "balanced",
    init_from: InitFrom = None,
    resume: Resume = False,
    no_gate: NoGate = False,
    gate_only: GateOnly = False,
    seed: Seed = 0,
    steps: Steps = 6000,
    minutes: Minutes = None,
    vae_steps: VaeSteps = 1500,
    batch_size: BatchSize = 32,
    optimizer: OptimizerName = "adamw",
    learning_rate: Rate = 1e-3,
    channels: Channels = "32,64,128",
    vae_channels: VaeChannels = 16,
    side: Side = 64,
    crops_per_blemish: CropsEach = 3,
    vague_share: VagueShare = 0.2,
    workers: Workers = 0,
    draw_minutes: DrawMinutes = None,
    varied: Varied = False,
    inference_steps: InferenceSteps = 4,
    own_way_share: OwnWay = 0.0,
    own_way_from: OwnWayFrom = 0.0,
    critic_weight: CriticWeight = 0.0,
    perceptual: Perceptual = None,
    perceptual_weight: PerceptualWeight = 0.006,
    ema: Ema = 0.995,
    bf16: Bf16 = False,
    device: Device = "cpu",
    validation_count: Validation = 128,
) -> None:
    """Trains the tool instruct-pix2pix at tiny size on blemished and clean crops, judges it and writes its card."""
    _run("instruct-pix2pix", locals())


def inpainting(
    out: Out,
    data: Data = None,
    samples: Samples = 4000,
    data_seed: DataSeed = 1,
    mix: MixName = "balanced",
    init_from: InitFrom = None,
    resume: Resume = False,
    no_gate: NoGate = False,
    gate_only: GateOnly = False,
    seed: Seed = 0,
    steps: Steps = 20000,
    minutes: Minutes = None,
    vae_steps: VaeSteps = 1500,
    batch_size: BatchSize = 32,
    optimizer: OptimizerName = "adamw",
    learning_rate: Rate = 1e-3,
    channels: Channels = "64,128,192",
    vae_channels: VaeChannels = 16,
    side: Side = 64,
    crops_per_blemish: CropsEach = 3,
    workers: Workers = 0,
    draw_minutes: DrawMinutes = None,
    varied: Varied = False,
    inference_steps: InferenceSteps = 12,
    own_way_share: OwnWay = 0.0,
    own_way_from: OwnWayFrom = 0.0,
    critic_weight: CriticWeight = 0.0,
    perceptual: Perceptual = None,
    perceptual_weight: PerceptualWeight = 0.006,
    ema: Ema = 0.995,
    bf16: Bf16 = False,
    device: Device = "cpu",
    validation_count: Validation = 128,
) -> None:
    """Trains the tool sd-inpainting at tiny size on clean pictures with random holes, judges it and writes its card."""
    _run("sd-inpainting", locals())


def _run(tool: str, given: dict[str, object]) -> None:
    from pydantic import ValidationError

    from services.action.training.options import ToolTraining
    from services.action.training.run import judge_folder, train_tool

    apart = {"data", "samples", "data_seed", "mix", "resume", "no_gate", "gate_only", "channels", "side"}
    channels = str(given["channels"])
    try:
        options = ToolTraining.model_validate(
            {
                **{name: value for name, value in given.items() if name not in apart},
                "tool": tool,
                "side_px": given["side"],
                "unet_channels": tuple(int(width) for width in channels.split(",")),
            }
        )
    except ValidationError as error:
        raise bad_option(error) from error
    except ValueError as error:
        raise BadInput(
            ErrorCode.BAD_OPTION, f"--channels {channels!r}: give numbers with commas, 32,64,128 say"
        ) from error
    source = _data(given)
    if not given["gate_only"]:
        train_tool(
            options,
            source,
            resume=bool(given["resume"]),
            report=typer.echo,
            command=command_line(),
            see=None if options.perceptual is None else seeing(options.perceptual, options.device),
        )
        if given["no_gate"]:
            typer.echo(f"{options.out}: trained; judge it with --gate-only")
            return
    gate = judge_folder(options, source.validation, typer.echo)
    for name, one in gate.figures.items():
        typer.echo(f"{name}: {one.psnr_db:.2f} dB, {one.better_share:.0%} better than the source by 1 dB")
    typer.echo(
        f"{options.out}: the gate is {'passed' if gate.passed else 'not passed: train longer before shipping it'}"
    )


def seeing(folder: Path, device: str) -> "See":
    """The first layers of a saliency checkpoint, which learn no more.

    Raises:
        BadInput: BAD_OPTION, it has no convolutions.
        MissingResource: there is none in the folder, or no GPU.
    """
    from services.perception.saliency.checkpoint import load_network
    from services.perception.saliency.encoders import HybridEncoder

    encoder = load_network(folder, device).model.image_encoder.requires_grad_(False)
    if not isinstance(encoder, HybridEncoder):
        raise BadInput(
            ErrorCode.BAD_OPTION, f"{folder} has no convolutions to look by: give --perceptual a `hybrid` checkpoint"
        )
    return encoder.stem


def _data(given: dict[str, object]) -> "PairData":
    from services.action.training.data import folder_data, rendered_data
    from services.datasets.sources import Mix

    folders, samples, count = given["data"], given["samples"], given["validation_count"]
    if isinstance(folders, list) and folders:
        return folder_data(folders)
    if not isinstance(samples, int) or not isinstance(count, int):
        raise TypeError("the command line gives whole numbers")
    seed, mix = int(str(given["data_seed"])), cast(Mix, given["mix"])
    return rendered_data(samples, count, seed, mix, labelled=bool(given["varied"]))
