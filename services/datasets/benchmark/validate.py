"""Refuses healthy scenes that look blemished: heads cut by the frame, hidden hands, things that run into each other.

Pure geometry on boxes `(x0, y0, x1, y1)` in scene units; nothing is rendered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.datasets.benchmark.draw.people import HAND, skeleton
from services.datasets.benchmark.draw.things import HALF_WIDTHS, WIDTHS
from services.datasets.benchmark.frame import polar
from services.datasets.benchmark.graph import CloseHand, Item, Person, Scene, Sign, Thing

Box = tuple[float, float, float, float]
_PORTRAIT = 1.75
"""People of this height and more are seen from the chest up: shoulders may meet, hands hang below the frame."""
_ROOM = 1.14
"""Things keep so much of their width free: two that touch look grown together."""


@dataclass(frozen=True)
class Extent:
    """A part's box. `solid` parts must lie in the frame and free of others; soft ones may be passed behind."""

    item: str
    part: str
    box: Box
    solid: bool = True


def extents(item: Item) -> list[Extent]:
    """Boxes of an item's parts."""
    if isinstance(item, Person):
        return _person(item)
    if isinstance(item, Thing):
        half = WIDTHS[item.kind] * item.size * 0.5 * _ROOM
        return [
            Extent(
                item.id,
                "thing",
                (item.at[0] - half, item.at[1] - item.size - item.lift, item.at[0] + half, item.at[1] - item.lift),
            )
        ]
    if isinstance(item, Sign):
        w, h = item.size[0] / 2, item.size[1] / 2
        board = Extent(item.id, "board", (item.at[0] - w, item.at[1] - h, item.at[0] + w, item.at[1] + h))
        if item.mount == "pole":
            return [board, Extent(item.id, "pole", (item.at[0] - 0.02, item.at[1], item.at[0] + 0.02, item.foot))]
        if item.mount == "easel":
            return [
                board,
                Extent(item.id, "easel", (item.at[0] - w * 0.9, item.at[1], item.at[0] + w * 0.9, item.foot)),
            ]
        return [board]
    return _close_hand(item)


def _around(points: list[tuple[float, float]], margin: float) -> Box:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _person(person: Person) -> list[Extent]:
    bones, h = skeleton(person), person.size
    s = bones.head_size
    hx, hy = bones.head
    tall = 1.45 if person.head.hairstyle in ("bun", "cap", "curly") else 1.18
    found = [Extent(person.id, "head", (hx - s * 0.95, hy - s * tall, hx + s * 0.95, hy + s * 1.05))]
    body = 0.1 * h * person.build
    low = bones.hips[1] if person.half else person.at[1]
    found.append(
        Extent(person.id, "body", (bones.chest[0] - body, bones.chest[1], bones.chest[0] + body, low), solid=False)
    )
    if h > _PORTRAIT:
        return found
    for arm in person.arms:
        joints = bones.arms[arm.name]
        tip = polar(joints.end, arm.fore + arm.hand_angle, HAND * h)
        if arm.hand is not None:
            found.append(Extent(person.id, f"{arm.name}/hand", _around([joints.end, tip], 0.026 * h)))
        if arm.hand is not None and arm.hand.held is not None:
            held = arm.hand.held
            inward = -1 if not arm.hand.mirrored else 1
            x = joints.end[0] + inward * (0.17 * HAND * h + HALF_WIDTHS[held.kind] * held.size)
            half = max(WIDTHS[held.kind] * 0.6 * held.size, 0.02)
            y = joints.end[1] - 0.42 * HAND * h
            found.append(
                Extent(person.id, f"{arm.name}/held", (x - half, y - held.size * 0.55, x + half, y + held.size * 0.55))
            )
        found.append(Extent(person.id, arm.name, _around([joints.middle, joints.end], 0.02 * h), solid=False))
        found.append(
            Extent(person.id, f"upper {arm.name}", _around([joints.root, joints.middle], 0.02 * h), solid=False)
        )
    return found


def _close_hand(item: CloseHand) -> list[Extent]:
    s = item.size
    if item.hand.held is not None:
        side = 1 if item.hand.mirrored else -1
        girth = HALF_WIDTHS[item.hand.held.kind] * item.hand.held.size
        x, y = item.at[0] + side * (0.17 * s + girth), item.at[1] - 0.42 * s
        half = WIDTHS[item.hand.held.kind] * item.hand.held.size * 0.55
        wrist = item.at[0] - side * 0.3 * s
        return [
            Extent(
                item.id,
                "hand",
                (min(x - half, wrist), y - max(0.3 * s, item.hand.held.size * 0.52), max(x + half, wrist), item.at[1]),
            )
        ]
    tips = [
        item.at,
        *(polar(polar(item.at, item.angle + a, 0.55 * s), item.angle + a * 1.6, 0.46 * s) for a in (-14, 0, 16)),
    ]
    side = 1 if item.hand.mirrored else -1
    tips.append(polar(item.at, item.angle + side * 42, 0.6 * s))
    return [Extent(item.id, "hand", _around(tips, 0.05 * s))]


def overlap(a: Box, b: Box) -> float:
    """Shared area over the smaller box's."""
    if a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]:
        return 0.0
    shared = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    return shared / max(1e-9, min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])))


def faults(scene: Scene) -> list[str]:
    """Sentences about all that looks wrong; empty for a scene that will do."""
    return [fault for i in range(len(scene.items)) for fault in clashes(scene.items, i)]


def clashes(items: Sequence[Item], index: int) -> list[str]:
    """What is wrong with one item, alone and with those before it."""
    return meets(items[index], [e for item in items[:index] for e in seen(item)])


def seen(item: Item) -> list[Extent]:
    """The extents that the frame shows at least in part."""
    return [e for e in extents(item) if e.box[1] < 0.995]


def meets(item: Item, others: Sequence[Extent]) -> list[str]:
    """What is wrong with an item, alone and beside others."""
    own = seen(item)
    found = [f"{e.item} {e.part} is cut by the frame" for e in own if e.solid and not _inside(e)]
    for i, a in enumerate(own):
        found += [fault for b in own[i + 1 :] for fault in _own(a, b)]
        for b in others:
            limit = 0.02 if a.solid and b.solid else 0.06 if a.solid or b.solid else 0.4
            if overlap(a.box, b.box) > limit:
                found.append(f"{a.item} {a.part} meets {b.item} {b.part}")
    return found


def _own(a: Extent, b: Extent) -> list[str]:
    """A person's own hand or cup before the face, or two hands in one place."""
    hands = [e for e in (a, b) if "/" in e.part]
    if len(hands) == 2 and a.part.split("/")[0] == b.part.split("/")[0]:
        return []
    if hands and (len(hands) == 2 or "head" in (a.part, b.part)) and overlap(a.box, b.box) > 0.03:
        return [f"{a.item}'s {a.part} meets its {b.part}"]
    return []


def _inside(extent: Extent) -> bool:
    x0, y0, x1, y1 = extent.box
    margin = 0.006
    low = 1.0 - margin if "hand" not in extent.part or extent.part == "hand" else 0.985
    return x0 >= margin and y0 >= margin and x1 <= 1 - margin and y1 <= max(low, 0.99)
