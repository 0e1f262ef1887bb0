"""The words of a job's outcome."""

import pytest

from services.report.sentences import (
    STAGES,
    Fate,
    as_sentence,
    event_sentence,
    fate_of,
    headline,
    percent,
    region_title,
    summary_line,
)
from shared.contracts.jobs import Outcome
from shared.contracts.loop import PublicEvent
from shared.contracts.values import ColourFault


def changed(finished, **fields):
    return finished.record.model_copy(update=fields)


def test_each_regions_fate(finished):
    fates = [fate_of(finished.record, region.id) for region in finished.record.regions]
    assert fates == [Fate.REPAIRED, Fate.NOT_REPAIRED, Fate.DECLINED]
    assert fate_of(changed(finished, declined=()), "r3") is Fate.FOUND


def test_a_wrong_colour_is_named_beside_what_the_prompt_asks_for(finished):
    fault = ColourFault(seen="yellow", asked=("red",), phrase="red ball")
    salient = finished.record.regions[0].model_copy(update={"reading": None, "detector": "saliency"})
    assert region_title(salient) == "seen by saliency"
    assert region_title(salient.model_copy(update={"colour": fault})) == "yellow where “red ball” is asked for"


def test_summary_names_the_words_and_the_proof(finished):
    assert summary_line(finished.record, 0.0668) == (
        "repaired 1 of 3 regions: 'COFFE' -> 'COFFEE'; "
        "r3 left as it is: Nothing shows where the missing word ought to stand; "
        "0 pixels changed outside the masks (6.7% of the image)"
    )


def test_summary_of_a_healthy_image(finished):
    record = changed(finished, outcome=Outcome.NOTHING_TO_FIX, regions=(), patches=(), accepted_patch_ids=())
    silent = record.model_copy(update={"warnings": ()})
    assert summary_line(silent, 0.0) == "nothing to fix; not a pixel changed"
    warned = record.model_copy(update={"warnings": ("no place was found for “A\nB”: send a region.",)})
    assert summary_line(warned, 0.0) == (
        "nothing to fix; no place was found for “A B”: send a region; not a pixel changed"
    )


def test_summary_of_an_analysis(finished):
    record = changed(finished, outcome=Outcome.ANALYZED, patches=(), accepted_patch_ids=())
    assert summary_line(record, 0.0).startswith("found 3 regions: 'COFFE' -> 'COFFEE', 'SCONEZ' -> 'SCONES'")


def test_summary_is_one_line_whatever_the_words_hold(finished):
    reading = finished.record.regions[0].reading.model_copy(update={"text": "A\n\x1b[31mB"})
    region = finished.record.regions[0].model_copy(update={"reading": reading})
    line = summary_line(changed(finished, regions=(region,)), 0.1)
    assert "\n" not in line and "\x1b" not in line


def test_a_difference_outside_the_masks_is_not_hidden(finished):
    assert summary_line(changed(finished, largest_outside_difference=3), 0.1).endswith("outside the masks: 3")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.NOTHING_TO_FIX, "Nothing to fix"),
        (Outcome.IMPROVED, "1 of 3 flaws repaired"),
        (Outcome.REPAIRED, "All 3 flaws found are repaired"),
        (Outcome.NO_GAIN, "none repaired"),
        (Outcome.ANALYZED, "3 flaws found"),
    ],
)
def test_headlines(finished, outcome, words):
    assert words in headline(changed(finished, outcome=outcome))


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0%"), (1.0, "100%"), (0.123, "12%"), (0.0123, "1.2%"), (0.000123, "0.012%")]
)
def test_percent_keeps_a_small_share_from_reading_as_none(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(
    ("fragment", "sentence"),
    [("it is so", "It is so."), ("It is so.", "It is so."), ("'x' is so", "'x' is so."), ("", ""), ("why? ", "Why?")],
)
def test_fragments_become_sentences(fragment, sentence):
    assert as_sentence(fragment) == sentence


def test_events_in_words():
    def event(kind, **data):
        return PublicEvent(seq=1, job_id="job_x", type=kind, at_s=0.0, data=data)

    assert event_sentence(event("stage.started", stage="retouch", step=3)) == STAGES["retouch"]
    assert event_sentence(event("job.perceived", regions=1)) == "1 region found"
    assert event_sentence(event("job.perceived", regions=0)) == "nothing looks distorted"
    assert event_sentence(event("job.iteration", number=2, accepted=1, refused=0)) == "round 2: 1 kept, 0 refused"
    assert event_sentence(event("job.some_new_one")) == "job some new one"
