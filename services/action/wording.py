"""What a generative tool is told: what should be there, what must not, or what to do.

Tables of words; the reasoner's own come in where it gave any. A mask tool is told what should stand there, and its
negative prompt names the defect; an instruction editor gets the reasoner's imperative. Words of models and callers are
data here: cut to length, never obeyed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.action.policy import Situation
from shared.colours import change_asked
from shared.contracts.categories import Category
from shared.contracts.values import Diagnosis, Region

LONGEST_SCENE = 200
"""Characters of the picture's own prompt: encoders of the older models read 77 tokens, and the flaw comes first."""

LONGEST_DEFECT = 160


@dataclass(frozen=True)
class Words:
    """Of a category: `wanted` stands in the mask, `unwanted` must not, `do` is for an editor that was told nothing."""

    wanted: str
    unwanted: str
    do: str


@dataclass(frozen=True)
class Told:
    """What one call is told: `wanted` for a mask tool, `instruction` for an editor, `unwanted` for both."""

    wanted: str
    instruction: str
    unwanted: str


WORDS: Mapping[Category | None, Words] = MappingProxyType(
    {
        Category.HAND: Words(
            "a natural human hand with four fingers and a thumb",
            "extra fingers, missing fingers, fused fingers, deformed hand",
            "redraw the hand with four fingers and a thumb",
        ),
        Category.FACE: Words(
            "a natural human face with even features and clear eyes",
            "deformed face, asymmetric eyes, melted features",
            "redraw the face with even, natural features",
        ),
        Category.LIMB: Words(
            "natural human limbs: two arms and two legs, each joined where it belongs",
            "extra limbs, missing limbs, detached limbs, bent bones",
            "redraw the arms and legs so that there are two of each, naturally joined",
        ),
        Category.BODY: Words(
            "a natural human body in true proportions",
            "deformed body, wrong proportions, twisted torso",
            "redraw the body in natural proportions",
        ),
        Category.ATTRIBUTE: Words("exactly as described", "wrong colour, wrong material", "make it as described"),
        Category.COUNT: Words("exactly as many as described", "wrong number of things", "correct how many there are"),
        Category.PERSPECTIVE: Words(
            "in true perspective", "wrong perspective, impossible geometry", "correct the perspective"
        ),
        Category.PLACEMENT: Words(
            "standing where it belongs", "floating, out of place", "put the thing where it belongs"
        ),
        Category.OBJECT_DEFORMATION: Words(
            "a whole, well-formed object", "deformed, broken, melted object", "redraw the object whole and well formed"
        ),
        Category.OBJECT_REDUNDANCY: Words(
            "the background as it is around, undisturbed", "an object, clutter", "remove the object"
        ),
        Category.INTERACTION: Words(
            "things that meet and touch naturally",
            "things that pass through each other, hands that hold nothing",
            "make the things touch and hold each other naturally",
        ),
        Category.TEXT: Words("clear, correctly spelt lettering", "garbled letters, misspelt words", "make it legible"),
        None: Words("natural and well formed", "deformed, distorted, malformed", "repair the distorted part"),
    }
)

GONE = WORDS[Category.OBJECT_REDUNDANCY]

_ADD = re.compile(r"\b(missing|lacks?|lacking|absent|too few|fewer|no)\b", re.IGNORECASE)
_TOO_MANY = re.compile(
    r"\b(extra|additional|surplus|superfluous|duplicate|too many|third|fourth (?:arm|leg|hand)|sixth|seventh|six|seven|"
    r"eight|second thumb|two thumbs|three (?:arms|legs|hands))\b",
    re.IGNORECASE,
)
_DO_ADD = re.compile(r"^\W*(please )?(add|restore|complete|attach|draw the missing)\b", re.IGNORECASE)
_DO_REMOVE = re.compile(r"^\W*(please )?(remove|delete|erase|take (?:out|away)|get rid of)\b", re.IGNORECASE)


def parts_at_fault(diagnosis: Diagnosis) -> Situation | None:
    """`MISSING_PART` or `EXTRA_PART`, where the words say so; None where neither, or both and the imperative is silent.

    The imperative decides first: "a hand with no fifth finger besides six others" is told apart by what to do.
    """
    if _DO_ADD.search(diagnosis.instruction):
        return Situation.MISSING_PART
    if _DO_REMOVE.search(diagnosis.instruction):
        return Situation.EXTRA_PART
    lacks, exceeds = (bool(one.search(diagnosis.description)) for one in (_ADD, _TOO_MANY))
    if lacks == exceeds:
        return None
    return Situation.MISSING_PART if lacks else Situation.EXTRA_PART


def colours_told(region: Region, diagnosis: Diagnosis) -> tuple[str, tuple[str, ...]]:
    """The name of the colour to go, empty where nobody said, and of those that may be asked for, likeliest first.

    What the diagnosis says comes before what the detector saw: a reasoner has looked at both.
    """
    if diagnosis.category is not Category.ATTRIBUTE:
        return "", ()
    seen, asked = change_asked(diagnosis.instruction)
    fault = region.colour
    if fault is not None and asked in (None, *fault.asked):
        others = tuple(one for one in fault.asked if one != asked)
        return fault.seen, (*((asked,) if asked else ()), *others)
    return seen or "", (asked,) if asked else ()


def told(diagnosis: Diagnosis, situation: Situation, scene: str, supposed: str = "") -> Told:
    """The words of one call.

    Args:
        diagnosis: what is wrong.
        situation: as the planner sees it.
        scene: the prompt that the picture was made from.
        supposed: what to tell an editor in place of what the diagnosis says to do.
    """
    going = situation is Situation.TAKE_OUT
    words = GONE if going else WORDS[diagnosis.category]
    defect = _cut(diagnosis.description, LONGEST_DEFECT)
    # The scene's words name the very thing that is to go.
    wanted = words.wanted if going else _joined(words.wanted, _cut(scene, LONGEST_SCENE))
    instruction = supposed or diagnosis.instruction.strip() or words.do
    return Told(wanted=wanted, instruction=instruction, unwanted=_joined(words.unwanted, defect))


def together(tellings: list[Told]) -> Told:
    """One telling for an edit of several flaws: each thing said once, in order."""
    return Told(
        wanted=_joined(*dict.fromkeys(one.wanted for one in tellings)),
        instruction="; ".join(dict.fromkeys(one.instruction for one in tellings)),
        unwanted=_joined(*dict.fromkeys(one.unwanted for one in tellings)),
    )


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _cut(text: str, longest: int) -> str:
    """At most so many characters of one line, ending with a whole word where there is one."""
    line = " ".join(text.split())
    if len(line) <= longest:
        return line
    return line[: longest + 1].rsplit(" ", 1)[0][:longest]
