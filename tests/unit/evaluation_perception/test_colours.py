"""Counting of wrong colours, with a detector that says what a test tells it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluation.perception.colours import count_colours
from services.evaluation.perception.truth import TrueImage, TrueRegion
from services.perception.detectors.base import Detection, Finding, Scene
from shared.contracts.categories import Category
from shared.contracts.loop import Thresholds
from shared.contracts.values import ColourFault, Region
from shared.geometry import Mask

BOX = (4, 4, 12, 12)
LIMITS = Thresholds(tau_s=0.5, tau_any=0.5, min_gain=0.1, min_any_fall=0.0)


def fault(seen: str, *asked: str) -> ColourFault:
    return ColourFault(seen=seen, asked=asked, phrase=asked[0])


@dataclass
class Told:
    """Finds one region everywhere and says the same of all."""

    fault: ColourFault | None
    doubt: float = 0.9
    in_domain: bool = True
    name: str = "saliency"

    def detect(self, scene: Scene) -> Detection:
        finding = Finding(BOX, np.ones((8, 8), np.bool_), 0.9)
        return Detection((finding,), any_distortion=self.doubt, in_domain=self.in_domain, thresholds=LIMITS)

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        return [0.0] * len(regions)

    def colour_faults(self, scene: Scene, detection: Detection, masks: Sequence[Mask]) -> Sequence[ColourFault | None]:
        assert all(mask.shape == (20, 20) and mask.sum() == 64 for mask in masks)
        return [self.fault] * len(masks)


def image(category: Category | None, instruction: str = "", at: int = 4) -> TrueImage:
    mask = np.zeros((20, 20), np.bool_)
    mask[at : at + 6, at : at + 6] = True
    regions = () if category is None else (TrueRegion(category, mask, (7.0, 7.0), instruction),)
    return TrueImage(np.zeros((20, 20, 3), np.uint8), "a red ball", regions)


def counted(said: ColourFault | None, *images: TrueImage, **more: object) -> dict[str, int]:
    figures = count_colours(Told(said, **more), images)  # type: ignore[arg-type]
    return {name: value for name, value in figures.model_dump().items() if value}


WRONG = image(Category.ATTRIBUTE, "change the colour of the ball from yellow to red")


def test_a_wrong_colour_that_is_told_rightly() -> None:
    assert counted(fault("yellow", "red"), WRONG) == {"wrong": 1, "told": 1, "seen": 1, "first": 1, "among": 1}
    assert counted(fault("yellow", "blue", "red"), WRONG) == {"wrong": 1, "told": 1, "seen": 1, "among": 1}
    assert counted(fault("pink", "blue"), WRONG) == {"wrong": 1, "told": 1}
    assert counted(None, WRONG) == {"wrong": 1}


def test_what_is_no_wrong_colour() -> None:
    others = (
        image(Category.HAND, "remove the red finger from the blue hand"),
        image(Category.ATTRIBUTE, "make the shirt striped"),
        image(Category.ATTRIBUTE, "change the ball from yellow to red", at=13),
    )
    assert counted(fault("red", "blue"), *others) == {"other": 3, "other_told": 3}
    assert counted(None, *others) == {"other": 3}
    assert counted(fault("red", "blue"), image(None), image(None)) == {"sound": 2, "sound_told": 2}


def test_pictures_that_would_not_be_edited_do_not_count() -> None:
    assert counted(fault("yellow", "red"), WRONG, doubt=0.4) == {}
    assert counted(fault("yellow", "red"), WRONG, in_domain=False) == {}
