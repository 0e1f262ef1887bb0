"""Words on signs: garbled, mirrored, misspelt, doubled, another word than the prompt's, blank, upside down."""

import random
from dataclasses import replace

from services.datasets.benchmark.graph import Letter, Scene, Sign
from services.datasets.benchmark.mutations.base import Change, Kind, Telling, signs_of
from services.datasets.benchmark.vocabulary import TEST, TRAIN
from shared.contracts.categories import Category

_LAYOUTS = ("signs", "figures")
_ALPHABET = "ABCDEFGHKLMNPRSTUVWXYZ"
_SYMMETRIC = set("AHIMOTUVWXY")


def _victims(scene: Scene) -> list[str]:
    return [sign.id for sign in signs_of(scene)]


def _sign(scene: Scene, path: str) -> Sign:
    return next(s for s in signs_of(scene) if s.id == path)


def _changed(scene: Scene, sign: Sign, letters: list[Letter], touched: list[int], gone: list[int], says: str) -> Change:
    telling = Telling(
        f"the word {sign.word} on the sign {says}",
        f"the prompt asks for the word {sign.word}",
        f"write {sign.word} on the sign in clean letters",
    )
    changed = scene.with_item(replace(sign, letters=tuple(letters)))
    return Change(
        changed, telling, tuple(f"{sign.id}/letter {i}" for i in touched), tuple(f"{sign.id}/letter {i}" for i in gone)
    )


def _some(letters: list[Letter], rng: random.Random, low: int) -> list[int]:
    count = min(len(letters), rng.randint(low, max(low, len(letters) // 2 + 1)))
    return sorted(rng.sample(range(len(letters)), count))


def _garbled(scene: Scene, path: str, rng: random.Random) -> Change | None:
    sign = _sign(scene, path)
    letters = list(sign.letters)
    hit = _some(letters, rng, 2)
    for i in hit:
        other = rng.choice([c for c in _ALPHABET if c != letters[i].char])
        letters[i] = replace(letters[i], other=other, angle=rng.uniform(-14, 14), rise=rng.uniform(-0.05, 0.05))
    return _changed(scene, sign, letters, hit, hit, "is garbled into shapes that are no letters")


def _mirrored(scene: Scene, path: str, rng: random.Random) -> Change | None:
    sign = _sign(scene, path)
    letters = [replace(letter, mirrored=True) for letter in reversed(sign.letters)]
    if sign.word == sign.word[::-1] or sum(c not in _SYMMETRIC for c in sign.word) < 2:
        return None
    every = list(range(len(letters)))
    return _changed(scene, sign, letters, every, every, "is mirrored, from right to left")


def _misspelt(scene: Scene, path: str, rng: random.Random) -> Change | None:
    sign = _sign(scene, path)
    letters = list(sign.letters)
    at = rng.randrange(len(letters))
    way = rng.choice(("swap", "replace", "drop"))
    if way == "swap" and at + 1 < len(letters) and letters[at].char != letters[at + 1].char:
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
        return _changed(scene, sign, letters, [at, at + 1], [at, at + 1], "is misspelt, with two letters exchanged")
    if way == "drop" and len(letters) > 3:
        del letters[at]
        return _changed(scene, sign, letters, list(range(len(letters))), [], "is misspelt, with one letter left out")
    wrong = rng.choice([c for c in _ALPHABET if c != letters[at].char])
    letters[at] = replace(letters[at], char=wrong)
    return _changed(scene, sign, letters, [at], [at], "is misspelt, with one letter wrong")


def _doubled(scene: Scene, path: str, rng: random.Random) -> Change | None:
    sign = _sign(scene, path)
    letters = list(sign.letters)
    at = rng.randrange(len(letters))
    letters.insert(at, letters[at])
    every = list(range(len(letters)))
    return _changed(scene, sign, letters, every, [], "repeats one of its letters")


def _other_word(scene: Scene, path: str, rng: random.Random) -> Change | None:
    sign = _sign(scene, path)
    words = TEST.words if sign.word in TEST.words else TRAIN.words
    taken = {s.word for s in signs_of(scene)}
    new = rng.choice([w for w in words if w not in taken and abs(len(w) - len(sign.word)) < 4])
    letters = [Letter(c) for c in new]
    telling = Telling(
        f"the sign says {new} although the prompt asks for the word {sign.word}",
        f"the prompt asks for the word {sign.word}",
        f"replace the word {new} on the sign by {sign.word}",
    )
    changed = scene.with_item(replace(sign, letters=tuple(letters)))
    return Change(changed, telling, tuple(f"{path}/letter {i}" for i in range(len(letters))))


def _blank(scene: Scene, path: str, rng: random.Random) -> Change | None:
    sign = _sign(scene, path)
    letters = list(sign.letters)
    hit = _some(letters, rng, 1)[: max(1, len(letters) - 2)]
    for i in hit:
        letters[i] = replace(letters[i], blank=True)
    return _changed(scene, sign, letters, [], hit, "has blank gaps where letters should be")


def _flipped(scene: Scene, path: str, rng: random.Random) -> Change | None:
    sign = _sign(scene, path)
    letters = list(sign.letters)
    hit = [i for i in _some(letters, rng, 2) if letters[i].char not in "HIOXSZN"]
    for i in hit:
        letters[i] = replace(letters[i], flipped=True, mirrored=True)
    return _changed(scene, sign, letters, hit, hit, "has letters that stand upside down") if hit else None


KINDS = (
    Kind("garbled word", Category.TEXT, _LAYOUTS, _victims, _garbled, 16),
    Kind("mirrored word", Category.TEXT, _LAYOUTS, _victims, _mirrored, 14),
    Kind("misspelt word", Category.TEXT, _LAYOUTS, _victims, _misspelt, 16, prompt_decides=True),
    Kind("doubled letter", Category.TEXT, _LAYOUTS, _victims, _doubled, 10, prompt_decides=True),
    Kind("other word", Category.TEXT, _LAYOUTS, _victims, _other_word, 0, prompt_fault=True, prompt_decides=True),
    Kind("blank letters", Category.TEXT, _LAYOUTS, _victims, _blank, 16, heldout=True),
    Kind("upside-down letters", Category.TEXT, _LAYOUTS, _victims, _flipped, 16, heldout=True),
)
