"""Makes test pictures from a seed: a photograph, a place in it, words, a prompt, and perhaps a fault; in memory.

The kinds are dealt evenly, so that a small run holds each of them; half of the pictures are healthy.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from services.evaluation.text.corruptions import OTHER_WORDS, Corruption, DrawnWord, Lines, corrupt, plain
from services.evaluation.text.lettering import Manuscript
from services.evaluation.text.photographs import Photograph, Place, materials, photographs
from services.evaluation.text.surfaces import FACES
from services.evaluation.text.truth import FAULTS, HEALTHY, Kind, PlacedText, Sample, write_index
from services.evaluation.text.typesetter import SetPicture, Setting, typeset
from services.evaluation.text.wording import pick_lines, prompt_with_words, prompt_without_words
from shared.contracts.base import QuadXY
from shared.images import Rgb, encode_png

LONG_SIDES_PX = (640, 768, 896, 1024, 1216)
HEALTHY_DEAL = (Kind.CORRECT, Kind.CORRECT, Kind.CORRECT, Kind.UNMENTIONED, Kind.CORRECT, Kind.NO_WORDS)
ROOMY_ASPECT = 3.4
"""Signs wider than this times their height hold one line."""


@dataclass(frozen=True)
class Recipe:
    """What a worded picture was set from."""

    photograph: Rgb
    right: Manuscript
    corruption: Corruption | None
    setting: Setting


@dataclass(frozen=True)
class TestPicture:
    """A sample with its pixels; `twin` is the same picture with the right words (itself where it is healthy).

    `recipe` is None for a photograph without a sign and for pictures that were loaded.
    """

    __test__ = False

    sample: Sample
    image: Rgb
    twin: Rgb
    recipe: Recipe | None = None


def kinds(count: int) -> tuple[Kind, ...]:
    """Healthy and faulty in turn, each kind dealt in order."""
    return tuple(
        FAULTS[(i // 2) % len(FAULTS)] if i % 2 == 0 else HEALTHY_DEAL[(i // 2) % len(HEALTHY_DEAL)]
        for i in range(count)
    )


def make_pictures(count: int, seed: int) -> Iterator[TestPicture]:
    """`count` test pictures, the same for the same seed and the same photographs at hand."""
    for number, kind in enumerate(kinds(count)):
        rng = np.random.default_rng([seed, number])
        yield _no_words(number, rng) if kind is Kind.NO_WORDS else _worded(number, kind, rng)


def save_pictures(folder: Path, pictures: Iterator[TestPicture]) -> tuple[Sample, ...]:
    """Writes pictures, twins and `index.json` into a folder; returns the samples."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for picture in pictures:
        (folder / picture.sample.file).write_bytes(encode_png(picture.image))
        if picture.sample.twin is not None:
            (folder / picture.sample.twin).write_bytes(encode_png(picture.twin))
        samples.append(picture.sample)
    write_index(folder, tuple(samples))
    return tuple(samples)


def load_picture(folder: Path, sample: Sample) -> TestPicture:
    """A sample's pixels; without a twin file the picture stands for its own twin."""
    image = np.asarray(Image.open(folder / sample.file).convert("RGB"))
    twin = image if sample.twin is None else np.asarray(Image.open(folder / sample.twin).convert("RGB"))
    return TestPicture(sample, image, twin)


def _pick(rng: np.random.Generator, pool: tuple[Photograph, ...]) -> Photograph:
    return pool[int(rng.integers(len(pool)))]


def _no_words(number: int, rng: np.random.Generator) -> TestPicture:
    photo = _pick(rng, tuple(each for each in photographs() if not each.garbled))
    image = photo.load(int(rng.choice(LONG_SIDES_PX)))
    kind = Kind.UNMENTIONED if photo.worded else Kind.NO_WORDS
    prompt = prompt_without_words(photo.scene, None, rng)
    return TestPicture(Sample(file=f"{number:04d}.png", prompt=prompt, kind=kind, photograph=photo.name), image, image)


def corners_px(place: Place, size_hw: tuple[int, int], rng: np.random.Generator) -> QuadXY:
    """The place's corners in pixels, each moved by up to 1.2% so that no two signs lie alike."""
    h, w = size_hw
    moved = np.asarray(place.corners) + rng.uniform(-0.012, 0.012, size=(4, 2))
    points = np.clip(moved, 0.004, 0.996) * (w, h)
    a, b, c, d = ((float(x), float(y)) for x, y in points)
    return a, b, c, d


def _aspect(quad: QuadXY) -> float:
    points = np.asarray(quad)
    sides = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    return float((sides[0] + sides[2]) / max(sides[1] + sides[3], 1e-6))


def _spoilt(kind: Kind, roomy: bool, rng: np.random.Generator) -> tuple[Lines, Corruption | None]:
    while True:
        lines = pick_lines(rng, roomy)
        if kind in HEALTHY:
            return lines, None
        corruption = corrupt(lines, kind, rng)
        if corruption is not None:
            return lines, corruption


def _worded(number: int, kind: Kind, rng: np.random.Generator) -> TestPicture:
    pool = (each for each in photographs() if each.places and not (each.garbled and kind in HEALTHY))
    photo = _pick(rng, tuple(pool))
    place = photo.places[int(rng.integers(len(photo.places)))]
    image = photo.load(int(rng.choice(LONG_SIDES_PX)))
    quad = corners_px(place, (image.shape[0], image.shape[1]), rng)
    surface = place.surfaces[int(rng.integers(len(place.surfaces)))]
    lines, corruption = _spoilt(kind, _aspect(quad) < ROOMY_ASPECT, rng)
    face = FACES[surface][int(rng.integers(len(FACES[surface])))]
    tracking = float(rng.uniform(0, 0.06)) if all(word.isupper() for line in lines for word in line) else 0.0
    quality = int(rng.integers(84, 97)) if rng.random() < 0.6 else None
    setting = Setting(quad, surface, int(rng.integers(1 << 31)), place.posts, quality, place.lying)
    right = Manuscript(lines, plain(lines), face, tracking)
    prompt = (
        prompt_without_words(photo.scene, surface, rng)
        if kind is Kind.UNMENTIONED
        else prompt_with_words(photo.scene, surface, lines, rng)
    )
    sample = Sample(file=f"{number:04d}.png", prompt=prompt, kind=kind, surface=surface, photograph=photo.name)
    return _set(sample, Recipe(image, right, corruption, setting))


def _set(sample: Sample, recipe: Recipe) -> TestPicture:
    right, corruption = recipe.right, recipe.corruption
    if corruption is None:
        clean = _draw(recipe, right)
        known = {"lines": _lines(right.lines, clean.lines)}
        return TestPicture(sample.model_copy(update=known), clean.image, clean.image, recipe)
    spoilt = _draw(recipe, replace(right, drawn=corruption.drawn))
    # the right sign is set at the size that the spoilt one needs, so that the two agree in everything but letters
    twin = _draw(recipe, replace(right, room_for=corruption.drawn))
    known_fault = {
        "twin": f"{Path(sample.file).stem}.twin.png",
        "lines": _lines(right.lines, _widest(corruption, spoilt, twin)),
        "places": (_place(right.lines, corruption, spoilt, twin),),
        "fault_quads_px": _fault_quads(corruption, spoilt, twin),
        "variety": corruption.variety,
    }
    return TestPicture(sample.model_copy(update=known_fault), spoilt.image, twin.image, recipe)


def _draw(recipe: Recipe, script: Manuscript) -> SetPicture:
    return typeset(recipe.photograph, script, recipe.setting, materials())


def with_other_word(picture: TestPicture, than: str) -> Rgb:
    """The picture with a word in the fault's place that is neither the right nor the spoilt one.

    Raises:
        ValueError: the picture has no fault, or was not set here.
    """
    recipe = picture.recipe
    if recipe is None or recipe.corruption is None:
        raise ValueError(f"{picture.sample.file} has no fault to set another word in place of")
    corruption = recipe.corruption
    lines = [list(line) for line in corruption.drawn]
    drawn_now = lines[corruption.line][corruption.word].text.upper()
    others = [word for word in OTHER_WORDS if word not in (than.upper(), drawn_now)]
    other = min(others, key=lambda word: (abs(len(word) - len(than)), word))
    cased = other if than.isupper() else other.lower() if than.islower() else other.capitalize()
    lines[corruption.line][corruption.word] = DrawnWord(cased, slot=than)
    drawn = tuple(tuple(line) for line in lines)
    return _draw(recipe, replace(recipe.right, drawn=drawn, room_for=corruption.drawn)).image


def _lines(lines: Lines, quads: tuple[QuadXY, ...]) -> tuple[PlacedText, ...]:
    return tuple(PlacedText(text=" ".join(line), quad_px=quad) for line, quad in zip(lines, quads, strict=True))


def _widest(corruption: Corruption, spoilt: SetPicture, twin: SetPicture) -> tuple[QuadXY, ...]:
    """Where to read each line: a repair of a doubled word may leave the others where the spoilt line has them."""
    return spoilt.lines if corruption.kind is Kind.DOUBLED else twin.lines


def _place(lines: Lines, corruption: Corruption, spoilt: SetPicture, twin: SetPicture) -> PlacedText:
    if corruption.reflowed or corruption.kind is Kind.MISSING:
        quad = _widest(corruption, spoilt, twin)[corruption.line]
        return PlacedText(text=" ".join(lines[corruption.line]), quad_px=quad)
    word = lines[corruption.line][corruption.word]
    return PlacedText(text=word, quad_px=twin.words[corruption.line][corruption.word])


def _fault_quads(corruption: Corruption, spoilt: SetPicture, twin: SetPicture) -> tuple[QuadXY, ...]:
    """Where a found region may lie: on either copy of a doubled word; anywhere on the line that lacks a word."""
    at = corruption.word
    if corruption.kind is Kind.DOUBLED:
        return spoilt.words[corruption.line][at : at + 2]
    if corruption.kind is Kind.MISSING:
        return spoilt.lines[corruption.line], twin.lines[corruption.line]
    return spoilt.words[corruption.line][at], twin.words[corruption.line][at]
