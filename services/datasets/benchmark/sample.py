"""One sample: from seed and index to pictures, masks and words. Fast enough to render while a network trains."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.datasets.benchmark.graph import Scene
from services.datasets.benchmark.layouts import healthy_scene
from services.datasets.benchmark.masks import RegionMasks, region_masks
from services.datasets.benchmark.mutations import Change, Kind, Telling, kinds_of
from services.datasets.benchmark.plan import MIXES, TRAINING_MIXES, Plan, plan_of
from services.datasets.benchmark.prompts import prompt_of
from services.datasets.benchmark.render import Renderer, shared_prefix
from services.datasets.benchmark.scores import scores_of
from services.datasets.benchmark.style import finish
from services.datasets.benchmark.vocabulary import SPLITS
from services.datasets.schema import QualityScores
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask
from shared.images import Rgb

SIZES = (256, 512)
_TRIES = 200
"""Scenes that are tried for one sample."""
_MENDS = 6
"""How often a scene's invisible blemishes are replaced by others before the scene is given up."""
_COMPANY = 0.3
"""Share of blemished samples of the balanced mix that get one or two more regions, where the scene allows."""
_ORDER = (
    Category.BODY, Category.LIMB, Category.COUNT, Category.INTERACTION, Category.TEXT, Category.OBJECT_REDUNDANCY,
    Category.OBJECT_DEFORMATION, Category.PERSPECTIVE, Category.PLACEMENT, Category.ATTRIBUTE, Category.FACE,
    Category.HAND,
)  # fmt: skip
"""Blemishes that claim much of a scene come first."""


@dataclass(frozen=True)
class Region:
    """One blemish: `(H, W)` bool masks (visible inside repair), and what is to be said of it."""

    visible: Mask
    repair: Mask
    category: Category
    kind: str
    description: str
    inconsistency: str
    instruction: str
    prompt_fault: bool
    prompt_decides: bool
    centre_xy_px: tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """`image` and `clean`: `(H, W, 3)` uint8 RGB; the same array where nothing is wrong.

    `shown` and `sound` are their graphs.
    """

    image: Rgb
    clean: Rgb
    prompt: str
    regions: tuple[Region, ...]
    scores: QualityScores
    layout: str
    shown: Scene
    sound: Scene

    @property
    def healthy(self) -> bool:
        """Nothing is wrong, the prompt included."""
        return not self.regions

    @property
    def other_prompt(self) -> str | None:
        """What the image shows, where all that is wrong is for the prompt to decide: then `clean` is wrong there."""
        if self.healthy or not all(region.prompt_decides for region in self.regions):
            return None
        other = prompt_of(self.shown)
        return other if other != self.prompt else None


@dataclass(frozen=True)
class _Struck:
    kind: Kind
    victim: str
    change: Change


@dataclass(frozen=True)
class _Blemished:
    clean: Scene
    shown: Scene
    struck: tuple[_Struck, ...]


def make_sample(seed: int, index: int, split: str = "train", mix: str = "balanced", size: int = 256) -> Sample:
    """The sample of that index; the same arguments give the same bytes.

    Args:
        seed: of the benchmark.
        index: 0 and up; any order and any subset may be drawn.
        split: one of `SPLITS`.
        mix: one of `MIXES`.
        size: side length in pixels, 256 or 512.

    Raises:
        BadInput: BAD_OPTION, an argument outside these.
    """
    check_options(split, mix, size)
    renderer = Renderer(size)
    plan = plan_of(seed, index, split, mix)
    name = f"{seed}/{split}/{mix}/{index}"
    if plan.twin_of is not None:
        partner = plan_of(seed, plan.twin_of, split, mix)
        _, shown, _ = _settle(renderer, partner, f"{seed}/{split}/{mix}/{plan.twin_of}", split)
        return _healthy(renderer, shown.shown)
    if not plan.categories:
        return _healthy(renderer, healthy_scene(plan.layout, split, name))
    images, blemished, masks = _settle(renderer, plan, name, split)
    return _sample(images, blemished, masks)


def check_options(split: str, mix: str, size: int) -> None:
    """Raises BadInput for what the benchmark does not know."""
    for value, known, what in ((split, SPLITS, "split"), (mix, MIXES, "mix"), (size, SIZES, "size")):
        if value not in known:
            names = ", ".join(str(k) for k in known)
            raise BadInput(ErrorCode.BAD_OPTION, f"{value} is no {what} of the benchmark: give one of {names}")
    if mix in TRAINING_MIXES and split == "test-kinds":
        raise BadInput(ErrorCode.BAD_OPTION, f"the mix {mix} is for training: of test-kinds give balanced or paper")


def _healthy(renderer: Renderer, scene: Scene) -> Sample:
    image = finish([renderer.draw(scene, renderer.ground(scene, 0))], scene.style)[0]
    return Sample(image, image, prompt_of(scene), (), scores_of(scene, scene, ()), scene.layout, scene, scene)


def _settle(
    renderer: Renderer, plan: Plan, name: str, split: str
) -> tuple[tuple[Rgb, Rgb], _Blemished, list[RegionMasks]]:
    """The first try whose every blemish can be placed and seen.

    Where a layout has no room for all of a crowded plan's blemishes, the last one is left out.
    """
    for attempt in range(_TRIES):
        hidden: set[tuple[str, str]] = set()
        for _ in range(_MENDS):
            blemished = _strike(plan, f"{name}/{attempt}", split, hidden)
            if blemished is None:
                break
            final, masks = _render(renderer, blemished)
            seen = [mask for mask in masks if mask is not None]
            if len(seen) == len(masks):
                return final, blemished, seen
            hidden |= {(s.kind.name, s.victim) for s, m in zip(blemished.struck, masks, strict=True) if m is None}
    if len(plan.categories) > 1:
        return _settle(renderer, replace(plan, categories=plan.categories[:-1]), name, split)
    what = plan.kind.name if plan.kind else f"blemish of {plan.categories[0]}"
    raise RuntimeError(f"no visible {what} in {plan.layout} for {name}: the layout gives them too little room")


def _render(renderer: Renderer, blemished: _Blemished) -> tuple[tuple[Rgb, Rgb], list[RegionMasks | None]]:
    """Both twins as they will be stored, clean first, and the masks of every region."""
    clean, shown = blemished.clean, blemished.shown
    ground = renderer.ground(clean, shared_prefix(clean, shown))
    drawn = renderer.draw(clean, ground), renderer.draw(shown, ground)
    styled = finish(list(drawn), clean.style)
    final = styled[0], styled[1]
    return final, region_masks(renderer, clean, shown, [s.change for s in blemished.struck], drawn, final)


def _strike(plan: Plan, name: str, split: str, hidden: set[tuple[str, str]]) -> _Blemished | None:
    """A healthy scene with the plan's blemishes; None where they find no victims in it.

    Args:
        plan: what is wanted; a balanced plan gets company where `_COMPANY` and the scene allow.
        name: of this try; the same name gives the same scene.
        split: of the sample.
        hidden: kinds and victims that turned out not to be visible in this scene.
    """
    rng = random.Random(f"{name}/strike")
    clean = healthy_scene(plan.layout, split, name)
    scene, claims = clean, set[str]()
    struck: list[_Struck] = []
    wanted = (
        [[plan.kind]] if plan.kind else [list(kinds_of(c, split)) for c in sorted(plan.categories, key=_ORDER.index)]
    )
    company = plan.kind is not None and rng.random() < _COMPANY and not plan.alone
    optional = [list(kinds_of(c, split)) for c in rng.sample(tuple(Category), 6)] if company else []
    most = len(wanted) + rng.choice((1, 2))
    for i, kinds in enumerate([*wanted, *optional]):
        found = _one(scene, kinds, claims, hidden, rng) if len(struck) < most else None
        if found is None and i < len(wanted):
            return None
        if found is not None:
            scene = found.change.scene
            struck.append(found)
            claims.update(found.change.touched, found.change.gone)
    return _Blemished(clean, scene, tuple(struck))


def _one(
    scene: Scene, kinds: Sequence[Kind], claims: set[str], hidden: set[tuple[str, str]], rng: random.Random
) -> _Struck | None:
    """One blemish of the kinds on a part that none has claimed yet."""
    for kind in rng.sample(list(kinds), len(kinds)):
        victims = kind.victims(scene)
        for victim in rng.sample(victims, min(len(victims), 4)):
            whole = kind.category in (Category.BODY, Category.COUNT)
            if (kind.name, victim) in hidden or (whole and _claimed((victim,), claims)):
                continue
            change = kind.apply(scene, victim, rng)
            if change is None or _claimed((*change.touched, *change.gone), claims):
                continue
            if kind.category is Category.BODY:
                claims.add(victim)  # the whole person moves
            return _Struck(kind, victim, change)
    return None


def _claimed(paths: Sequence[str], claims: set[str]) -> bool:
    """Whether one of the paths lies inside a claimed part or around it."""
    return any(p == c or p.startswith(c + "/") or c.startswith(p + "/") for p in paths for c in claims)


def _sample(images: tuple[Rgb, Rgb], blemished: _Blemished, masks: Sequence[RegionMasks]) -> Sample:
    regions = []
    for one, mask in zip(blemished.struck, masks, strict=True):
        regions.append(region_of(one.kind, one.change.telling, mask.visible, mask.repair))
    faults = [(s.kind.severity, float(m.visible.mean())) for s, m in zip(blemished.struck, masks, strict=True)]
    scores = scores_of(blemished.clean, blemished.shown, faults)
    return Sample(
        images[1],
        images[0],
        prompt_of(blemished.clean),
        tuple(regions),
        scores,
        blemished.clean.layout,
        blemished.shown,
        blemished.clean,
    )


def region_of(kind: Kind, said: Telling, visible: Mask, repair: Mask) -> Region:
    """A blemish of a kind with what is to be said of it; something of it must be visible."""
    ys, xs = visible.nonzero()
    return Region(
        visible=visible,
        repair=repair,
        category=kind.category,
        kind=kind.name,
        description=_sentence(said.description),
        inconsistency=said.inconsistency,
        instruction=said.instruction,
        prompt_fault=kind.prompt_fault,
        prompt_decides=kind.prompt_decides,
        centre_xy_px=(float(xs.mean()) + 0.5, float(ys.mean()) + 0.5),
    )


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."
