"""The detector's own diagnosis: a sentence for every fault, and nothing that the detector does not know."""

import pytest

from services.reasoning.agent import DetectorReasoner
from services.reasoning.detector_diagnosis import FAULT_WORDS, diagnose_region
from shared.contracts.base import QuadXY
from shared.contracts.categories import Category
from shared.contracts.jobs import InputInfo, Job, Phase
from shared.contracts.loop import Diagnose
from shared.contracts.values import Canvas, ColourFault, Region, TextFault, TextReading

QUAD: QuadXY = ((0, 0), (10, 0), (10, 5), (0, 5))


def region(
    fault: TextFault | None,
    text: str = "COFFE",
    expected: str | None = "COFFEE",
    detector: str = "text",
    line: str = "",
) -> Region:
    reading = None
    if fault is not None:
        reading = TextReading(
            text=text,
            expected=expected,
            fault=fault,
            confidence=0.9,
            quad_px=QUAD,
            line_text=line or text,
            line_expected=expected,
            line_quad_px=QUAD,
        )
    return Region(id="r1", box_xyxy_px=(0, 0, 10, 5), mask_ref="m", detector=detector, evidence=0.7, reading=reading)


@pytest.mark.parametrize("fault", list(TextFault))
def test_every_fault_names_the_words_and_says_what_to_do(fault: TextFault) -> None:
    said = diagnose_region(region(fault))
    assert said.category is Category.TEXT and said.distorted and said.source == "detector:text"
    assert said.confidence == 0.7 and said.region_id == "r1"
    everything = said.description + said.inconsistency + said.instruction
    assert "COFFE" in everything and "{" not in everything
    assert said.description and said.inconsistency and said.instruction


def test_the_sentences_of_a_misspelt_word() -> None:
    said = diagnose_region(region(TextFault.MISSPELT))
    assert said.description == "the lettering reads 'COFFE' where 'COFFEE' is meant"
    assert said.instruction == "write 'COFFEE' in place of 'COFFE'"


def test_a_doubled_word_goes_and_its_line_is_told() -> None:
    said = diagnose_region(region(TextFault.DOUBLED, "THE", "", line="THE THE CAT"))
    assert said.description == "'THE' stands twice in 'THE THE CAT'" and said.instruction == "remove the second 'THE'"


def test_a_line_that_should_not_be_there_goes() -> None:
    assert diagnose_region(region(TextFault.WRONG, "STOCK", "")).instruction == "remove 'STOCK'"


@pytest.mark.parametrize("fault", list(TextFault))
def test_no_wording_is_invented_where_nothing_gives_one(fault: TextFault) -> None:
    said = diagnose_region(region(fault, "C0#F", None))
    assert said.instruction == "make the lettering legible; nothing says what it should read"
    assert "None" not in said.description + said.inconsistency + said.instruction


@pytest.mark.parametrize("detector", ["saliency", "user"])
def test_a_place_on_a_map_has_no_category(detector: str) -> None:
    said = diagnose_region(region(None, detector=detector))
    assert said.category is None and said.source == f"detector:{detector}" and said.distorted


def test_braces_in_what_was_read_stay_what_they_are() -> None:
    said = diagnose_region(region(TextFault.MISSPELT, "{expected}", "{text}"))
    assert said.instruction == "write '{text}' in place of '{expected}'"


def test_every_fault_has_its_own_sentence() -> None:
    assert set(FAULT_WORDS) == set(TextFault)
    assert len({(w.description, w.inconsistency) for w in FAULT_WORDS.values()}) == len(TextFault)


def test_the_agent_answers_every_region_in_order_and_repeats_the_step() -> None:
    canvas = Canvas(original_ref="o")
    info = InputInfo(original_ref="o", size_hw=(9, 9), format="PNG", sha256="0", prompt="p")
    job = Job(id="job_1", input=info, profile="tiny", created_at_s=0, canvas=canvas)
    regions = tuple(region(TextFault.WRONG).model_copy(update={"id": f"r{n}"}) for n in range(3))
    answer = DetectorReasoner().diagnose(job, Diagnose(step=4, canvas=canvas, regions=regions), dispatch=1)
    assert answer.step == 4 and [d.region_id for d in answer.diagnoses] == ["r0", "r1", "r2"]
    judging = job.model_copy(update={"phase": Phase.REDIAGNOSING})  # admitted with a model, and none is set here
    assert DetectorReasoner().diagnose(judging, Diagnose(step=5, canvas=canvas, regions=regions), 1).diagnoses == ()


def test_a_colour_that_contradicts_the_prompt_is_an_attribute() -> None:
    fault = ColourFault(seen="yellow", asked=("red", "blue"), phrase="red {paper} ball")
    said = diagnose_region(region(None, detector="saliency").model_copy(update={"colour": fault}))
    assert said.category is Category.ATTRIBUTE and said.distorted and said.source == "detector:saliency"
    assert said.instruction == "change its colour from yellow to red"
    assert "'red {paper} ball'" in said.inconsistency and "yellow" in said.description
