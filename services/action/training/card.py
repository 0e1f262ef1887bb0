"""The card beside a trained tool: data, command, seed, time, how it did at the gate, and what it cannot do."""

from services.action.training.gate import Gate
from services.action.training.options import ToolTraining

_WHAT = {
    "instruct-pix2pix": "An instruction editor of InstructPix2Pix's architecture: blemished crop and words in, "
    "repaired crop out.",
    "sd-inpainting": "An inpainter of Stable Diffusion inpainting's architecture: crop, mask and words in, filled "
    "crop out.",
}


def write_card(
    options: ToolTraining, gate: Gate, *, data: str, command: str, parameters: int, crops: int, seconds: float
) -> None:
    """Writes CARD.md into the checkpoint's folder.

    Args:
        options: the run.
        gate: how it did.
        data: a sentence that says what it was trained on.
        command: that trains it anew.
        parameters: of all networks.
        crops: that it was trained on.
        seconds: of training, all resumptions together.
    """
    rows = [f"| {name} | {one.psnr_db:.2f} | {one.better_share:.0%} |" for name, one in gate.figures.items()]
    begin = f"the checkpoint {options.init_from.name}" if options.init_from else "random weights"
    lines = [
        f"# Tool `{options.tool}`, tiny",
        "",
        _WHAT[options.tool],
        "",
        f"- Data: {data}; {crops} crops at {options.side_px} px.",
        f"- Command: `{command}`",
        f"- Begins from {begin}; {parameters / 1e6:.2f}M parameters; Apache-2.0.",
        f"- Seed {options.seed}; autoencoder {options.vae_steps} steps, denoiser {options.steps} steps of "
        f"{options.batch_size} crops, {options.optimizer_name} at {options.learning_rate:g}, "
        f"{'bfloat16' if options.bf16 else 'float32'}, on {options.device}; {seconds / 60:.1f} minutes.",
        f"- To be run with {options.inference_steps} steps and guidance 1.",
        "",
        f"## Gate: {'passed' if gate.passed else 'NOT passed, not to be shipped'} ({gate.count} validation crops)",
        "",
        "| Way | Region PSNR, dB | Better than the source by 1 dB |",
        "|---|---|---|",
        *rows,
        "",
        "## What it cannot do",
        "",
        "It knows crops of drawings like those it was trained on, and nothing of photographs. Details below a cell of",
        f"its autoencoder ({options.latent_factor} of the {options.side_px} px of its square) are blurred. It knows",
        "nobody: a face is redrawn as some face.",
        "",
    ]
    (options.out / "CARD.md").write_text("\n".join(lines), encoding="utf-8")
