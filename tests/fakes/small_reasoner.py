"""A reasoner of the real class, as small as it gets: its weights are random, so what it says is noise."""

from pathlib import Path

import torch
from fakes.vision_server import says

from services.reasoning.backends.base import Question
from services.reasoning.network import load_network
from services.reasoning.prompts import load_prompt
from services.reasoning.reasoners import Source
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


def teach(folder: Path, question: Question, answer: str, steps: int = 120) -> None:
    """Trains the folder's reasoner until it says `answer`, whatever it is asked.

    Raises:
        AssertionError: it has not learned it.
    """
    network = load_network(Source("small", str(folder)))
    tokenizer = network.processor.tokenizer
    said = tokenizer(answer + "<|im_end|>", add_special_tokens=False, return_tensors="pt")["input_ids"]
    asked = network._inputs([question])
    ids = torch.cat([asked["input_ids"], said], dim=1)
    inputs = {
        **asked,
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": torch.nn.functional.pad(asked["mm_token_type_ids"], (0, said.shape[1])),
        "labels": torch.where(torch.arange(ids.shape[1]) < asked["input_ids"].shape[1], -100, ids),
    }
    network.model.train()
    optimizer = torch.optim.AdamW(network.model.parameters(), lr=4e-3)
    for _ in range(steps):
        loss = network.model(**inputs).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.005:
            break
    network.model.train(False)
    (written,) = network.write([question], said.shape[1] + 8)
    assert written.text == answer, (written.text, float(loss))
    network.model.save_pretrained(folder)
