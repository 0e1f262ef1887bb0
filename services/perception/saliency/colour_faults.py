"""Whether a salient region is of a colour that the prompt does not ask for, found by asking under other prompts.

The network reads image and prompt together. Were the prompt to name the colour that is there, a region that only
contradicts it would be sound: so the prompt's first colour word is exchanged for each colour in turn, and where one of
them calms the region, that one is what the network sees there. Then each colour word is exchanged for it: the picture
as a whole is soundest where it was the word that the region contradicts. Nothing but the network is asked, so whatever
domain it knows, this knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.perception.saliency.checkpoint import Network
from services.perception.saliency.predictor import Reading, predict_under
from shared.colours import TONES, Mention, mentions, phrase_of, renamed
from shared.contracts.values import ColourFault
from shared.geometry import Mask
from shared.images import Rgb

CALMED = 0.5
"""Of a region's mean saliency; what another colour's name takes away that much of, has the wrong colour."""

LEAST_EVIDENCE = 0.8
"""Of a region: its brightest twentieth begins there. The map is paler where it takes sound hair for a wrong colour."""
LEAST_GAIN = 0.003
"""By which the picture as a whole must be sounder under another prompt; see `_unsound`.

With both, of ten seeds of 150 pictures of kinds that the network never saw, 20 of 26 wrong colours are known for such
and 12 other regions are taken for one; without, 26 and 52. Chosen on these."""

_MOST_MENTIONS = 10
"""Of a prompt: each is a look."""
_MOST_ASKED = 2
_MAP_WEIGHT = 250.0
"""Of the mean saliency of the whole map beside the logit of any distortion, where nothing better is known."""


@dataclass(frozen=True)
class _Region:
    mask: Mask
    before: float
    is_sure: bool

    def left(self, reading: Reading) -> float:
        """The share of its mean saliency that another prompt leaves it."""
        return float(reading.saliency[self.mask].mean()) / max(self.before, 1e-6)


def colour_faults(
    network: Network, image: Rgb, prompt: str, masks: Sequence[Mask], saliency: npt.NDArray[np.float32]
) -> list[ColourFault | None]:
    """For each region what colour is seen and which is asked for; None where colour is not what is wrong.

    Args:
        network: conditioned on the prompt.
        image: `(H, W, 3)`.
        prompt: that it was made from; without a colour word there is nothing to contradict.
        masks: `(H, W)` bool of each region, not empty.
        saliency: `(H, W)` of the image under its own prompt.
    """
    named = mentions(prompt)[:_MOST_MENTIONS]
    regions = [_region(mask, saliency) for mask in masks]
    if not named or not any(region.is_sure for region in regions):
        return [None] * len(regions)
    names = [name for name in TONES if name != named[0].name]
    own, *readings = predict_under(network, image, [prompt, *(renamed(prompt, named[0], name) for name in names)])
    seen = [_seen(region, names, readings) if region.is_sure else None for region in regions]
    under = {name: _by_mention(network, image, prompt, named, name) for name in dict.fromkeys(seen) if name is not None}
    most = _unsound(own) - LEAST_GAIN
    return [None if name is None else _fault(name, under[name], most, prompt) for name in seen]


def _region(mask: Mask, saliency: npt.NDArray[np.float32]) -> _Region:
    values = saliency[mask]
    return _Region(mask, float(values.mean()), bool(np.quantile(values, 0.95) >= LEAST_EVIDENCE))


def _seen(region: _Region, names: Sequence[str], readings: Sequence[Reading]) -> str | None:
    """The colour whose name calms the region most; None where none does enough."""
    left = [region.left(reading) for reading in readings]
    best = int(np.argmin(left))
    return names[best] if left[best] <= 1 - CALMED else None


def _by_mention(
    network: Network, image: Rgb, prompt: str, named: Sequence[Mention], seen: str
) -> list[tuple[Mention, float]]:
    """Colour words that are not the one seen, with how unsound the picture is where they say that; soundest first."""
    others = [one for one in named if one.name != seen]
    readings = predict_under(network, image, [renamed(prompt, one, seen) for one in others])
    return sorted(zip(others, map(_unsound, readings), strict=True), key=lambda pair: pair[1])


def _unsound(reading: Reading) -> float:
    """How little of the picture is as it is meant to be; what a network that cannot tell that doubts, is a stand-in.

    Of 43 wrong colours on kinds of scene that the shipped network never saw the first finds the word that was meant 37
    times, the other 30 times.
    """
    if reading.agreement is not None:
        return -reading.agreement
    return reading.any_logit + _MAP_WEIGHT * float(reading.saliency.mean())


def _fault(seen: str, ranked: Sequence[tuple[Mention, float]], most: float, prompt: str) -> ColourFault | None:
    """None where no word makes the picture sound enough: `most` is how unsound it may be left."""
    if not ranked or ranked[0][1] > most:
        return None
    asked = tuple(dict.fromkeys(mention.name for mention, _ in ranked))[:_MOST_ASKED]
    likeliest = [mention for mention, _ in ranked if mention.name == asked[0]]
    # Which of several things of one colour it ought to be, nobody needs to know, and the ranking hardly does.
    phrase = phrase_of(prompt, likeliest[0]) if len(likeliest) == 1 else asked[0]
    return ColourFault(seen=seen, asked=asked, phrase=phrase)
