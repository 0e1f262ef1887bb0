"""The profiles with the shipped editor and inpainter, end to end: what they may change, and how far they help.

How many flaws the loop repairs by itself is measured by `retoucher evaluate retouch`; here the places are given.
"""

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
from fakes.flawed_scene import flawed_scene

from services.action.tools.weights import CHECKPOINTS
from services.action.training.examples import Case, blemish_cases, hole_cases
from services.action.training.gate import GATE_FILE, judge
from services.action.training.run import trained_tool
from services.datasets.pairs import RenderedPairs
from services.local import Local
from shared.contracts.jobs import JobOptions
from shared.images import decode_rgb
from shared.profiles import load_profile

EDITOR, INPAINTER = "instruct-pix2pix", "sd-inpainting"
PROFILES = {EDITOR: "tiny-editing", INPAINTER: "tiny-inpainting"}
UNSEEN = RenderedPairs(60, 91, split="test")
"""Of the split that training never saw."""


def flaws() -> list[Case]:
    return list(islice((case for index in range(60) for case in blemish_cases(UNSEEN[index])), 24))


def holes() -> list[Case]:
    return [case for index in range(36) for case in hole_cases(UNSEEN[index], np.random.default_rng(index), 1)]


@pytest.mark.parametrize(("name", "cases", "by_db"), [(EDITOR, flaws, 1.0), (INPAINTER, holes, 0.3)])
def test_on_drawings_it_never_saw_it_beats_what_costs_nothing(
    name: str, cases: Callable[[], list[Case]], by_db: float
) -> None:
    model = load_profile(PROFILES[name]).tool_models[name]
    tool = trained_tool(name, CHECKPOINTS / model.weights, model.native_size_px or 0)
    gate = judge(tool, cases(), model.steps or 0)
    best = max(gate.figures[way].psnr_db for way in ("source", "mean fill", "classical"))
    assert gate.figures["tool"].psnr_db > max(best + by_db, gate.figures["one step"].psnr_db)
    assert gate.figures["tool"].better_share > 0.5


@pytest.mark.parametrize("tool", [EDITOR, INPAINTER])
def test_marked_places_are_edited_and_nothing_else(tool: str) -> None:
    local, scene = Local.in_memory(PROFILES[tool]), flawed_scene()
    job_id = local.submit(scene.picture, scene.prompt, JobOptions(tools=(tool,)), regions=scene.marks)
    local.run(job_id)
    record = local.record(job_id)
    assert {patch.tool for patch in record.patches} == {tool}
    assert {verdict.patch_id for verdict in record.verdicts} <= {patch.id for patch in record.patches}
    assert record.largest_outside_difference == 0
    changed = (decode_rgb(local.artifact(job_id, "result.png")) != decode_rgb(scene.picture)).any(axis=2)
    assert changed.any() == bool(record.accepted_patch_ids)


@pytest.mark.parametrize("tool", [EDITOR, INPAINTER])
def test_the_checkpoint_passed_its_gate_and_fits_in_the_repository(tool: str) -> None:
    folder = CHECKPOINTS / load_profile(PROFILES[tool]).tool_models[tool].weights
    assert all(path.stat().st_size < 16_000_000 for path in folder.rglob("*.safetensors"))
    assert '"passed": true' in (folder / GATE_FILE).read_text(encoding="utf-8")
    assert "What it cannot do" in (folder / "CARD.md").read_text(encoding="utf-8")
