"""What each index of a benchmark is: healthy or blemished, of which kind, in which layout.

Counts are stratified in blocks of 36: a third healthy, and of the rest, in the balanced mix, each category twice with
its kinds and layouts in turn; in the paper's mix 1 to 9 regions, 4.6 on average, by the paper's shares (3.3). Two mixes
are for training with twins, each of which is healthy: `prompts` has flaws that the prompt decides upon in place of most
of the healthy, for without them a network learns not to read; `hard` also has most of what networks tell worst, hands.
"""

import random
from dataclasses import dataclass, replace

from services.datasets.benchmark.mutations import Kind, kinds_of
from shared.contracts.categories import Category

BLOCK = 36
HEALTHY = 12
TRAINING_MIXES = ("prompts", "hard")
MIXES = ("balanced", "paper", *TRAINING_MIXES)
ALL_LAYOUTS = ("hands", "grips", "portraits", "half-lengths", "figures", "table", "signs", "animals", "gathering")
REGION_COUNTS = (0.06, 0.11, 0.15, 0.18, 0.17, 0.13, 0.10, 0.06, 0.04)
"""Share of images with 1, 2, … 9 regions: mean 4.6."""
PAPER_SHARES: dict[Category, float] = {
    Category.HAND: 0.468, Category.FACE: 0.157, Category.LIMB: 0.09, Category.BODY: 0.03, Category.ATTRIBUTE: 0.03,
    Category.COUNT: 0.02, Category.PERSPECTIVE: 0.03, Category.PLACEMENT: 0.03, Category.OBJECT_DEFORMATION: 0.045,
    Category.OBJECT_REDUNDANCY: 0.04, Category.INTERACTION: 0.03, Category.TEXT: 0.03,
}  # fmt: skip
"""Hands and faces as the paper has them; it does not publish the others."""

_ROOM: tuple[tuple[tuple[Category, ...], int], ...] = (
    ((Category.TEXT,), 1),
    ((Category.ATTRIBUTE,), 1),
    ((Category.INTERACTION,), 1),
    ((Category.LIMB, Category.BODY), 2),
    ((Category.BODY,), 1),
    ((Category.COUNT, Category.PERSPECTIVE, Category.PLACEMENT), 2),
    ((Category.OBJECT_DEFORMATION, Category.OBJECT_REDUNDANCY), 2),
    (
        (
            Category.COUNT,
            Category.PERSPECTIVE,
            Category.PLACEMENT,
            Category.OBJECT_DEFORMATION,
            Category.OBJECT_REDUNDANCY,
        ),
        2,
    ),
)
"""How many blemishes of these categories together the layout `gathering` can hold."""

_DECIDED = {
    "prompts": (*(Category.ATTRIBUTE,) * 5, *(Category.TEXT,) * 3, Category.COUNT),
    "hard": (*(Category.ATTRIBUTE,) * 4, *(Category.TEXT,) * 3, Category.COUNT),
}
"""In each block of a mix, flaws that the prompt decides upon."""
_STRUCK = {
    "balanced": tuple(category for category in Category for _ in range(2)),
    "hard": (
        *(Category.HAND,) * 8, *(Category.LIMB,) * 4, *(Category.FACE,) * 2, *(Category.TEXT,) * 2,
        *(Category.INTERACTION,) * 2, *(Category.OBJECT_REDUNDANCY,) * 2, Category.BODY, Category.ATTRIBUTE,
        Category.COUNT, Category.PERSPECTIVE, Category.PLACEMENT, Category.OBJECT_DEFORMATION,
    ),
}  # fmt: skip
"""In each block of a mix, the other flaws."""

_SHOWN_AGAIN = (Category.ATTRIBUTE, Category.COUNT)
"""In the balanced mix each picture of these is also a healthy one, under the prompt that fits, so nothing else may be
wrong there."""

_PUBLISHED = (Category.HAND, Category.FACE)
_MOST_FACES = 3
_MOST_OTHERS = 5


@dataclass(frozen=True)
class Plan:
    """`twin_of` is the index whose blemished picture this healthy sample shows, with a prompt that fits it.

    `alone` is a blemish that no other may join.
    """

    categories: tuple[Category, ...]
    kind: Kind | None
    layout: str
    twin_of: int | None = None
    alone: bool = False


def plan_of(seed: int, index: int, split: str, mix: str) -> Plan:
    """The plan of one index; all of it follows from the arguments."""
    block, at = divmod(index, BLOCK)
    order = list(range(BLOCK))
    random.Random(f"{seed}/{split}/{mix}/{block}/order").shuffle(order)
    slot = order[at]
    struck, decided = _STRUCK.get(mix, _STRUCK["balanced"]), _DECIDED.get(mix, ())
    healthy = BLOCK - len(struck)
    if slot < len(decided):
        return replace(_in_turn(seed, block, decided, slot, split, decided=True), alone=True)
    if slot < healthy:
        return _healthy(seed, block, slot, split, mix, order)
    if mix == "paper":
        return _paper(seed, block, slot - HEALTHY, split)
    plan = _in_turn(seed, block, struck, slot - healthy, split)
    return replace(plan, alone=mix == "balanced" and plan.categories[0] in _SHOWN_AGAIN)


def _healthy(seed: int, block: int, slot: int, split: str, mix: str, order: list[int]) -> Plan:
    """Four of twelve show the picture of a prompt's contradiction; the others take the layouts in turn."""
    if mix == "balanced" and slot < 2 * len(_SHOWN_AGAIN):
        partner = HEALTHY + 2 * tuple(Category).index(_SHOWN_AGAIN[slot // 2]) + slot % 2
        return Plan((), None, "", twin_of=block * BLOCK + order.index(partner))
    offset = random.Random(f"{seed}/{split}/healthy").randrange(len(ALL_LAYOUTS))
    number = block * (HEALTHY - 4) + slot - 4 if mix == "balanced" else block * HEALTHY + slot
    return Plan((), None, ALL_LAYOUTS[(number + offset) % len(ALL_LAYOUTS)])


def _in_turn(
    seed: int, block: int, categories: tuple[Category, ...], at: int, split: str, *, decided: bool = False
) -> Plan:
    """A category of the block; its kinds, and their layouts, take turns from block to block."""
    category = categories[at]
    kinds = tuple(kind for kind in kinds_of(category, split) if kind.prompt_decides or not decided)
    offset = random.Random(f"{seed}/{split}/{category}{'/decided' if decided else ''}").randrange(1000)
    occurrence = block * categories.count(category) + categories[:at].count(category) + offset
    kind = kinds[occurrence % len(kinds)]
    layout = kind.layouts[(occurrence // len(kinds)) % len(kind.layouts)]
    return Plan((category,), kind, layout)


def _paper(seed: int, block: int, slot: int, split: str) -> Plan:
    rng = random.Random(f"{seed}/{split}/paper/{block}/{slot}")
    places = BLOCK - HEALTHY
    u, total, count = (slot + rng.random()) / places, 0.0, len(REGION_COUNTS)
    for regions, share in enumerate(REGION_COUNTS, start=1):
        total += share
        if u < total:
            count = regions
            break
    categories = _drawn(rng, count)
    return Plan(categories, None, _stage(rng, categories))


def _stage(rng: random.Random, categories: tuple[Category, ...]) -> str:
    """A layout with room for all: close-ups where hands alone or faces alone are struck, else groups of people."""
    only = set(categories)
    if len(categories) <= 2 and only == {Category.HAND} and rng.random() < 0.6:
        return rng.choice(("hands", "grips"))
    if len(categories) == 1 and only == {Category.FACE} and rng.random() < 0.6:
        return "portraits"
    if only <= {Category.HAND, Category.FACE, Category.LIMB, Category.BODY} and rng.random() < 0.6:
        return "half-lengths"
    return "gathering"


def _drawn(rng: random.Random, count: int) -> tuple[Category, ...]:
    """Categories by the paper's shares; those without a published share are drawn again where they find no room."""
    while True:
        drawn = rng.choices(tuple(PAPER_SHARES), tuple(PAPER_SHARES.values()), k=count)
        main = tuple(c for c in drawn if c in _PUBLISHED)
        if main.count(Category.FACE) <= _MOST_FACES and count - len(main) <= _MOST_OTHERS:
            break
    others = {c: share for c, share in PAPER_SHARES.items() if c not in _PUBLISHED}
    while True:
        rest = tuple(rng.choices(tuple(others), tuple(others.values()), k=count - len(main)))
        if all(sum(c in group for c in rest) <= room for group, room in _ROOM):
            return (*main, *rest)
