"""Faces with features too many, lost, displaced, scrambled or of unlike size."""

import random
from collections.abc import Callable
from dataclasses import replace

from services.datasets.benchmark.graph import Feature, Head, Scene
from services.datasets.benchmark.mutations.base import FACES, Change, Kind, Telling, people_of
from shared.contracts.categories import Category

_FEATURES = 4
"""Two eyes, a nose and a mouth: a face that lacks one or has more is not struck again."""
Alter = Callable[[Head, random.Random], tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]]
"""Gives the new features, those touched, those gone, and a word for the sentences."""


def _victims(half_head: float) -> Callable[[Scene], list[str]]:
    return lambda scene: [f"{p.id}/head" for p in people_of(scene, half_head)]


def _face(alter: Alter, says: str, clash: str, do: str) -> Callable[[Scene, str, random.Random], Change | None]:
    """A mutation of features; `{p}` in the sentences is the person, `{w}` the word that `alter` gives."""

    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        person = scene.person(path.split("/")[0])
        if len(person.head.features) != _FEATURES:
            return None
        features, touched, gone, word = alter(person.head, rng)
        words = {"p": person.noun, "w": word}
        telling = Telling(says.format(**words), clash.format(**words), do.format(**words))
        changed = scene.with_item(replace(person, head=replace(person.head, features=features)))
        return Change(changed, telling, tuple(f"{path}/{n}" for n in touched), tuple(f"{path}/{n}" for n in gone))

    return apply


def _eyes(head: Head) -> list[Feature]:
    return [f for f in head.features if f.kind == "eye"]


def _one(head: Head, kind: str) -> Feature:
    return next(f for f in head.features if f.kind == kind)


def _third_eye(head: Head, rng: random.Random) -> tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]:
    eye = rng.choice(_eyes(head))
    at, word = rng.choice((((0.0, -0.36), "forehead"), ((-0.36, 0.36), "cheek"), ((0.36, 0.36), "cheek")))
    if head.glasses and word == "forehead":
        at = (0.0, -0.42)
    return (*head.features, replace(eye, name="third eye", at=at)), ("third eye",), (), word


def _move_mouth(head: Head, rng: random.Random) -> tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]:
    mouth = _one(head, "mouth")
    side = rng.choice((-1, 1))
    moved = replace(
        mouth, at=(side * rng.uniform(0.3, 0.38), rng.uniform(0.36, 0.56)), angle=side * -rng.uniform(25, 55)
    )
    return tuple(moved if f is mouth else f for f in head.features), ("mouth",), ("mouth",), ""


def _scramble(head: Head, rng: random.Random) -> tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]:
    places = [f.at for f in head.features]
    turned = (
        [places[2], places[3], places[0], places[1]]
        if rng.random() < 0.5
        else [places[3], places[0], places[1], places[2]]
    )
    features = tuple(
        replace(
            f,
            at=(at[0] + rng.uniform(-0.08, 0.08), at[1] * 0.85 + rng.uniform(-0.06, 0.06)),
            angle=rng.uniform(-35, 35),
        )
        for f, at in zip(head.features, turned, strict=True)
    )
    names = tuple(f.name for f in features)
    return features, names, (), ""


def _uneven(head: Head, rng: random.Random) -> tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]:
    eye = rng.choice(_eyes(head))
    grown = replace(
        eye, size=eye.size * rng.uniform(1.75, 2.1), at=(eye.at[0] * 1.1, eye.at[1] + rng.uniform(0.0, 0.1))
    )
    return tuple(grown if f is eye else f for f in head.features), (eye.name,), (), eye.name


def _lose(head: Head, rng: random.Random) -> tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]:
    lost = rng.choice([f for f in head.features if f.kind != "nose"])
    return tuple(f for f in head.features if f is not lost), (), (lost.name,), lost.name


def _sunken(head: Head, rng: random.Random) -> tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]:
    eye = rng.choice(_eyes(head))
    low = replace(
        eye,
        at=(eye.at[0] * 1.05, eye.at[1] + rng.uniform(0.26, 0.34)),
        angle=rng.uniform(15, 35) * (1 if eye.at[0] > 0 else -1),
    )
    return tuple(low if f is eye else f for f in head.features), (eye.name,), (eye.name,), eye.name


def _second_mouth(head: Head, rng: random.Random) -> tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]:
    mouth = _one(head, "mouth")
    at, word = rng.choice((((0.0, -0.4), "forehead"), ((0.4, 0.28), "cheek"), ((-0.4, 0.28), "cheek")))
    return (
        (*head.features, replace(mouth, name="second mouth", at=at, size=mouth.size * 0.8)),
        ("second mouth",),
        (),
        word,
    )


def _second_nose(head: Head, rng: random.Random) -> tuple[tuple[Feature, ...], tuple[str, ...], tuple[str, ...], str]:
    nose = _one(head, "nose")
    side = rng.choice((-1, 1))
    twin = replace(nose, name="second nose", at=(side * 0.36, 0.34), angle=side * rng.uniform(0, 15))
    return (*head.features, twin), ("second nose",), (), ""


KINDS = (
    Kind("third eye", Category.FACE, FACES, _victims(0.045), _face(
        _third_eye, "the face of the {p} has a third eye on the {w}", "a human face has exactly two eyes",
        "remove the third eye from the {w} of the {p}"), 30),
    Kind("displaced mouth", Category.FACE, FACES, _victims(0.045), _face(
        _move_mouth, "the mouth of the {p} is displaced and sits slanted on one cheek",
        "a mouth lies centred below the nose", "move the mouth of the {p} back below the nose"), 26),
    Kind("scrambled face", Category.FACE, FACES, _victims(0.045), _face(
        _scramble, "the eyes, nose and mouth of the {p} are scrambled",
        "features of a face keep their order", "redraw the face of the {p} with its features in order"), 22),
    Kind("uneven eyes", Category.FACE, FACES, _victims(0.06), _face(
        _uneven, "the {w} of the {p} is twice as large as the other",
        "both eyes of a face have the same size", "make the {w} of the {p} as small as the other"), 26),
    Kind("missing feature", Category.FACE, FACES, _victims(0.06), _face(
        _lose, "the {w} of the {p} is missing, leaving smooth skin",
        "a human face has two eyes, a nose and a mouth", "add the missing {w} to the face of the {p}"), 26),
    Kind("drooping eye", Category.FACE, FACES, _victims(0.06), _face(
        _sunken, "the {w} of the {p} has slid far down towards the cheek",
        "both eyes of a face lie on one line", "raise the {w} of the {p} to the line of the other"), 26, heldout=True),
    Kind("second mouth", Category.FACE, FACES, _victims(0.045), _face(
        _second_mouth, "the face of the {p} has a second mouth on the {w}", "a human face has one mouth",
        "remove the second mouth from the {w} of the {p}"), 28, heldout=True),
    Kind("second nose", Category.FACE, FACES, _victims(0.06), _face(
        _second_nose, "the face of the {p} has a second nose beside the first one", "a human face has one nose",
        "remove the second nose of the {p}"), 28, heldout=True),
)  # fmt: skip
