"""The profile with the saliency network, end to end with its shipped weights: what is shown, and what is left alone.

Of how well it finds flaws nothing is asked here: its card and `retoucher evaluate perception` say that.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from services.datasets.benchmark.sample import Sample, make_sample
from services.demo.photographs import photographs
from services.demo.play import Play
from services.evaluation.text.photographs import photograph
from services.local import Local
from services.perception.build import CHECKPOINTS
from shared.contracts.categories import Category
from shared.contracts.jobs import JobOptions, Mode, Outcome
from shared.images import decode_gray, decode_rgb, encode_png
from shared.profiles import load_profile

PROFILE = "tiny-saliency"


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    yield Local.in_memory(PROFILE)


@pytest.fixture(scope="module")
def drawn() -> Sample:
    """Of the split that training never saw."""
    return next(s for s in (make_sample(31, i, "test") for i in range(60)) if s.regions and s.layout == "table")


def test_a_drawing_gets_a_heat_map_and_no_pixel_changes_unasked(local: Local, drawn: Sample) -> None:
    job_id = local.submit(encode_png(drawn.image), drawn.prompt)
    local.run(job_id)
    record = local.record(job_id)
    assert record.in_domain is True
    assert record.outcome in (Outcome.NOTHING_TO_FIX, Outcome.NO_GAIN)  # it has tools for words and colours alone
    assert np.array_equal(decode_rgb(local.artifact(job_id, "result.png")), drawn.image)
    heat = decode_gray(local.artifact(job_id, "saliency/before.png"))
    assert heat.shape == drawn.image.shape[:2]
    assert int(heat.max()) > int(np.median(heat))


def test_a_wrong_colour_is_known_for_one_and_recoloured(local: Local) -> None:
    """A gift that is red where the prompt says blue."""
    wrong = make_sample(1313, 76, "test")
    job_id = local.submit(encode_png(wrong.image), wrong.prompt)
    local.run(job_id)
    record = local.record(job_id)
    [region] = record.regions
    assert region.colour is not None
    assert (region.colour.seen, region.colour.asked[0], region.colour.phrase) == ("red", "blue", "blue gift")
    [diagnosis] = record.diagnoses
    assert diagnosis.category is Category.ATTRIBUTE and diagnosis.source == "detector:saliency"
    assert record.outcome is Outcome.REPAIRED
    assert [patch.tool for patch in record.patches] == ["recolour"]
    assert record.largest_outside_difference == 0
    result = decode_rgb(local.artifact(job_id, "result.png"))
    before, after = (
        np.abs(one.astype(float) - wrong.clean)[wrong.regions[0].visible].mean() for one in (wrong.image, result)
    )
    assert after < 0.7 * before


def test_a_photograph_is_out_of_its_domain_and_stays_as_it_is(local: Local) -> None:
    image = photograph("coffee").load(320)
    job_id = local.submit(encode_png(image), "a cup of coffee on a table", JobOptions(tools=("opencv",)))
    local.run(job_id)
    record = local.record(job_id)
    assert record.in_domain is False
    assert record.outcome is Outcome.NOTHING_TO_FIX
    assert "does not know images like this one" in " ".join(record.warnings)
    assert np.array_equal(decode_rgb(local.artifact(job_id, "result.png")), image)


@pytest.mark.parametrize("play", photographs(), ids=lambda play: play.folder)
def test_what_it_does_not_know_it_does_not_judge(local: Local, play: Play) -> None:
    """Words in a photograph are repaired beside it as without it."""
    job_id = local.submit(encode_png(play.image), play.prompt)
    local.run(job_id)
    record = local.record(job_id)
    assert record.in_domain is False
    assert record.outcome is play.outcome


def test_analysis_shows_what_it_highlights_even_there(local: Local) -> None:
    image = photograph("coffee").load(320)
    job_id = local.submit(encode_png(image), "a cup of coffee on a table", JobOptions(mode=Mode.ANALYZE))
    local.run(job_id)
    assert {region.detector for region in local.record(job_id).regions} <= {"saliency"}
    assert local.record(job_id).in_domain is False


def test_the_checkpoint_fits_in_the_repository_and_says_what_it_is() -> None:
    folder = CHECKPOINTS / str(load_profile(PROFILE).saliency_checkpoint)
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sizes["model.safetensors"] < 16_000_000
    assert "What it cannot do" in (folder / "CARD.md").read_text(encoding="utf-8")
