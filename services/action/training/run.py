"""One training run of a `tiny` tool from data to a folder that its pipeline loads: crops, autoencoder, denoiser, gate.

A run that was stopped resumes from its last state and ends as if it had not been.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPTokenizer

from services.action.tools.diffusion import DiffusionTool, Limits, Recipe
from services.action.tools.instruct_pix2pix import RECIPE as EDITOR
from services.action.tools.sd_inpainting import RECIPE as INPAINTER
from services.action.tools.weights import Placement, Weights
from services.action.training.build import MAX_TOKENS, Parts, build_parts
from services.action.training.card import Trained, write_card
from services.action.training.critic import Critic
from services.action.training.examples import (
    BlemishCut,
    Case,
    Crops,
    Cut,
    HoleCut,
    blemish_cases,
    cut_crops,
    hole_cases,
)
from services.action.training.gate import Gate, judge
from services.action.training.judges import Judges
from services.action.training.loop import LOG_FILE, Moment, Stage, seconds_spent, steps_taken, train_stage
from services.action.training.losses import (
    Batch,
    autoencoder_loss,
    batch_of,
    denoiser_loss,
    ladder,
    latent_scale,
    own_way_loss,
    pool_of,
)
from services.action.training.options import ToolTraining
from services.action.training.perceptual import See
from services.datasets.pairs import PairSource
from shared.errors import BadInput, ErrorCode, MissingResource

RECIPES: dict[str, Recipe] = {EDITOR.name: EDITOR, INPAINTER.name: INPAINTER}
LICENCE = "Apache-2.0"
Report = Callable[[str], None]
_DENOISER = "denoiser"


@dataclass(frozen=True)
class PairData:
    """What a run learns from and is measured on; `description` is a sentence for the card."""

    training: PairSource
    validation: PairSource
    description: str


def train_tool(
    options: ToolTraining,
    data: PairData,
    *,
    resume: bool = False,
    report: Report,
    command: str = "retoucher train",
    see: See | None = None,
) -> None:
    """Trains, and writes the pipeline's folder in half precision with what its card will say of the training.

    Args:
        options: the run.
        data: what it learns from.
        resume: continue the run that lies in `options.out`.
        report: takes lines of progress.
        command: for the card.
        see: the first layers of `options.perceptual`, on the run's device.

    Raises:
        BadInput: a run lies in `out` already and is not to be resumed, or there is none to resume, or no crop.
        MissingResource: NO_GPU, or what the run begins from is not there.
    """
    if (see is None) != (options.perceptual is None):
        raise ValueError("`see` is what `options.perceptual` names: give both or neither")
    _prepare(options, resume)
    crops = _crops(options, data.training, report)
    if not len(crops):
        raise BadInput(ErrorCode.MISSING_DATA, "the data has no blemish with a clean twin: give other data")
    torch.manual_seed(options.seed)
    parts = _parts(options, crops)
    _train(options, parts, crops, report, see)
    for part in (parts.vae, parts.unet, parts.text_encoder):
        nn.Module.half(part)  # half the size; the states that a run resumes from stay whole
    pipeline: Any = parts.pipeline(options.tool)
    pipeline.save_pretrained(options.out)
    _forget_origin(options.out)
    log = options.out / LOG_FILE
    Trained(
        data=data.description,
        command=command,
        parameters=sum(w.numel() for part in (parts.vae, parts.unet, parts.text_encoder) for w in part.parameters()),
        crops=len(crops),
        steps=steps_taken(log, _DENOISER),
        seconds=seconds_spent(log),
    ).save(options.out)


def _forget_origin(folder: Path) -> None:
    """Takes out of the parts' configurations where on this machine they were loaded from."""
    for file in folder.glob("*/config.json"):
        config = json.loads(file.read_text(encoding="utf-8"))
        if config.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def judge_folder(options: ToolTraining, validation: PairSource, report: Report) -> Gate:
    """Judges the tool that lies in `options.out`, as it will be served; writes `gate.json`, and a trained tool's card.

    May be done on another machine than the training, by other steps than the run named.

    Raises:
        BadInput: no run lies there.
    """
    report(f"judging on {options.validation_count} validation crops")
    cases = list(islice(_cases(options, validation), options.validation_count))
    gate = judge(trained_tool(options.tool, options.out, options.side_px), cases, options.inference_steps)
    gate.save(options.out)
    run = options.kept().model_copy(update={"out": options.out, "inference_steps": options.inference_steps})
    write_card(run, gate, Trained.of(options.out))
    return gate


def trained_tool(tool: str, folder: Path, side_px: int) -> DiffusionTool:
    """The tool on a folder that a run wrote, on this machine's CPU."""
    limits = Limits(native_size_px=side_px, guidance=1.0)
    return DiffusionTool(RECIPES[tool], Weights(str(folder), LICENCE), Placement(offline=True), limits)


def _cases(options: ToolTraining, source: PairSource) -> Iterator[Case]:
    for index in range(len(source)):
        pair = source[index]
        if options.tool == EDITOR.name:
            yield from blemish_cases(pair)
        else:
            yield from hole_cases(pair, np.random.default_rng([options.seed + 1, index]), 1)


def _crops(options: ToolTraining, source: PairSource, report: Report) -> Crops:
    editor = options.tool == EDITOR.name
    times = options.crops_per_blemish
    cut: Cut = BlemishCut(times, options.vague_share) if editor else HoleCut(times)
    seconds = None if options.draw_minutes is None else 60 * options.draw_minutes
    folder = options.state_folder / "crops"
    return cut_crops(source, cut, options.side_px, options.seed, folder, report, options.workers, seconds)


def _train(options: ToolTraining, parts: Parts, crops: Crops, report: Report, see: See | None) -> None:
    tokens: Tensor = parts.tokenizer(
        list(crops.words), padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    ).input_ids
    if options.device == "cuda":
        torch.backends.cudnn.benchmark = True  # every batch has the same shape
        torch.set_float32_matmul_precision("high")
    for part in (parts.vae, parts.unet, parts.text_encoder):
        nn.Module.to(part, options.device)
    pool = pool_of(crops, tokens, options.device)

    def batch(moment: Moment) -> Batch:
        return batch_of(pool, moment.indices, moment.noise if options.varied else None)

    if options.vae_steps:
        autoencoder = nn.ModuleList([parts.vae])
        first = Stage("autoencoder", autoencoder, options.vae_steps, lambda at: autoencoder_loss(parts, batch(at)))
        train_stage(options, first, len(crops), report)
        some = batch_of(pool, torch.arange(min(256, len(crops)), device=options.device))
        parts.vae.register_to_config(scaling_factor=round(latent_scale(parts, some), 4))
    parts.vae.requires_grad_(False)
    inpaint, outside = options.tool == INPAINTER.name, options.outside_weight
    way = ladder(parts.scheduler, options.inference_steps)
    critic = Critic().to(options.device) if options.critic_weight else None
    judges = Judges(critic, options.critic_weight, see, options.perceptual_weight)

    def loss(at: Moment) -> Tensor:
        if at.share >= options.own_way_from and at.chance.random() < options.own_way_share:
            return own_way_loss(parts, batch(at), at.noise, outside, inpaint=inpaint, way=way, judges=judges)
        return denoiser_loss(parts, batch(at), at.noise, outside, inpaint=inpaint)

    denoiser = nn.ModuleList([parts.unet, parts.text_encoder, *([] if critic is None else [critic])])
    if options.steps:
        train_stage(options, Stage(_DENOISER, denoiser, options.steps, loss, options.minutes), len(crops), report)


def _parts(options: ToolTraining, crops: Crops) -> Parts:
    """The parts before the first step. A resumed run reads its tokenizer back: learning it anew may differ."""
    kept = options.state_folder / "tokenizer"
    parts = build_parts(options, crops.words, CLIPTokenizer.from_pretrained(kept) if kept.is_dir() else None)
    if not kept.is_dir():
        parts.tokenizer.save_pretrained(kept)
    return parts


def _prepare(options: ToolTraining, resume: bool) -> None:
    if options.device == "cuda" and not torch.cuda.is_available():
        raise MissingResource(ErrorCode.NO_GPU, "torch sees no GPU: train with --device cpu")
    if resume:
        options.check_resumes()
        return
    options.check_new()
    options.save()
