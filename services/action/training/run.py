"""One training run of a `tiny` tool from data to a folder that its pipeline loads: crops, autoencoder, denoiser, gate.

A run that was stopped resumes from its last state and ends as if it had not been.
"""

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
from services.action.training.card import write_card
from services.action.training.examples import (
    Case,
    Crops,
    Cut,
    blemish_cases,
    blemish_cut,
    cut_crops,
    hole_cases,
    hole_cut,
)
from services.action.training.gate import Gate, judge
from services.action.training.loop import LOG_FILE, Stage, seconds_spent, train_stage
from services.action.training.losses import (
    Batch,
    autoencoder_loss,
    batch_of,
    denoiser_loss,
    latent_scale,
    own_way_loss,
)
from services.action.training.options import ToolTraining
from services.datasets.pairs import PairSource
from shared.errors import BadInput, ErrorCode, MissingResource

RECIPES: dict[str, Recipe] = {EDITOR.name: EDITOR, INPAINTER.name: INPAINTER}
LICENCE = "Apache-2.0"
Report = Callable[[str], None]


@dataclass(frozen=True)
class PairData:
    """What a run learns from and is measured on; `description` is a sentence for the card."""

    training: PairSource
    validation: PairSource
    description: str


def train_tool(
    options: ToolTraining, data: PairData, *, resume: bool = False, report: Report, command: str = "retoucher train"
) -> Gate:
    """Trains, writes the pipeline's folder in half precision, judges what lies there, and writes its card.

    Raises:
        BadInput: a run lies in `out` already and is not to be resumed, or there is none to resume, or no crop.
        MissingResource: NO_GPU, or what the run begins from is not there.
    """
    _prepare(options, resume)
    editor = options.tool == EDITOR.name
    cut: Cut = blemish_cut(options.crops_per_blemish) if editor else hole_cut(options.crops_per_blemish)
    crops = cut_crops(data.training, cut, options.side_px, options.seed, options.state_folder / "crops", report)
    if not len(crops):
        raise BadInput(ErrorCode.MISSING_DATA, "the data has no blemish with a clean twin: give other data")
    torch.manual_seed(options.seed)
    parts = _parts(options, crops)
    _train(options, parts, crops, report)
    for part in (parts.vae, parts.unet, parts.text_encoder):
        nn.Module.half(part)  # half the size; the states that a run resumes from stay whole
    pipeline: Any = parts.pipeline(options.tool)
    pipeline.save_pretrained(options.out)
    gate = judge_folder(options, data.validation, report)
    write_card(
        options,
        gate,
        data=data.description,
        command=command,
        parameters=sum(w.numel() for part in (parts.vae, parts.unet, parts.text_encoder) for w in part.parameters()),
        crops=len(crops),
        seconds=seconds_spent(options.out / LOG_FILE),
    )
    return gate


def judge_folder(options: ToolTraining, validation: PairSource, report: Report) -> Gate:
    """Judges the tool that lies in `options.out`, as it will be served, and writes `gate.json`."""
    report(f"judging on {options.validation_count} validation crops")
    cases = list(islice(_cases(options, validation), options.validation_count))
    gate = judge(trained_tool(options.tool, options.out, options.side_px), cases, options.inference_steps)
    gate.save(options.out)
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


def _train(options: ToolTraining, parts: Parts, crops: Crops, report: Report) -> None:
    tokens: Tensor = parts.tokenizer(
        list(crops.words), padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    ).input_ids
    device = options.device
    for part in (parts.vae, parts.unet, parts.text_encoder):
        nn.Module.to(part, device)

    def batch(indices: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Batch:
        return batch_of(crops, indices, tokens, device)

    if options.vae_steps:
        first = Stage(
            "autoencoder",
            nn.ModuleList([parts.vae]),
            options.vae_steps,
            lambda at, _: autoencoder_loss(parts, batch(at)),
        )
        train_stage(options, first, len(crops), report)
        some = np.arange(min(256, len(crops)))
        parts.vae.register_to_config(scaling_factor=round(latent_scale(parts, batch(some)), 4))
    parts.vae.requires_grad_(False)
    inpaint, outside = options.tool == INPAINTER.name, options.outside_weight

    def loss(indices: "np.ndarray[tuple[int], np.dtype[np.int64]]", noise: torch.Generator) -> Tensor:
        if float(torch.rand((), generator=noise, device=noise.device)) < options.own_way_share:
            steps = options.inference_steps
            return own_way_loss(parts, batch(indices), noise, outside, inpaint=inpaint, inference_steps=steps)
        return denoiser_loss(parts, batch(indices), noise, outside, inpaint=inpaint)

    second = Stage("denoiser", nn.ModuleList([parts.unet, parts.text_encoder]), options.steps, loss)
    if options.steps:
        train_stage(options, second, len(crops), report)


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
