"""Real photographs with signs: a misspelt one, one with the wrong word, and a right one.

The photographs ship inside scikit-image; the signs are set by the evaluation's typesetter, with fonts that the product
does not set words with.
"""

from dataclasses import dataclass

from services.demo.play import Play
from services.evaluation.text.corruptions import DrawnWord, Lines, plain
from services.evaluation.text.lettering import Face, Manuscript
from services.evaluation.text.photographs import Corners, materials, photograph
from services.evaluation.text.surfaces import Surface
from services.evaluation.text.typesetter import Setting, typeset
from shared.contracts.jobs import Outcome
from shared.images import Rgb

LONG_SIDE_PX = 1200


@dataclass(frozen=True)
class Scene:
    """One photograph with a sign.

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


def photographs() -> list[Play]:
    """The photographs as pictures of the demo."""
    plays = []
    for scene in SCENES:
        source = photograph(scene.photograph)
        credit = f"photograph: {source.path.name} of scikit-image, {source.licence}"
        plays.append(Play(scene.folder, scene.story, credit, set_scene(scene), scene.prompt, scene.outcome))
    return plays
