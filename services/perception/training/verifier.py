"""Trains the verifier of a saliency network on tries at known flaws, and chooses the thresholds that go with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from services.datasets.tries import read_picture_records
from services.perception.calibration import load_calibration
from services.perception.metrics import image_auroc
from services.perception.saliency.checkpoint import WEIGHTS_FILE
from services.perception.saliency.pairs import COLOUR, COLOUR_UNIT, DETAIL, SEAM, VERIFIED_DETAIL
from services.perception.saliency.verifier import (
    Batch,
    Verifier,
    VerifierSettings,
    judged,
    load_verifier,
    save_verifier,
)
from services.perception.training.pairs import LabelledPairs, labelled_pairs
from shared.contracts.base import Contract
from shared.errors import BadInput, ErrorCode, MissingResource
from shared.fingerprints import fingerprint

ATTEMPT, TWIN = "attempt", "twin"
CARD_FILE = "VERIFIER.md"

_SMOOTHING = 0.02
"""The table's measure of a repair is a hard line through a soft thing: no label is quite sure."""
_LEAST_DOUBT = 0.5
"""Whatever the verifier would refuse: an image that is rather sound than not is no patient."""


class VerifierTraining(Contract):
    """One run.

    Attributes:
        checkpoint: the saliency network's folder, where the verifier is written.
        data, validation: folders of tries, of different pictures.
        go_on: begin with the verifier that lies there; a tool that draws otherwise needs fewer tries so.
        epochs, batch_size, learning_rate, weight_decay, seed: of AdamW under a one-cycle schedule.
        ema: decay of the mean of weights that is kept.
        width: of the head.
        max_sabotage: share of validation sabotage that may pass.
        max_colour_shift, max_seam: what the loop refuses beside, as the profile has it.
        max_healthy_edited: share of healthy validation pictures on which any try may pass.
        device: `cpu` or `cuda`.
    """

    checkpoint: Path
    data: tuple[Path, ...] = Field(min_length=1)
    validation: tuple[Path, ...] = Field(min_length=1)
    go_on: bool = False
    epochs: int = Field(default=10, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    ema: float = Field(default=0.995, ge=0, lt=1)
    width: int = Field(default=48, ge=8, multiple_of=8)
    seed: int = Field(default=0, ge=0)
    max_sabotage: float = Field(default=0.025, ge=0, le=1)
    max_colour_shift: float = Field(default=16.0, ge=0)
    max_seam: float = Field(default=3.0, ge=0)
    max_healthy_edited: float = Field(default=0.02, ge=0, le=1)
    device: Literal["cpu", "cuda"] = "cpu"


def train_verifier(
    options: VerifierTraining,
    *,
    thresholds_only: bool = False,
    report: Callable[[str], None],
    command: str = "retoucher train verifier",
) -> VerifierSettings:
    """Trains, chooses thresholds, and writes the verifier and its card into the saliency network's folder.

    Args:
        options: the run.
        thresholds_only: the verifier that lies there is kept, and its thresholds are chosen anew.
        report: takes lines of progress.
        command: for the card.

    Raises:
        BadInput: a folder holds no tries or a damaged one, or lacks tries that are right, or sabotage.
        MissingResource: the saliency network is not there, or the verifier that it begins with, or whose thresholds are
            to be chosen.
    """
    training = labelled_pairs(options.data, options.checkpoint, options.device, report)
    validation = labelled_pairs(options.validation, options.checkpoint, options.device, report)
    for name, pairs in (("--data", training), ("--validation", validation)):
        if pairs.right.all() or not pairs.right.any() or not _sabotage(pairs).any():
            raise BadInput(
                ErrorCode.MISSING_DATA, f"{name} needs tries that are repairs, and some that are not: collect more"
            )
    model = _there(options) if thresholds_only else _trained(options, training, validation, report)
    probabilities = probabilities_of(model, validation.batch, options.device)
    healthy = sum(record.healthy for folder in options.validation for record in read_picture_records(folder))
    chosen = choose(options, validation, probabilities, healthy)
    settings = _settings(options, model, training, chosen, figures(options, validation, probabilities, chosen, healthy))
    save_verifier(options.checkpoint, model, settings)
    _write_card(options, settings, command)
    return settings


@dataclass(frozen=True)
class Chosen:
    """Thresholds, see `VerifierSettings`."""

    min_repaired: float
    tau_any: float


def choose(
    options: VerifierTraining, pairs: LabelledPairs, probabilities: npt.NDArray[np.float64], healthy: int
) -> Chosen:
    """Thresholds on validation tries.

    `min_repaired` is the lowest at which no more sabotage passes it, and the loop's other limits, than is allowed;
    `tau_any` the lowest at which no more healthy pictures are edited than is allowed, never below a half, and never
    above the calibration's, which was chosen without a verifier.

    Args:
        options: the limits.
        pairs: the tries.
        probabilities: `(N,)` of each.
        healthy: healthy pictures in all, those without any try included.
    """
    calibration = load_calibration(options.checkpoint)
    sabotage, seemly = _sabotage(pairs) & ~pairs.right, _seemly(options, pairs)
    bad = np.sort(probabilities[sabotage & seemly])[::-1]
    min_repaired = _just_above(bad, int(options.max_sabotage * sabotage.sum()))
    passing = (probabilities >= min_repaired) & seemly
    any_of = np.asarray([calibration.any_probability(logit) for logit in pairs.any_logits])
    alarming = passing & pairs.healthy & (pairs.kinds == ATTEMPT)
    alarms: dict[str, float] = {}
    for image, doubt in zip(pairs.images[alarming], any_of[alarming], strict=True):
        alarms[str(image)] = float(doubt)
    doubts = np.sort(np.asarray(list(alarms.values())))[::-1]
    tau_any = _just_above(doubts, int(options.max_healthy_edited * healthy))
    return Chosen(min_repaired, min(calibration.tau_any, max(_LEAST_DOUBT, tau_any)))


def figures(
    options: VerifierTraining,
    pairs: LabelledPairs,
    probabilities: npt.NDArray[np.float64],
    chosen: Chosen,
    healthy: int,
) -> dict[str, float | int]:
    """What the thresholds do on validation tries, for the card."""
    passing = (probabilities >= chosen.min_repaired) & _seemly(options, pairs)
    attempts, twins, bad = pairs.kinds == ATTEMPT, pairs.kinds == TWIN, _sabotage(pairs) & ~pairs.right
    edited = {*pairs.images[passing & attempts & pairs.healthy]}
    return {
        "attempts": int(attempts.sum()),
        "attempts_right": int((attempts & pairs.right).sum()),
        "auroc_attempts": round(image_auroc(probabilities[attempts], pairs.right[attempts]), 4),
        "right_kept": _share(passing[attempts & pairs.right]),
        "wrong_kept": _share(passing[attempts & ~pairs.right]),
        "sabotage": int(bad.sum()),
        "sabotage_refused": _share(~passing[bad]),
        "twins": int(twins.sum()),
        "twins_accepted": _share(passing[twins]),
        "healthy": healthy,
        "healthy_passing_at_open_gates": len(edited),
    }


def _there(options: VerifierTraining) -> Verifier:
    loaded = load_verifier(options.checkpoint, options.checkpoint / WEIGHTS_FILE, options.device)
    if loaded is None:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"there is no verifier in {options.checkpoint}: train it without --go-on and --thresholds-only first",
        )
    return loaded.model


def _seemly(options: VerifierTraining, pairs: LabelledPairs) -> npt.NDArray[np.bool_]:
    """What the loop's other limits let pass."""
    facts = pairs.batch.facts.numpy()
    detail, colour, seam = facts[:, DETAIL], facts[:, COLOUR] * COLOUR_UNIT, facts[:, SEAM]
    within = (detail >= VERIFIED_DETAIL) & (colour <= options.max_colour_shift) & (seam <= options.max_seam)
    return np.asarray(within)


def probabilities_of(model: Verifier, batch: Batch, device: str) -> npt.NDArray[np.float64]:
    """`(N,)`, as serving gives them: of each pair and its mirror image."""
    model.eval()
    parts = [judged(model, batch.of(rows), device) for rows in torch.split(torch.arange(len(batch)), 256)]
    return np.concatenate(parts)


def _trained(
    options: VerifierTraining, training: LabelledPairs, validation: LabelledPairs, report: Callable[[str], None]
) -> Verifier:
    torch.manual_seed(options.seed)
    model = _there(options) if options.go_on else _new(options, training)
    model.to(options.device)
    mean = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(options.ema))  # type: ignore[no-untyped-call]
    optimiser = torch.optim.AdamW(model.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    steps = options.epochs * -(-len(training) // options.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.learning_rate, total_steps=steps)
    goal = torch.from_numpy(training.right.astype(np.float32)) * (1 - 2 * _SMOOTHING) + _SMOOTHING
    attempts = validation.kinds == ATTEMPT
    began_s = time.monotonic()
    for epoch in range(1, options.epochs + 1):
        model.train()
        losses: list[float] = []
        for rows in torch.split(torch.randperm(len(training)), options.batch_size):
            batch = training.batch.of(rows)
            for axis in (-1, -2):
                batch = batch.mirrored(axis) if torch.rand(()) < 0.5 else batch
            logits = model(batch.to(options.device))
            loss = functional.binary_cross_entropy_with_logits(logits, goal[rows].to(options.device))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            mean.update_parameters(model)
            losses.append(float(loss.detach()))
        told = probabilities_of(_mean_of(mean), validation.batch, options.device)
        entry = {
            "epoch": epoch,
            "seconds": round(time.monotonic() - began_s, 1),
            "loss": round(float(np.mean(losses)), 4),
            "auroc": round(image_auroc(told, validation.right), 4),
            "auroc_attempts": round(image_auroc(told[attempts], validation.right[attempts]), 4),
        }
        report(" ".join(f"{name}={value}" for name, value in entry.items()))
    return _mean_of(mean).cpu()


def _new(options: VerifierTraining, training: LabelledPairs) -> Verifier:
    model = Verifier(training.batch.fine.shape[2], options.width)
    model.standardise_by(training.batch.facts)
    return model


def _mean_of(mean: AveragedModel) -> Verifier:
    model = mean.module
    if not isinstance(model, Verifier):
        raise TypeError(f"the mean is of {type(model).__name__}")
    return model


def _settings(
    options: VerifierTraining,
    model: Verifier,
    training: LabelledPairs,
    chosen: Chosen,
    validation: dict[str, float | int],
) -> VerifierSettings:
    return VerifierSettings(
        network_sha256=fingerprint(options.checkpoint / WEIGHTS_FILE),
        feature_channels=model.narrow.in_channels,
        width=model.narrow.out_channels,
        min_repaired=chosen.min_repaired,
        tau_any=chosen.tau_any,
        validation={"training_tries": len(training), **validation},
    )


def _sabotage(pairs: LabelledPairs) -> npt.NDArray[np.bool_]:
    return np.asarray(~np.isin(pairs.kinds, (ATTEMPT, TWIN)))


def _just_above(descending: npt.NDArray[np.float64], allowed: int) -> float:
    """The lowest threshold in [0, 1] that at most `allowed` of the values reach."""
    return 0.0 if allowed >= len(descending) else min(1.0, float(np.nextafter(descending[allowed], 2.0)))


def _share(flags: npt.NDArray[np.bool_]) -> float:
    return round(float(flags.mean()), 4) if flags.size else 0.0


_FIGURES = (
    ("auroc_attempts", "AUROC of repairs among what tools made", "higher"),
    ("right_kept", "of repairs that tools made, passing", "higher"),
    ("wrong_kept", "of what tools made and is none, passing", "lower"),
    ("sabotage_refused", "of sabotage, refused", "higher"),
    ("twins_accepted", "of the clean twin's pixels, passing", "higher"),
)


def _write_card(options: VerifierTraining, settings: VerifierSettings, command: str) -> None:
    figures = settings.validation
    rows = [f"| {title} | {figures[name]} | {better} |" for name, title, better in _FIGURES]
    parameters = sum(weights.numel() for weights in Verifier(settings.feature_channels, settings.width).parameters())
    lines = [
        "# The verifier of this saliency network",
        "",
        "Says whether a patch is a repair, from its place before and after: in the network's own features, in pixels,",
        f"and in numbers about the whole. {parameters:,} parameters in float16. It knows what its tries show, and",
        "is asked about no words; an image out of the network's domain, edited only where somebody insists, it judges",
        "without knowing its like.",
        "",
        f"- Data: {figures['training_tries']} tries at flaws (`retoucher dataset collect-tries`); measured on",
        f"  {figures['attempts']} tries that tools made ({figures['attempts_right']} of them repairs),",
        f"  {figures['sabotage']} patches of sabotage and {figures['twins']} of the clean twin, of other pictures.",
        f"- Command: `{command}`; {options.epochs} epochs, seed {options.seed}.",
        f"- A patch passes from {settings.min_repaired:.3f} on; the gate on the chance of any distortion stands at",
        f"  {settings.tau_any:.3f}.",
        f"- Of {figures['healthy']} healthy pictures {figures['healthy_passing_at_open_gates']} had a try that passes,",
        "  were every gate open.",
        "",
        "| On validation tries, with the loop's limits of detail, colour and seam | | better is |",
        "|---|---|---|",
        *rows,
        "",
    ]
    (options.checkpoint / CARD_FILE).write_text("\n".join(lines), encoding="utf-8")
