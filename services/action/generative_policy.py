"""The policy table's rows for tools that draw anew: inpainting models and instruction editors.

Order is the order in which they are tried: what is strong at the flaw first, then a tool of the other kind, then the
same tool with a freer hand or a mirror image, so that a retry varies strength and tool, and not the seed alone.
Settings of the calls are those that each model's own documentation uses; a profile may replace steps and guidance
(`ToolModel`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from services.action.mirror import MIRRORED
from services.action.policy import Extent, Growth, Row, Situation


@dataclass(frozen=True)
class Manner:
    """How a model is run: denoising steps, and how closely it follows the words."""

    steps: int
    guidance: float


MANNERS: Mapping[str, Manner] = MappingProxyType(
    {
        "sd-inpainting": Manner(steps=30, guidance=7.5),
        "sdxl-inpainting": Manner(steps=30, guidance=8.0),
        "flux-fill": Manner(steps=40, guidance=30.0),
        "qwen-image-edit": Manner(steps=40, guidance=4.0),
        "instruct-pix2pix": Manner(steps=50, guidance=7.5),
    }
)
"""A tool that is not here (an API, say) is sent neither."""

SNUG = Growth(along=0.15, across=0.15, beyond=0.15)
WIDE = Growth(along=0.6, across=0.6, beyond=0.6)
"""Of the region's shorter side. A part that is missing lies beside the region, and one too many reaches out of it: a
mask drawn around what there is would only redraw the same number."""

MODERATE, FREE = 0.8, 0.99
"""Strengths. At the full 1.0 the SDXL inpainting model loses what is in the mask and its colours; at 0.8 the pose stays
and six fingers may, too."""


@dataclass(frozen=True)
class _Way:
    """A tool and how freely it draws; `strength` is None where it has none; `mirrored`: see `action.mirror`."""

    tool: str
    strength: float | None = None
    mirrored: bool = False


FLUX, SDXL, SD = "flux-fill", "sdxl-inpainting", "sd-inpainting"
QWEN, PIX2PIX, GEMINI = "qwen-image-edit", "instruct-pix2pix", "gemini-flash-image"
_BY_WORDS = (_Way(QWEN), _Way(GEMINI), _Way(PIX2PIX))
_FREELY = (_Way(FLUX, FREE), _Way(SDXL, FREE), _Way(SD, FREE))
_MODERATELY = (_Way(FLUX, MODERATE), _Way(SDXL, MODERATE), _Way(SD, MODERATE))
_LAST = (_Way(PIX2PIX, mirrored=True),)
"""Behind the ways of every plan. Its picture follows the crop so closely that another seed changes next to nothing."""
_ALL_OF_MASK_FIRST = (*_MODERATELY, *_BY_WORDS, *_FREELY)

_BY_MASK = "is painted anew inside its mask"
_TOLD = "is described to an editor in words"

_PLANS: tuple[tuple[Situation, Growth, tuple[_Way, ...], str], ...] = (
    (Situation.REDRAW, SNUG, _ALL_OF_MASK_FIRST, "It is there and misshapen, so it {how}, {hand}."),
    (Situation.MISSING_PART, WIDE, (*_BY_WORDS, *_FREELY),
     "A part is missing, which a mask around what is there cannot add: it {how}{wide}."),
    (Situation.EXTRA_PART, WIDE, (*_BY_WORDS, *_FREELY),
     "A part is too many, and its root lies beside the region: it {how}{wide}."),
    (Situation.TAKE_OUT, SNUG, (*_FREELY, *_BY_WORDS),
     "It should not be there at all, so the place {how}."),
    (Situation.CHANGE, SNUG, (*_BY_WORDS, *_FREELY),
     "What it is has to change and not its outline alone, so it {how}."),
    (Situation.RELATE, WIDE, (*_BY_WORDS, *_FREELY),
     "The flaw is how things stand to each other, so it {how}{wide}."),
)  # fmt: skip


def _row(situation: Situation, growth: Growth, way: _Way, reason: str) -> Row:
    by_mask = way.strength is not None
    sentence = reason.format(
        how=f"{_BY_MASK if by_mask else _TOLD} ({way.tool}{', shown its mirror image' if way.mirrored else ''})",
        hand="kept to its pose" if way.strength == MODERATE else "free of what was there" if by_mask else "as a whole",
        wide=", in a mask widened beyond it" if by_mask and growth is WIDE else "",
    )
    settings: dict[str, JsonValue] = {"extent": Extent.REGION.value}
    if by_mask:
        settings["strength"] = way.strength
    if way.mirrored:
        settings[MIRRORED] = True
    return Row(situation, way.tool, Extent.REGION, growth, sentence, MappingProxyType(settings))


_LETTERS = Growth(along=0.5, across=0.5, beyond=0.5)


def _lettering(situation: Situation, tool: str) -> Row:
    reason = f"Set anew it would not fit its surroundings, so '{{expected}}' is asked of an editor in words ({tool})."
    settings = MappingProxyType({"extent": Extent.LINE.value})
    return Row(situation, tool, Extent.LINE, _LETTERS, reason, settings, needs_line=True)


GENERATIVE: tuple[Row, ...] = (
    *(_row(situation, growth, way, reason) for situation, growth, ways, reason in _PLANS for way in (*ways, *_LAST)),
    *(
        _lettering(situation, tool)
        for situation in (Situation.WORD_IN_LINE, Situation.WHOLE_LINE, Situation.MISSING_WORD)
        for tool in (QWEN, GEMINI)
    ),
)

GENERATIVE_TOOLS: frozenset[str] = frozenset(row.tool for row in GENERATIVE)
