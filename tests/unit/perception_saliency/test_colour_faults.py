"""Which colour a region shows and which is asked for, by a network that reads pictures as a test tells it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from services.perception.saliency import colour_faults as module
from services.perception.saliency.colour_faults import colour_faults
from services.perception.saliency.predictor import Reading
from shared.contracts.values import ColourFault
from shared.geometry import Mask
from shared.images import Rgb

IMAGE: Rgb = np.zeros((20, 40, 3), np.uint8)
LEFT, RIGHT = np.zeros((20, 40), bool), np.zeros((20, 40), bool)
LEFT[4:16, 4:14], RIGHT[4:16, 24:34] = True, True
PROMPT = "a green chair and a red ball on a beach"
NETWORK: Any = None

Say = Callable[[str], tuple[float, float, float]]
"""Of a prompt: saliency of the left thing and of the right one, and the logit of any distortion."""


def a_map(left: float, right: float) -> np.ndarray:
    saliency = np.full((20, 40), 0.01, np.float32)
    saliency[LEFT], saliency[RIGHT] = left, right
    return saliency


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[ColourFault | None]]:
    def asking(say: Say, prompt: str = PROMPT, masks: Sequence[Mask] = (LEFT, RIGHT)) -> list[ColourFault | None]:
        def under(network: object, image: Rgb, prompts: Sequence[str]) -> list[Reading]:
            return [Reading(a_map(*say(one)[:2]), say(one)[2]) for one in prompts]

        monkeypatch.setattr(module, "predict_under", under)
        return colour_faults(NETWORK, IMAGE, prompt, masks, a_map(*say(prompt)[:2]))

    return asking


def a_yellow_ball(prompt: str) -> tuple[float, float, float]:
    """A green chair, deformed, and a yellow ball; the network is content where any word says yellow."""
    ball = 0.02 if "yellow" in prompt else 0.9
    right = "yellow ball" in prompt
    return 0.8, ball, -3.0 if right and "green chair" in prompt else 4.0


def test_the_colour_seen_calms_its_region_and_the_word_it_contradicts_calms_the_picture(ask: Any) -> None:
    chair, found = ask(a_yellow_ball)
    assert chair is None  # no colour calms it
    assert found == ColourFault(seen="yellow", asked=("red", "green"), phrase="red ball")


def test_where_no_colour_calms_it_colour_is_not_what_is_wrong(ask: Any) -> None:
    assert ask(lambda prompt: (0.9, 0.8, 5.0)) == [None, None]
    assert ask(lambda prompt: (0.9, 0.5 if "yellow" in prompt else 0.8, 5.0)) == [None, None]


def test_the_whole_map_counts_beside_the_doubt(ask: Any) -> None:
    def say(prompt: str) -> tuple[float, float, float]:
        left = 0.9 if "yellow chair" in prompt else 0.02
        return left, 0.02 if "yellow" in prompt else 0.9, 1.0

    assert ask(say)[1].asked == ("red", "green")


def test_of_several_things_of_one_colour_none_is_named(ask: Any) -> None:
    [found] = ask(a_yellow_ball, "a red chair and a red ball", (RIGHT,))
    assert found == ColourFault(seen="yellow", asked=("red",), phrase="red")


def test_a_network_that_knows_what_is_meant_goes_by_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def under(network: object, image: Rgb, prompts: Sequence[str]) -> list[Reading]:
        return [
            Reading(a_map(0.01, 0.02 if "yellow" in one else 0.9), -9.0 if "yellow chair" in one else 0.0, agreed(one))
            for one in prompts
        ]

    def agreed(prompt: str) -> float:
        return 0.9 if "yellow ball" in prompt else 0.6

    monkeypatch.setattr(module, "predict_under", under)
    [found] = colour_faults(NETWORK, IMAGE, PROMPT, [RIGHT], a_map(0.01, 0.9))
    assert found is not None and found.asked == ("red", "green")


def test_without_colour_words_or_regions_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> list[Reading]:
        raise AssertionError("asked")

    monkeypatch.setattr(module, "predict_under", never)
    assert colour_faults(NETWORK, IMAGE, "a chair", [LEFT], a_map(1, 1)) == [None]
    assert colour_faults(NETWORK, IMAGE, PROMPT, [], a_map(1, 1)) == []


def test_a_colour_that_every_word_names_contradicts_none_of_them(ask: Any) -> None:
    def say(prompt: str) -> tuple[float, float, float]:
        return (0.02 if "yellow" in prompt and "blue" not in prompt else 0.9), 0.01, 1.0

    [found] = ask(say, "a blue chair", (LEFT,))
    assert found == ColourFault(seen="yellow", asked=("blue",), phrase="blue chair")


def test_a_region_that_is_not_sure_and_a_picture_that_gains_nothing_are_no_wrong_colour(ask: Any) -> None:
    def pale(prompt: str) -> tuple[float, float, float]:
        return 0.01, 0.02 if "yellow" in prompt else 0.75, -3.0 if "yellow ball" in prompt else 4.0

    assert ask(pale, masks=(RIGHT,)) == [None]

    def no_sounder(prompt: str) -> tuple[float, float, float]:
        return 0.01 if "yellow" not in prompt else 0.9, 0.02 if "yellow" in prompt else 0.9, 4.0

    assert ask(no_sounder, masks=(RIGHT,)) == [None]


def test_a_prompt_that_names_the_colour_is_not_contradicted(ask: Any) -> None:
    assert ask(lambda prompt: (0.9, 0.01, 1.0), "a yellow chair", (LEFT,)) == [None]
