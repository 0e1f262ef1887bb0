"""The profile with the shipped instruction editor, end to end: what it may change, and how far it helps.

How many flaws the loop repairs by itself is measured by `retoucher evaluate retouch`; here the places are given.
"""

from collections.abc import Iterator
from itertools import islice

import pytest
from fakes.flawed_scene import flawed_scene

from services.action.tools.weights import CHECKPOINTS
from services.action.training.examples import Case, blemish_cases
from services.action.training.gate import GATE_FILE, judge
from services.action.training.run import trained_tool
from services.datasets.pairs import RenderedPairs
from services.local import Local
from shared.contracts.jobs import JobOptions
from shared.images import decode_rgb
from shared.profiles import load_profile

PROFILE = "tiny-editing"
EDITOR = "instruct-pix2pix"


def cases() -> list[Case]:
    """Of the split that training never saw."""
    pairs = RenderedPairs(60, 91, split="test")
    return list(islice((case for index in range(60) for case in blemish_cases(pairs[index])), 24))


def test_on_drawings_it_never_saw_it_beats_what_costs_nothing() -> None:
    model = load_profile(PROFILE).tool_models[EDITOR]
    tool = trained_tool(EDITOR, CHECKPOINTS / model.weights, model.native_size_px or 0)
    gate = judge(tool, cases(), model.steps or 0)
    best = max(gate.figures[name].psnr_db for name in ("source", "mean fill", "classical"))
    assert gate.figures["tool"].psnr_db > best + 1
    assert gate.figures["tool"].better_share > 0.5


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    yield Local.in_memory(PROFILE)


def test_marked_places_are_edited_and_nothing_else(local: Local) -> None:
    scene = flawed_scene()
    job_id = local.submit(scene.picture, scene.prompt, JobOptions(tools=(EDITOR,)), regions=scene.marks)
    local.run(job_id)
    record = local.record(job_id)
    assert {patch.tool for patch in record.patches} == {EDITOR}
    assert {verdict.patch_id for verdict in record.verdicts} <= {patch.id for patch in record.patches}
    assert record.largest_outside_difference == 0
    changed = (decode_rgb(local.artifact(job_id, "result.png")) != decode_rgb(scene.picture)).any(axis=2)
    assert changed.any() == bool(record.accepted_patch_ids)


def test_the_checkpoint_passed_its_gate_and_fits_in_the_repository() -> None:
    folder = CHECKPOINTS / load_profile(PROFILE).tool_models[EDITOR].weights
    assert all(path.stat().st_size < 16_000_000 for path in folder.rglob("*.safetensors"))
    assert '"passed": true' in (folder / GATE_FILE).read_text(encoding="utf-8")
    assert "What it cannot do" in (folder / "CARD.md").read_text(encoding="utf-8")
