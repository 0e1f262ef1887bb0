"""The profile with the shipped reasoner, end to end in this process: it diagnoses drawings that it never saw.

How well is measured by `retoucher evaluate reasoning` and written in its card; here it must only be far from chance.
"""

from collections.abc import Iterator

import pytest
from fakes.flawed_scene import flawed_scene

from services.datasets.proposals.propose import Proposing
from services.datasets.sources import DrawnSamples
from services.local import Local
from services.reasoning.card import load_calibration
from services.reasoning.prompts import load_prompt
from services.reasoning.reasoners import CHECKPOINTS, local
from services.reasoning.scoring import category_accuracy, distorted_recall, healthy_recall, well_formed
from services.reasoning.training.asking import Asking, first_proposals
from services.reasoning.training.models import load_model
from shared.contracts.jobs import JobOptions
from shared.profiles import load_profile

PROFILE = "tiny-reasoning"
NAME = str(load_profile(PROFILE).reasoner)


@pytest.fixture(scope="module")
def here() -> Iterator[Local]:
    yield Local.in_memory(PROFILE)


def test_marked_places_are_diagnosed_in_its_words(here: Local) -> None:
    scene = flawed_scene()
    options = JobOptions(tools=("opencv",), max_iterations=1)
    job_id = here.submit(scene.picture, scene.prompt, options, regions=scene.marks)
    here.run(job_id)
    record = here.record(job_id)
    assert record.regions and {one.source for one in record.diagnoses} == {NAME}
    assert not [warning for warning in record.warnings if "answer" in warning]
    assert all(one.description for one in record.diagnoses)


def test_it_is_far_from_chance_on_drawings_it_never_saw() -> None:
    folder = CHECKPOINTS / NAME
    model, processor = load_model(folder)
    asking = Asking(model, processor, load_prompt(local(NAME).prompt))
    judged = asking.judged(first_proposals(Proposing(DrawnSamples(60, 77, split="test"), 77), 96))
    right, readable = (sum(values) / len(judged) for values in (category_accuracy(judged), well_formed(judged)))
    recalls = distorted_recall(judged), healthy_recall(judged)
    assert right > 0.45 and readable > 0.98
    assert all(recall is not None and recall > 0.55 for recall in recalls)


def test_the_checkpoint_is_small_and_says_what_it_is() -> None:
    folder = CHECKPOINTS / NAME
    assert (folder / "model.safetensors").stat().st_size < 16_000_000
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "What it cannot do" in card and load_calibration(folder).split in card
    assert local(NAME).may_veto == load_calibration(folder).may_veto
