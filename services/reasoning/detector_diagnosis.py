"""What a detector knows of a region, in words: what is read there, or that its colour is not the one asked for.

One sentence template for each kind of fault. Nothing is said that the region does not hold; pixels are not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.contracts.categories import Category
from shared.contracts.values import ColourFault, Diagnosis, Region, TextFault, TextReading


@dataclass(frozen=True)
class FaultWords:
    """Templates for one fault; `{text}`, `{expected}` and `{line}` are filled in."""

    description: str
    inconsistency: str
    instruction: str


FAULT_WORDS: Mapping[TextFault, FaultWords] = MappingProxyType(
    {
        TextFault.MISSPELT: FaultWords(
            "the lettering reads '{text}' where '{expected}' is meant",
            "the image is to say '{expected}', and '{text}' misspells it",
            "write '{expected}' in place of '{text}'",
        ),
        TextFault.GARBLED: FaultWords(
            "the lettering is garbled: it reads '{text}' where '{expected}' is meant",
            "the image is to say '{expected}', and these letters make no word like it",
            "write '{expected}' in place of the garbled letters",
        ),
        TextFault.MIRRORED: FaultWords(
            "the word '{expected}' is mirrored",
            "lettering in this image is to be read from left to right, and this one runs backwards",
            "write '{expected}' the right way round",
        ),
        TextFault.DOUBLED: FaultWords(
            "'{text}' stands twice in '{line}'",
            "the image is to say it once",
            "remove the second '{text}'",
        ),
        TextFault.MISSING: FaultWords(
            "'{expected}' is missing",
            "the image is to say '{expected}', and it is not written here",
            "add '{expected}'",
        ),
        TextFault.WRONG: FaultWords(
            "the lettering reads '{text}' where '{expected}' is meant",
            "the image is to say '{expected}', and '{text}' is another word",
            "write '{expected}' in place of '{text}'",
        ),
        TextFault.ILLEGIBLE: FaultWords(
            "the lettering here cannot be read with confidence (it looks most like '{text}')",
            "lettering is meant to be read, and this is not",
            "write '{expected}' legibly",
        ),
    }
)

UNWANTED = FaultWords(
    "the lettering reads '{text}', which should not be there",
    "nothing that was asked for has '{text}' in it",
    "remove '{text}'",
)
UNSPECIFIED = FaultWords(
    FAULT_WORDS[TextFault.ILLEGIBLE].description,
    FAULT_WORDS[TextFault.ILLEGIBLE].inconsistency,
    "make the lettering legible; nothing says what it should read",
)


def diagnose_region(region: Region) -> Diagnosis:
    """The diagnosis of a region by what its own detector knows; `source` is `detector:<name>`.

    A text reading gives category `text`, a colour that contradicts the prompt `attribute`; any other region has
    category None, since a place on a map has no name. Confidence is the evidence: how sure the detector is that
    something is wrong.
    """
    if region.reading is not None:
        return _of_text(region, region.reading)
    if region.colour is not None:
        return _of_colour(region, region.colour)
    if region.detector == "user":
        described, clash = "the caller marked this region", "the caller did not say what is wrong with it"
        instruction = "remove what is in this region"
    else:
        described = f"the {region.detector} detector finds this region distorted"
        clash = "the detector does not know what is wrong with it"
        instruction = "repair this region"
    return Diagnosis(
        region_id=region.id,
        distorted=True,
        category=None,
        description=described,
        inconsistency=clash,
        instruction=instruction,
        confidence=region.evidence,
        source=f"detector:{region.detector}",
    )


def _of_text(region: Region, reading: TextReading) -> Diagnosis:
    words = _words_for(reading)
    return Diagnosis(
        region_id=region.id,
        distorted=True,
        category=Category.TEXT,
        description=_fill(words.description, reading),
        inconsistency=_fill(words.inconsistency, reading),
        instruction=_fill(words.instruction, reading),
        confidence=region.evidence,
        source=f"detector:{region.detector}",
    )


def _of_colour(region: Region, fault: ColourFault) -> Diagnosis:
    return Diagnosis(
        region_id=region.id,
        distorted=True,
        category=Category.ATTRIBUTE,
        description=f"what is here is {fault.seen}",
        inconsistency=f"the prompt asks for '{fault.phrase}', and {fault.seen} contradicts it",
        instruction=f"change its colour from {fault.seen} to {fault.asked[0]}",
        confidence=region.evidence,
        source=f"detector:{region.detector}",
    )


def _words_for(reading: TextReading) -> FaultWords:
    if reading.expected is None:
        return UNSPECIFIED
    if reading.expected == "" and reading.fault is not TextFault.DOUBLED:
        return UNWANTED
    return FAULT_WORDS[reading.fault]


def _fill(template: str, reading: TextReading) -> str:
    """One pass over the template, so that braces in what was read stay what they are."""
    return template.format(text=reading.text, expected=reading.expected or "", line=reading.line_text)
