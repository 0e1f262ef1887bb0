"""The question about a proposed region, by the code that serves, and the answer that it deserves, by the data's words.

Training teaches the answer, evaluation compares with it. Knows no model.
"""

from collections.abc import Sequence

from services.datasets.proposals.propose import Proposal
from services.reasoning.backends.base import Question
from services.reasoning.contract import NO_CATEGORY, Answer
from services.reasoning.prompts import Prompt
from services.reasoning.request import Marked, questions
from shared.contracts.values import Region

NOTHING_WRONG = "Nothing is wrong here."
"""The data sets describe flaws alone: of a sound place there is nothing more to say."""

_SOUND_CONFIDENCE = 0.9


def question_of(proposal: Proposal, prompt: Prompt) -> Question:
    """The request about a proposed region, by the code that serves."""
    return questions_of([proposal], prompt)[0]


def questions_of(proposals: Sequence[Proposal], prompt: Prompt) -> list[Question]:
    """The requests about proposed regions, in order; the picture is encoded once for all that lie on one image."""
    together: dict[tuple[int, str], list[int]] = {}
    for at, one in enumerate(proposals):
        together.setdefault((id(one.image), one.prompt), []).append(at)
    asked: dict[int, Question] = {}
    for own in together.values():
        first = proposals[own[0]]
        places = [marked(proposals[at]) for at in own]
        asked.update(zip(own, questions(prompt, first.image, first.prompt, places), strict=True))
    return [asked[at] for at in range(len(proposals))]


def marked(proposal: Proposal) -> Marked:
    """The proposed region as serving marks one."""
    region = Region(id="r1", box_xyxy_px=proposal.box_xyxy_px, mask_ref="proposal", detector="proposal", evidence=1.0)
    return Marked(region, proposal.mask.astype("uint8") * 255)


def true_answer(proposal: Proposal) -> Answer:
    """The answer, as a model is to write it.

    Confidence is higher the more of the blemish the region shows, from 0.5 to 1; one that shows a corner of it leaves
    room for doubt. Data sets without words for what clashes, or for what to do, teach the description in their place.
    """
    truth = proposal.truth
    if truth is None:
        return Answer.model_validate(
            {
                "distorted": False,
                "category": NO_CATEGORY,
                "description": NOTHING_WRONG,
                "inconsistency": "",
                "instruction": "",
                "confidence": _SOUND_CONFIDENCE,
            }
        )
    return Answer(
        distorted=True,
        category=truth.category,
        description=truth.description,
        inconsistency=truth.inconsistency or truth.description,
        instruction=truth.instruction or f"repair this: {truth.description}",
        confidence=round(0.5 + 0.5 * proposal.covered, 1),
    )
