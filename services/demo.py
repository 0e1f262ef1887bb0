"""`retoucher demo`: three real photographs with signs: a misspelt one, one with the wrong word, and a right one.

The first two must come back repaired and the third untouched, or the demo fails. The photographs ship inside
scikit-image; the signs are set by the evaluation's typesetter, with fonts that the product does not set words with.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from services.evaluation.text.corruptions import DrawnWord, Lines, plain
from services.evaluation.text.lettering import Face, Manuscript
from services.evaluation.text.photographs import Corners, Photograph, materials, photograph
from services.evaluation.text.surfaces import Surface
from services.evaluation.text.typesetter import Setting, typeset
from services.local import Local
from services.report.folder import write_output_folder
from shared.contracts.jobs import JobRecord, Outcome
from shared.errors import ErrorCode, StageError
from shared.images import Rgb, decode_rgb, encode_png

LONG_SIDE_PX = 1200


@dataclass(frozen=True)
class Scene:
    """One picture of the demo.

    Attributes:
        folder: the output folder's name.
        story: what is wrong with it, for the reader.
        photograph, corners, surface, posts: where the sign stands.
        lines, drawn: what it should say, and what it says.
        face, seed: how it is set.
        prompt: what the picture was asked to show.
        outcome: what must come of it.
    """

    folder: str
    story: str
    photograph: str
    corners: Corners
    surface: Surface
    lines: Lines
    drawn: tuple[tuple[DrawnWord, ...], ...]
    face: Face
    seed: int
    prompt: str
    outcome: Outcome
    posts: bool = False


CARD_CORNERS: Corners = ((0.03, 0.62), (0.43, 0.68), (0.42, 0.965), (0.02, 0.90))
COFFEE: Lines = (("FRESH", "COFFEE"), ("every", "morning"))
LAUNCH: Lines = (("LAUNCH", "SITE"),)

SCENES = (
    Scene(
        folder="misspelt",
        story='the card says "FRESH COFEE", the prompt "FRESH COFFEE"',
        photograph="coffee",
        corners=CARD_CORNERS,
        surface=Surface.CARD,
        lines=COFFEE,
        drawn=((DrawnWord("FRESH"), DrawnWord("COFEE")), plain(COFFEE)[1]),
        face=Face.SERIF_BOLD,
        seed=4,
        prompt='an espresso on a wooden table with a card that says "FRESH COFFEE" and below it "every morning"',
        outcome=Outcome.REPAIRED,
    ),
    Scene(
        folder="wrong-word",
        story='the sign says "LUNCH SITE", the prompt "LAUNCH SITE"',
        photograph="rocket",
        corners=((0.55, 0.58), (0.95, 0.61), (0.95, 0.86), (0.55, 0.85)),
        surface=Surface.STREET,
        lines=LAUNCH,
        drawn=((DrawnWord("LUNCH"), DrawnWord("SITE")),),
        face=Face.SANS,
        seed=3,
        prompt="a rocket on its launch pad at dusk, in front of it a road sign reading “LAUNCH SITE”",
        outcome=Outcome.REPAIRED,
        posts=True,
    ),
    Scene(
        folder="correct",
        story="the card says what the prompt says: nothing to fix",
        photograph="coffee",
        corners=CARD_CORNERS,
        surface=Surface.CARD,
        lines=COFFEE,
        drawn=plain(COFFEE),
        face=Face.SERIF_BOLD,
        seed=4,
        prompt='an espresso on a wooden table with a card that says "FRESH COFFEE" and below it "every morning"',
        outcome=Outcome.NOTHING_TO_FIX,
    ),
)


def set_scene(scene: Scene) -> Rgb:
    """`(H, W, 3)` RGB: the photograph with its sign."""
    image = photograph(scene.photograph).load(LONG_SIDE_PX)
    h, w = image.shape[:2]
    a, b, c, d = ((x * w, y * h) for x, y in scene.corners)
    script = Manuscript(scene.lines, scene.drawn, scene.face, tracking_em=0.04)
    setting = Setting((a, b, c, d), scene.surface, scene.seed, posts=scene.posts, lying=not scene.posts)
    return typeset(image, script, setting, materials()).image


def run(out_dir: Path) -> None:
    """Makes the pictures, retouches each, writes a folder with a report for each below `out_dir`, and tells of it.

    Raises:
        StageError: a picture did not come out as it must.
        BadInput: the folder cannot be written.
    """
    console = Console(highlight=False, soft_wrap=True)
    local = Local.in_memory()
    failures = [failure for scene in SCENES if (failure := _play(local, scene, out_dir, console)) is not None]
    if failures:
        raise StageError(ErrorCode.STAGE_FAILED, f"the demo went wrong: {'; '.join(failures)}: see {out_dir}")
    console.print(f"\nOpen {out_dir / SCENES[0].folder / 'report.html'} in a browser.", markup=False)


def _play(local: Local, scene: Scene, out_dir: Path, console: Console) -> str | None:
    """One picture through the product; a sentence where it did not come out as it must."""
    source: Photograph = photograph(scene.photograph)
    console.print(f"\n{scene.folder}: {scene.story}", markup=False)
    console.print(f"  photograph: {source.path.name} of scikit-image, {source.licence}", markup=False)
    job_id = local.submit(encode_png(set_scene(scene)), scene.prompt)
    local.run(job_id)
    record = local.record(job_id)
    if "result.png" not in record.artifacts:
        return f"{scene.folder} ended {record.status} ({record.error.message if record.error else 'no result'})"
    folder = out_dir / scene.folder
    write_output_folder(local, job_id, folder, overwrite=True)
    for sentence in _told(record):
        console.print(f"  {sentence}", markup=False)
    console.print(f"  report: {folder / 'report.html'}", markup=False)
    if record.outcome is not scene.outcome:
        return f"{scene.folder} came out as {record.outcome}, not {scene.outcome}"
    if record.largest_outside_difference != 0:
        return f"{scene.folder} changed pixels outside its masks"
    before = decode_rgb(local.store.get(record.input.original_ref))
    after = decode_rgb(local.artifact(job_id, "result.png"))
    if np.array_equal(before, after) is not (scene.outcome is Outcome.NOTHING_TO_FIX):
        return f"{scene.folder} was {'left as it was' if scene.outcome is Outcome.REPAIRED else 'changed'}"
    return None


def _told(record: JobRecord) -> list[str]:
    """What was seen and done, in plain words."""
    readings = [region.reading for region in record.regions if region.reading is not None]
    sentences = [f"saw: {each.fault}, reads {each.text!r}, should read {each.expected!r}" for each in readings]
    kept = [patch for patch in record.patches if patch.id in record.accepted_patch_ids]
    sentences += [f"did: {patch.tool}; {patch.reason}" for patch in kept]
    seconds = sum(timing.seconds for timing in record.timings)
    outside = record.largest_outside_difference
    return [
        *sentences,
        f"outcome: {record.outcome} in {seconds:.1f} s; largest difference outside the masks: {outside}",
    ]
