"""Prompts and facts of a scene graph. A prompt is that of the healthy graph; facts tell how much of it holds."""

import random

from services.datasets.benchmark.graph import CloseHand, Hand, Item, Person, Scene, Sign, Thing
from services.datasets.benchmark.words import article, number, plural

_SHAPES = {
    "open": "an open hand with five fingers", "relaxed": "a relaxed hand with five fingers", "fist": "a closed fist",
    "pointing": "a hand pointing upwards", "victory": "a hand showing two fingers",
    "thumbs-up": "a hand giving a thumbs-up",
}  # fmt: skip
_FRAMES = ("{}", "{}", "a picture of {}", "an illustration of {}", "{}, detailed", "a scene with {}")


def prompt_of(scene: Scene) -> str:
    """A sentence that names everything whose kind, colour, number, words or action the scene fixes."""
    rng = random.Random(scene.style.seed)
    people = [_person(scene, i) for i in scene.items if isinstance(i, Person)]
    hands = [_close(i) for i in scene.items if isinstance(i, CloseHand)]
    things = _groups([i for i in scene.items if isinstance(i, Thing)])
    signs = [f"{article(s.board.name)} sign that says '{s.word}'" for s in scene.items if isinstance(s, Sign)]
    parts = [*_same(hands), *people, *things, *signs]
    if not people and not hands and rng.random() < 0.5:
        parts = [*signs, *things]
    listed = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return rng.choice(_FRAMES).format(f"{listed} {scene.backdrop.phrase}")


def _same(phrases: list[str]) -> list[str]:
    if len(phrases) == 2 and phrases[0] == phrases[1]:
        head, _, rest = phrases[0].partition(" hand")
        return [f"two {head.split(' ', 1)[1]} hands{rest}"] if " " in head else ["two hands" + rest]
    return phrases


def _person(scene: Scene, person: Person) -> str:
    pattern = "" if person.top.pattern == "plain" else person.top.pattern + " "
    hair = "" if person.head.hairstyle in ("bald", "cap") else f" with {person.head.hair.name} hair"
    words = f"{article(person.noun)}{hair} in {article(f'{person.top.colour.name} {pattern}{person.top.kind}')}"
    if scene.layout != "portraits":
        words += f" and {person.bottom.colour.name} {person.bottom.kind}"
    held = [arm.hand.held for arm in person.arms if arm.hand is not None and arm.hand.held is not None]
    if held and scene.layout != "portraits":
        words += " holding " + " and ".join(article(f"{t.colour.name} {t.kind}") for t in held)
    return words


def _close(item: CloseHand) -> str:
    sleeve = f"in {article(f'{item.sleeve.colour.name} sleeve')}"
    if item.hand.held is not None:
        return f"a hand {sleeve} holding {article(f'{item.hand.held.colour.name} {item.hand.held.kind}')}"
    return f"{_SHAPES[item.hand.shape]} {sleeve}"


def _groups(things: list[Thing]) -> list[str]:
    """Things alike are counted: `three red apples`."""
    counts: dict[tuple[str, str], int] = {}
    for thing in things:
        key = (thing.colour.name, thing.kind)
        counts[key] = counts.get(key, 0) + 1
    return [
        article(f"{c} {k}") if n == 1 else f"{number(n)} {c} {plural(k, n)}" for (c, k), n in sorted(counts.items())
    ]


def facts_of(scene: Scene) -> dict[str, str]:
    """Statements that the prompt makes, as key and value; two scenes are compared key by key."""
    facts = {"place": scene.backdrop.phrase}
    for item in scene.items:
        facts.update(_facts(scene, item))
    things = [i for i in scene.items if isinstance(i, Thing)]
    for kind in {t.kind for t in things}:
        alike = [t for t in things if t.kind == kind]
        facts[f"number of {kind}"] = str(len(alike))
        facts[f"colour of {kind}"] = ", ".join(sorted({t.colour.name for t in alike}))
    return facts


def _facts(scene: Scene, item: Item) -> dict[str, str]:
    if isinstance(item, Sign):
        marks = "".join(
            f"{letter.mirrored:d}{letter.flipped:d}{letter.other}{letter.blank:d}" for letter in item.letters
        )
        return {
            f"{item.id} word": item.word + (marks if marks.strip("0") else ""),
            f"{item.id} colour": item.board.name,
        }
    if isinstance(item, CloseHand):
        return {
            f"{item.id} fingers": str(len(item.hand.fingers)),
            f"{item.id} shape": item.hand.shape,
            **_held(item.id, item.hand),
        }
    if isinstance(item, Person):
        facts = {
            f"{item.id} is": item.noun, f"{item.id} hair": item.head.hair.name,
            f"{item.id} top": f"{item.top.colour.name} {item.top.kind}",
            f"{item.id} pattern": item.top.pattern,
        }  # fmt: skip
        if scene.layout != "portraits":
            facts[f"{item.id} bottom"] = f"{item.bottom.colour.name} {item.bottom.kind}"
        for arm in item.arms:
            if arm.hand is not None:
                facts.update(_held(f"{item.id} {arm.name}", arm.hand))
        return facts
    return {}


def _held(owner: str, hand: Hand) -> dict[str, str]:
    if hand.held is None:
        return {}
    meets = hand.slip == (0.0, 0.0) and not hand.pierced
    return {
        f"{owner} holds": f"{hand.held.kind}{'' if meets else ' not'}",
        f"{owner} held colour": hand.held.colour.name,
    }
