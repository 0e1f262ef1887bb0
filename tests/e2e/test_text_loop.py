"""The whole loop, as a caller uses it, on words set into real photographs with fonts that the product does not own."""

from dataclasses import replace

import numpy as np
import pytest

from services.evaluation.text.corruptions import DrawnWord, Lines, Manner, plain
from services.evaluation.text.lettering import Face, Manuscript
from services.evaluation.text.photographs import materials, photograph
from services.evaluation.text.surfaces import Surface
from services.evaluation.text.typesetter import SetPicture, Setting, typeset
from services.local import Local
from shared.contracts.base import QuadXY
from shared.contracts.jobs import Job, JobOptions, Mode, Outcome, Status
from shared.contracts.loop import PublicEvent
from shared.contracts.values import TextFault
from shared.geometry import quad_mask
from shared.images import Rgb, decode_gray, decode_rgb, encode_png, largest_outside_difference

SIZE = 640
QUAD: QuadXY = ((90.0, 150.0), (560.0, 170.0), (555.0, 350.0), (80.0, 340.0))
WORDS: Lines = (("FRESH", "COFFEE"),)
PROMPT = 'a brick wall with a painted sign that says "FRESH COFFEE"'


@pytest.fixture(scope="module")
def local() -> Local:
    return Local.in_memory()


@pytest.fixture(scope="module")
def wall() -> Rgb:
    return photograph("brick").load(SIZE)


def sign(wall: Rgb, *drawn: DrawnWord) -> SetPicture:
    """The sign with other words on its only line, or with the right ones where none are given."""
    script = Manuscript(WORDS, plain(WORDS), Face.SLAB)
    if drawn:
        script = replace(script, drawn=(drawn,))
    return typeset(wall, script, Setting(QUAD, Surface.BOARD, seed=11), materials())


FRESH, COFFEE = DrawnWord("FRESH"), DrawnWord("COFFEE")
COFEE = DrawnWord("COFEE", slot="COFFEE")


def retouch(local: Local, image: Rgb, options: JobOptions = JobOptions(), protected: Rgb | None = None) -> Job:
    job_id = local.submit(encode_png(image), PROMPT, options, None if protected is None else encode_png(protected))
    return local.run(job_id)


def result_of(local: Local, job: Job) -> Rgb:
    return decode_rgb(local.artifact(job.id, "result.png"))


def assert_reads_right(local: Local, job: Job) -> None:
    """Asks the product itself, afresh, about what it made: the right words must be nothing to fix."""
    again = retouch(local, result_of(local, job), JobOptions(mode=Mode.ANALYZE))
    assert not again.found, [region.reading for region in again.found]


@pytest.mark.parametrize(
    ("drawn", "fault"),
    [
        ((FRESH, COFEE), TextFault.MISSPELT),
        ((FRESH, DrawnWord("GARDEN", slot="COFFEE")), TextFault.WRONG),
        ((FRESH, FRESH, COFFEE), TextFault.DOUBLED),
        ((FRESH, DrawnWord("COFFEE", "COFFEE", Manner.MIRRORED)), TextFault.MIRRORED),
    ],
    ids=["misspelt", "wrong", "doubled", "mirrored"],
)
def test_a_fault_is_found_repaired_and_reads_right(
    local: Local, wall: Rgb, drawn: tuple[DrawnWord, ...], fault: TextFault
) -> None:
    before = sign(wall, *drawn)
    job = retouch(local, before.image)
    assert job.status is Status.SUCCEEDED
    assert job.outcome is Outcome.REPAIRED, [verdict.reason for verdict in job.verdicts]
    assert fault in {region.reading.fault for region in job.perceptions[0].regions if region.reading}
    after = result_of(local, job)
    edited = decode_gray(local.artifact(job.id, "edited_mask.png")) > 0
    assert job.largest_outside_difference == largest_outside_difference(before.image, after, edited) == 0
    assert edited.mean() < 0.2
    assert_reads_right(local, job)


def test_a_correct_sign_stays_as_it_is(local: Local, wall: Rgb) -> None:
    image = sign(wall).image
    job = retouch(local, image)
    assert job.outcome is Outcome.NOTHING_TO_FIX
    assert not job.history
    assert np.array_equal(result_of(local, job), image)


def test_a_protected_area_is_never_edited(local: Local, wall: Rgb) -> None:
    picture = sign(wall, FRESH, COFEE)
    protected = np.zeros((SIZE, SIZE, 3), np.uint8)
    protected[quad_mask(picture.words[0][1], (0, 0, SIZE, SIZE))] = 255
    job = retouch(local, picture.image, protected=protected)
    assert job.status is Status.SUCCEEDED
    inside = protected[..., 0] > 0
    assert np.array_equal(result_of(local, job)[inside], picture.image[inside])


def test_analyze_says_what_is_wrong_and_edits_nothing(local: Local, wall: Rgb) -> None:
    image = sign(wall, FRESH, COFEE).image
    job = retouch(local, image, JobOptions(mode=Mode.ANALYZE))
    assert job.outcome is Outcome.ANALYZED
    assert not job.history
    reading = job.perceptions[0].regions[0].reading
    assert reading is not None
    assert "COFEE" in reading.text
    assert reading.line_expected == "FRESH COFFEE"
    assert job.diagnoses[0].distorted


def test_a_region_of_the_callers_own_joins_what_was_found(local: Local, wall: Rgb) -> None:
    image = sign(wall).image
    box = (300, 420, 420, 500)
    job = retouch(local, image, JobOptions(region_boxes_px=(box,)))
    assert job.status is Status.SUCCEEDED
    assert [(region.detector, region.box_xyxy_px) for region in job.perceptions[0].regions] == [("user", box)]
    outside = np.ones((SIZE, SIZE), bool)
    outside[box[1] : box[3], box[0] : box[2]] = False
    assert np.array_equal(result_of(local, job)[outside], image[outside])


def test_a_canceled_job_ends_with_the_original(local: Local, wall: Rgb) -> None:
    image = sign(wall, FRESH, COFEE).image
    job_id = local.submit(encode_png(image), PROMPT)

    def cancel(event: PublicEvent) -> None:
        local.jobs.request_cancel(job_id)

    job = local.run(job_id, cancel)
    assert job.status is Status.CANCELED
    assert job.result is None or not job.result.patches


def test_the_same_seed_replays_bit_for_bit(local: Local, wall: Rgb) -> None:
    image = sign(wall, FRESH, COFEE).image
    first, second = (retouch(local, image, JobOptions(seed=5)) for _ in range(2))
    assert first.history
    assert np.array_equal(result_of(local, first), result_of(local, second))
    assert [patch.seed for patch in first.history] == [patch.seed for patch in second.history]
