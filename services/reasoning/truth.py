"""The question about a proposed region, by the code that serves, and the answer that it deserves, by the data's words.

Training teaches the answer, evaluation compares with it. Knows no model.
"""

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
    return questions(prompt, proposal.image, proposal.prompt, [marked(proposal)])[0]


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
