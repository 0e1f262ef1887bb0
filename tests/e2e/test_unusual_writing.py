"""Writing that signs seldom have: tiny, vertical, curved, too much of it, other scripts, careless prompts."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from services.local import Local
from shared.contracts.jobs import Job, JobOptions, Outcome, Status
from shared.contracts.values import TextFault
from shared.fonts import HELDOUT_FONTS
from shared.images import Rgb, decode_rgb, encode_png

OPEN_SANS = next(face.path for face in HELDOUT_FONTS if face.path.name.startswith("OpenSans"))


@pytest.fixture(scope="module")
def local() -> Local:
    return Local.in_memory()


def wall(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(3)
    shade = np.full((height, width, 3), (228, 222, 208), float) + np.linspace(-15, 15, width)[None, :, None]
    return Image.fromarray(np.clip(shade + rng.normal(0, 2.5, (height, width, 1)), 0, 255).astype(np.uint8))


def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(OPEN_SANS), size)


def pasted(picture: Image.Image, text: str, size: int, corner: tuple[int, int], angle: float = 0.0) -> Rgb:
    face = font(size)
    tile = Image.new("L", (round(face.getlength(text)) + size, 2 * size))
    ImageDraw.Draw(tile).text((size // 2, size // 3), text, font=face, fill=255)
    turned = tile.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
    picture.paste((40, 40, 90), corner, turned)
    return np.asarray(picture)


def retouch(local: Local, image: Rgb, prompt: str, options: JobOptions = JobOptions()) -> Job:
    job = local.run(local.submit(encode_png(image), prompt, options))
    assert job.status is Status.SUCCEEDED, job.error
    assert job.largest_outside_difference == 0
    return job


def unchanged(local: Local, job: Job, image: Rgb) -> bool:
    return np.array_equal(decode_rgb(local.artifact(job.id, "result.png")), image)


@pytest.mark.parametrize("angle", [25, 90, -90, 180])
def test_turned_words_are_repaired(local: Local, angle: float) -> None:
    image = pasted(wall(620, 620), "GRAND HOTLE", 54, (80, 100), angle)
    assert retouch(local, image, 'a wall that says "GRAND HOTEL"').outcome is Outcome.REPAIRED


def test_a_curved_line_is_declined_with_the_reason(local: Local) -> None:
    picture = wall(900, 600)
    text, radius = "SUMMER FESTVAL", 500
    for number, letter in enumerate(text):
        angle = -36 + 72 * number / (len(text) - 1)
        tile = Image.new("L", (80, 100))
        ImageDraw.Draw(tile).text((15, 5), letter, font=font(60), fill=255)
        turned = tile.rotate(-angle, expand=True, resample=Image.Resampling.BICUBIC)
        x = 450 + radius * np.sin(np.radians(angle)) - turned.width / 2
        y = 140 + radius - radius * np.cos(np.radians(angle)) - turned.height / 2
        picture.paste((20, 80, 40), (round(x), round(y)), turned)
    image = np.asarray(picture)
    job = retouch(local, image, 'a poster with the text "SUMMER FESTIVAL"')
    assert job.outcome is Outcome.NO_GAIN
    assert "curve" in job.declined[0].reason
    assert unchanged(local, job, image)


def test_tiny_letters_are_declined_with_the_reason(local: Local) -> None:
    image = pasted(wall(300, 200), "opne daily", 10, (90, 80))
    job = retouch(local, image, 'a note with the words "open daily"')
    assert not job.found or "small" in job.declined[0].reason
    assert unchanged(local, job, image)


def test_words_that_merge_with_hair_and_face_are_declined(local: Local) -> None:
    portrait = Image.fromarray(data.astronaut()[0:300, 100:400]).resize((600, 600))
    image = pasted(portrait, "ASTRONUAT", 60, (110, 190))
    job = retouch(local, image, 'a portrait with the word "ASTRONAUT" across it')
    assert [region.reading.fault for region in job.known if region.reading] == [TextFault.MISSPELT]
    assert job.outcome is Outcome.NO_GAIN
    assert "merge with what lies behind" in job.declined[0].reason
    assert unchanged(local, job, image)


def test_a_page_of_hundreds_of_words_is_left_alone(local: Local) -> None:
    picture = wall(1200, 900)
    pencil = ImageDraw.Draw(picture)
    words = ("the quick brown fox jumps over the lazy dog while seven judges quietly boxed my waxy pen " * 24).split()
    line, y = "", 20
    for word in words:
        if pencil.textlength(line + word, font=font(20)) > 1120:
            pencil.text((40, y), line, font=font(20), fill=(30, 30, 30))
            line, y = "", y + 30
        line += word + " "
    image = np.asarray(picture)
    for prompt in ("a page of a book", 'a page with the words "quick brown fox"', 'a page with the word "Banana"'):
        job = retouch(local, image, prompt)
        assert job.outcome is Outcome.NOTHING_TO_FIX, prompt
        assert unchanged(local, job, image)
    assert any("Banana" in warning for warning in job.warnings)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ('a sign that says "مرحبا"', "cannot read"),
        ('a sign that says "ПРИВЕТ"', "cannot read"),
        ('a sign that says "欢迎光临"', "no font here has"),
    ],
)
def test_other_scripts_are_told_of_and_nothing_is_edited(local: Local, prompt: str, told: str) -> None:
    image = pasted(wall(500, 260), "OPEN", 80, (110, 50))
    job = retouch(local, image, prompt)
    assert any(told in sentence for sentence in (*job.warnings, *(item.reason for item in job.declined)))
    assert unchanged(local, job, image)


def test_accents_are_set(local: Local) -> None:
    image = pasted(wall(500, 260), "CAFE NOIRR", 60, (40, 60))
    job = retouch(local, image, 'a sign that says "CAFÉ NOIR"')
    assert job.outcome is Outcome.REPAIRED


@pytest.mark.parametrize(
    "prompt",
    [
        'a sign that says "OPEN" and an \'unbalanced "quote',
        "a sign that says “OPEN\" in the rock 'n' roll style",
        'a "sign that says OPEN',
    ],
)
def test_unbalanced_quotes_make_no_fault(local: Local, prompt: str) -> None:
    image = pasted(wall(500, 260), "OPEN", 80, (110, 50))
    job = retouch(local, image, prompt)
    assert job.outcome is Outcome.NOTHING_TO_FIX
    assert unchanged(local, job, image)
