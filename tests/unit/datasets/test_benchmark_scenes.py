"""Healthy scenes are valid; the validator refuses what looks blemished."""

from dataclasses import replace

import pytest

from services.datasets.benchmark import make_sample
from services.datasets.benchmark.draw.people import skeleton
from services.datasets.benchmark.graph import CloseHand, Person, Scene
from services.datasets.benchmark.layouts import LAYOUTS, healthy_scene
from services.datasets.benchmark.mutations.base import hands_of, people_of, things_of
from services.datasets.benchmark.prompts import facts_of, prompt_of
from services.datasets.benchmark.sheet import contact_sheet
from services.datasets.benchmark.validate import faults


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("split", ["train", "test"])
def test_layouts_give_valid_healthy_scenes(layout: str, split: str) -> None:
    for i in range(6):
        scene = healthy_scene(layout, split, f"{i}")
        assert scene.items
        assert faults(scene) == []
        for hand in hands_of(scene).values():
            assert len(hand.fingers) == 5
        for person in people_of(scene):
            head, size = skeleton(person).head, skeleton(person).head_size
            assert size < head[0] < 1 - size and head[1] > size
            assert len(person.arms) == len(person.legs) == 2
        assert scene.backdrop.phrase in prompt_of(scene)


def test_a_head_cut_by_the_frame_is_refused() -> None:
    scene = healthy_scene("figures", "train", "1")
    person = people_of(scene)[0]
    cut = scene.with_item(replace(person, at=(0.02, person.at[1])))
    assert any("cut by the frame" in fault for fault in faults(cut))


def test_things_in_one_place_are_refused() -> None:
    scene = healthy_scene("table", "train", "1")
    first = things_of(scene)[0]
    assert any("meets" in fault for fault in faults(scene.adding(replace(first, id="copy"))))


def test_the_prompt_counts_and_quotes() -> None:
    table, signs = healthy_scene("table", "train", "3"), healthy_scene("signs", "train", "3")
    kinds = [t.kind for t in things_of(table)]
    most = max(kinds, key=kinds.count)
    assert facts_of(table)[f"number of {most}"] == str(kinds.count(most))
    words = [item.word for item in signs.items if not isinstance(item, Person | CloseHand) and hasattr(item, "word")]
    assert words
    assert all(f"'{word}'" in prompt_of(signs) for word in words)


def test_a_scene_is_a_value() -> None:
    scene: Scene = healthy_scene("animals", "train", "5")
    assert scene == healthy_scene("animals", "train", "5")
    assert scene.without(scene.items[0].id).items == scene.items[1:]
    assert scene.item(scene.items[-1].id) is scene.items[-1]


def test_what_flies_by_right_is_no_victim() -> None:
    """Balloons are hard negatives: they occur, and no blemish claims that they float."""
    scenes = [healthy_scene("animals", "train", f"{i}") for i in range(20)]
    aloft = [item for scene in scenes for item in scene.items if item.id == "aloft"]
    assert aloft
    assert not {"aloft"} & {t.id for scene in scenes for t in things_of(scene)}


def test_a_contact_sheet_has_room_for_all() -> None:
    sheet = contact_sheet([make_sample(1, i) for i in range(3)], columns=2, tile_px=64)
    assert sheet.shape == (2 * (64 + 24), 2 * (128 + 6), 3)
