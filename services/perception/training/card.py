"""The card beside a checkpoint: data, command, seed, time, metrics, and what the network cannot do."""

from services.perception.calibration import Calibration
from services.perception.training.options import TrainingOptions

_FIGURES = (
    ("auc_judd", "AUC-Judd", "higher"),
    ("nss", "NSS", "higher"),
    ("cc", "CC", "higher"),
    ("sim", "SIM", "higher"),
    ("kld", "KLD", "lower"),
    ("image_auroc", 'AUROC of "any distortion"', "higher"),
    ("calibration_error", "expected calibration error", "lower"),
    ("iou_at_tau", "IoU of binarised maps", "higher"),
    ("recall_at_gates", "distorted images that would be edited", "higher"),
    ("false_alarms_at_gates", "healthy images that would be edited", "lower"),
    ("repairs_reaching_min_gain", "perfect repairs that reach min_gain", "higher"),
)


def write_card(
    options: TrainingOptions,
    calibration: Calibration,
    *,
    data: str,
    command: str,
    parameters: int,
    steps: int,
    labelled: bool,
    seconds: float,
) -> None:
    """Writes CARD.md into the checkpoint's folder.

    Args:
        options: the run.
        calibration: its thresholds with the figures of the validation.
        data: a sentence that says what it was trained on.
        command: that trains it anew.
        parameters: of the network.
        steps: that were taken; the clock may have ended the run.
        labelled: the data says what is seen where.
        seconds: of training, all resumptions together.
    """
    rows = [
        f"| {title} | {calibration.validation[key]} | {better} |"
        for key, title, better in _FIGURES
        if calibration.validation.get(key) is not None
    ]
    samples = steps * options.batch_size * options.accumulate
    drawn = f", each drawn one {options.reuse} times on average" if options.reuse > 1 else ""
    beside = ", each blemished one beside its clean twin" if options.twins else ""
    begin = (
        f"the checkpoint {options.init_from.name}"
        if options.init_from
        else f"{options.encoders.vision} and {options.encoders.text}"
        if options.encoders
        else "random weights"
    )
    switches = [
        name
        for name, on in (("attention refinement", options.attention_refinement), ("KLD loss", options.kld))
        if not on
    ]
    lines = [
        "# Distortion saliency network",
        "",
        f"- Data: {data}",
        f"- Command: `{command}`",
        f"- Begins from {begin}; {parameters / 1e6:.2f}M parameters.",
        f"- Seed {options.seed}; {steps} steps of {options.batch_size * options.accumulate} samples "
        f"({samples} in all{drawn}{beside}), {options.optimizer_name} at {options.learning_rate:g}, "
        f"{'bfloat16' if options.bf16 else 'float32'}, "
        f"on {options.device}; {seconds / 60:.1f} minutes.",
        f"- Loss: {options.loss.alpha:g} · {options.loss.mse_scale:g} · MSE + {1 - options.loss.alpha:g} · KLD"
        f"{f' + {options.pixel_scale:g} · cross-entropy of cells' if options.pixel_scale else ''}"
        f" + {options.loss.any_weight:g} · cross-entropy of any distortion"
        f"{f' + {options.loss.contrast_weight:g} · contrast of twins' if options.twins else ''}"
        f"{f' + {options.loss.label_weight:g} · cross-entropy of what is seen where' if labelled else ''}"
        f"{'' if not switches else ' without ' + ' and '.join(switches)}.",
        "",
        f"## Validation ({calibration.validation.get('images')} images, same generator as training)",
        "",
        "| Figure | Value | Better |",
        "|---|---|---|",
        *rows,
        "",
        "Thresholds: "
        + ", ".join(
            f"{name} {getattr(calibration, name):.3g}"
            for name in ("tau", "tau_s", "tau_any", "min_gain", "min_any_fall")
        )
        + f", domain {calibration.domain_threshold:.3g}.",
        "",
        "## What it cannot do",
        "",
        "It knows images like those it was trained on. Others are recognised by their distance to the training data;",
        "their regions are shown and not edited unless forced. It does not read: misspelt words are the text",
        "detector's. It scores no aesthetics where the data has none. These figures are of drawn or held-out data of",
        "the same source and are not comparable with the paper's.",
        "",
    ]
    (options.out / "CARD.md").write_text("\n".join(lines), encoding="utf-8")
