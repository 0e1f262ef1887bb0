"""A reasoner of the real class, as small as it gets: its weights are random, so what it says is noise."""

from pathlib import Path

from fakes.vision_server import says

from services.reasoning.prompts import load_prompt
from services.reasoning.tiny import TinySizes, build_tiny

SIZES = TinySizes(
    pieces=600, width=64, layers=2, heads=1, key_heads=1, inner=128,
    vision_width=64, vision_layers=2, vision_heads=2, vision_inner=128, patch_px=14, picture_px=112,
    context_tokens=1024,
)  # fmt: skip


def write_small_reasoner(folder: Path) -> Path:
    """The folder, with an untrained reasoner in it."""
    build_tiny(folder, [load_prompt("tiny").system, says(), says(distorted=False)], SIZES)
    return folder
