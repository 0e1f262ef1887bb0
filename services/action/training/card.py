"""The card beside a trained tool: data, command, seed, time, how it did at the gate, and what it cannot do."""

from pathlib import Path

from pydantic import ValidationError

from services.action.training.gate import Gate
from services.action.training.options import ToolTraining
from shared.contracts.base import Contract
from shared.errors import BadInput, ErrorCode

_TRAINED_FILE = "trained.json"

_WHAT = {
    "instruct-pix2pix": "An instruction editor of InstructPix2Pix's architecture: blemished crop and words in, "
    "repaired crop out.",
    "sd-inpainting": "An inpainter of Stable Diffusion inpainting's architecture: crop, mask and words in, filled "
    "crop out.",
}


class Trained(Contract):
    """What a card says of a training; lies beside the weights as `trained.json`, for whoever judges them later.

    Attributes:
        data: a sentence that says what the tool was trained on.
        command: that trains it anew.
        parameters: of all networks.
        crops: that it was trained on.
        steps: that the denoiser took.
        seconds: of training, all resumptions together.
    """

    data: str
    command: str
    parameters: int
    crops: int
    steps: int
    seconds: float

    def save(self, folder: Path) -> None:
        """Writes it into a checkpoint's folder."""
        (folder / _TRAINED_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @staticmethod
    def of(folder: Path) -> "Trained":
        """Of the tool in a checkpoint's folder.

        Raises:
            BadInput: BAD_OPTION, no tool was trained there.
        """
        try:
            return Trained.model_validate_json((folder / _TRAINED_FILE).read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise BadInput(
                ErrorCode.BAD_OPTION, f"no tool was trained in {folder}: give the --out of a run that came to its end"
            ) from error


def write_card(options: ToolTraining, gate: Gate, trained: Trained) -> None:
    """Writes CARD.md into the checkpoint's folder."""
    rows = [f"| {name} | {one.psnr_db:.2f} | {one.better_share:.0%} |" for name, one in gate.figures.items()]
    begin = f"the checkpoint {options.init_from.name}" if options.init_from else "random weights"
    lines = [
        f"# Tool `{options.tool}`, tiny",
        "",
        _WHAT[options.tool],
        "",
        f"- Data: {trained.data}; {trained.crops} crops at {options.side_px} px.",
        f"- Command: `{trained.command}`",
        f"- Begins from {begin}; {trained.parameters / 1e6:.2f}M parameters; Apache-2.0.",
        f"- Seed {options.seed}; autoencoder {options.vae_steps} steps, denoiser {trained.steps} steps of "
        f"{options.batch_size} crops, {options.optimizer_name} at {options.learning_rate:g}, "
        f"{'bfloat16' if options.bf16 else 'float32'}, on {options.device}; {trained.seconds / 60:.1f} minutes.",
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
