"""People: a jointed skeleton of about seven and a half heads, dressed, with a head and hands on it.

Lengths in units of the person's height. Parts: `left arm`, `right arm/hand/…`, `left leg`, `torso`, `neck`, `head/…`.
"""

from dataclasses import dataclass

from services.datasets.benchmark.colour import Rgb01, darker, lighter
from services.datasets.benchmark.draw import clothes, hair
from services.datasets.benchmark.draw.faces import draw_head
from services.datasets.benchmark.draw.hands import draw_hand
from services.datasets.benchmark.draw.pen import Pen, smooth
from services.datasets.benchmark.draw.things import contact_shadow
from services.datasets.benchmark.frame import Frame, Point, between, heading, polar, tube
from services.datasets.benchmark.graph import Arm, Leg, Person

HAND = 0.105
HEAD = 0.069
"""Half the head's height."""
UPPER_ARM, FOREARM, THIGH, SHIN = 0.165, 0.14, 0.235, 0.225
HIP_Y, SHOULDER_Y, CHIN_Y = 0.49, 0.815, 0.856


@dataclass(frozen=True)
class Joints:
    """Where a limb's joints are in the scene."""

    root: Point
    middle: Point
    end: Point


@dataclass(frozen=True)
class Skeleton:
    """All that layouts and mutations need to know of a person's geometry, in the scene."""

    hips: Point
    chest: Point
    neck: Point
    head: Point
    head_size: float
    arms: dict[str, Joints]
    legs: dict[str, Joints]


def skeleton(person: Person) -> Skeleton:
    """The joints of a person."""
    h, x = person.size, person.at[0]
    hip_y = person.at[1] - HIP_Y * h
    torso = (SHOULDER_Y - HIP_Y) * h * person.torso_scale
    shift = person.waist_shift * h
    chest = (x, hip_y - torso)
    neck_length = (CHIN_Y - SHOULDER_Y) * h * person.neck_scale
    size = HEAD * h * person.head_scale
    head = (x + person.head_shift[0] * h, chest[1] - neck_length - size * 0.92 + person.head_shift[1] * h)
    arms = {arm.name: _arm_joints(person, arm, chest) for arm in person.arms}
    legs = {leg.name: _leg_joints(person, leg, (x + shift, hip_y)) for leg in person.legs}
    return Skeleton((x + shift, hip_y), chest, (x, chest[1]), head, size, arms, legs)


def _arm_joints(person: Person, arm: Arm, chest: Point) -> Joints:
    h = person.size
    root = (chest[0] + arm.side * 0.094 * h * person.build + arm.shift[0] * h, chest[1] + 0.036 * h + arm.shift[1] * h)
    elbow = polar(root, arm.upper, UPPER_ARM * h * arm.upper_length)
    start = polar(elbow, arm.fore, arm.gap * h)
    return Joints(root, elbow, polar(start, arm.fore, FOREARM * h * arm.fore_length))


def _leg_joints(person: Person, leg: Leg, hips: Point) -> Joints:
    h = person.size
    root = (hips[0] + leg.side * 0.046 * h * person.build + leg.shift[0] * h, hips[1] + leg.shift[1] * h)
    knee = polar(root, leg.upper, THIGH * h * leg.upper_length)
    return Joints(root, knee, polar(knee, leg.lower, SHIN * h * leg.lower_length))


def draw_person(pen: Pen, person: Person) -> None:
    """Shadow, hair behind, legs, upper arms, torso, head, forearms: the order in which they hide each other."""
    bones = skeleton(person)
    with pen.part(person.id):
        contact_shadow(pen, person.at, 0.15 * person.size, 0.0, 0.0 if person.half else 1.0)
        for arm in person.arms:
            if arm.behind:
                with pen.part(arm.name):
                    _upper_arm(pen, person, arm, bones.arms[arm.name])
                    _forearm(pen, person, arm, bones.arms[arm.name])
        if bones.hips[1] < 1.02:
            for leg in person.legs:
                with pen.part(leg.name):
                    _leg(pen, person, leg, bones.legs[leg.name])
        near = [arm for arm in person.arms if not arm.behind]
        for arm in near:
            with pen.part(arm.name):
                _upper_arm(pen, person, arm, bones.arms[arm.name])
        with pen.part("head"), pen.part("hair"):
            hair.behind(pen, person.head, Frame(bones.head, bones.head_size, person.head.tilt))
        _neck(pen, person, bones)
        with pen.part("torso"):
            clothes.torso(pen, person, bones.chest, bones.hips)
        _throat(pen, person, bones)
        draw_head(pen, person.head, Frame(bones.head, bones.head_size))
        for arm in near:
            with pen.part(arm.name):
                _forearm(pen, person, arm, bones.arms[arm.name])


def _neck(pen: Pen, person: Person, bones: Skeleton) -> None:
    h = person.size
    top = (bones.head[0], bones.head[1] + bones.head_size * 0.6)
    low = (bones.chest[0], bones.chest[1] + 0.03 * h)
    with pen.part("neck"):
        path = smooth(
            tube([low, between(low, top, 0.5), top], [0.042 * h, 0.031 * h * person.build, 0.03 * h * person.build])
        )
        pen.volume(path, darker(person.head.skin, 0.08), 0.03 * h)


def _throat(pen: Pen, person: Person, bones: Skeleton) -> None:
    """The shadow that the chin casts on the neck."""
    h = person.size
    at = (bones.head[0] - pen.look.light[0] * 0.008 * h, bones.head[1] + bones.head_size * 1.12)
    path = smooth(
        [(at[0] - 0.03 * h, at[1] - 0.012 * h), (at[0] + 0.03 * h, at[1] - 0.012 * h), (at[0], at[1] + 0.014 * h)]
    )
    pen.soft(path, darker(person.head.skin, 0.75), 0.4, 0.008 * h)


def _radii(person: Person, arm: Arm) -> tuple[float, float, float]:
    """Of shoulder, elbow and wrist."""
    fat = person.build * arm.girth * person.size
    return 0.034 * fat, 0.028 * fat, 0.0195 * fat


def _upper_arm(pen: Pen, person: Person, arm: Arm, joints: Joints) -> None:
    h, top, radii = person.size, person.top, _radii(person, arm)
    long = top.cut >= 0.7
    if not long:
        _bare(pen, [joints.root, joints.middle], [radii[0] * 0.85, radii[1] * 0.9], person.head.skin)
    reach = joints.middle if long else between(joints.root, joints.middle, min(1.0, top.cut * 2))
    end = radii[1] * (1.02 if long else 1.25)
    chain = [joints.root, between(joints.root, reach, 0.5), reach]
    clothes.sleeve(pen, top, chain, [radii[0], (radii[0] + radii[1]) / 2, end], h, cuff=not long)


def _forearm(pen: Pen, person: Person, arm: Arm, joints: Joints) -> None:
    h, top, radii = person.size, person.top, _radii(person, arm)
    start = joints.middle if arm.gap == 0 else polar(joints.middle, arm.fore, arm.gap * h)
    chain = [start, between(start, joints.end, 0.45), joints.end]
    if top.cut < 0.95:
        _bare(pen, chain, [radii[1] * 0.92, radii[1] * 0.96, radii[2]], person.head.skin)
    along = heading(start, joints.end)
    if arm.hand is not None:
        with pen.part("hand"):
            draw_hand(pen, arm.hand, Frame(polar(joints.end, along, -0.006 * h), HAND * h, along + arm.hand_angle))
    if top.cut >= 0.7:
        reach = joints.end if top.cut >= 0.95 else between(start, joints.end, 0.5)
        sleeved = [start, between(start, reach, 0.5), reach]
        clothes.sleeve(pen, top, sleeved, [radii[1], radii[1] * 0.92, radii[2] * 1.32], h, cuff=True)


def _bare(pen: Pen, chain: list[Point], radii: list[float], skin: Rgb01) -> None:
    pen.volume(smooth(tube(chain, radii)), skin, radii[0] * 1.0)


def _leg(pen: Pen, person: Person, leg: Leg, joints: Joints) -> None:
    h, skin = person.size, person.head.skin
    fat = person.build * leg.girth
    radii = (0.052 * h * fat, 0.04 * h * fat, 0.026 * h * fat)
    calf = between(joints.middle, joints.end, 0.35)
    if person.bottom.cut < 0.95:
        _bare(pen, [joints.middle, calf, joints.end], [radii[1] * 0.85, radii[1] * 0.92, radii[2] * 0.8], skin)
        if person.bottom.kind != "shorts":
            _bare(pen, [joints.root, joints.middle], [radii[0] * 0.8, radii[1] * 0.85], skin)
    with pen.part("foot"):
        clothes.shoe(pen, person, leg, joints.end)
    if person.bottom.is_skirt:
        return
    if person.bottom.cut >= 0.95:
        clothes.sleeve(
            pen,
            person.bottom,
            [joints.middle, calf, joints.end],
            [radii[1], radii[1] * 0.95, radii[2] * 1.25],
            h,
            cuff=True,
        )
    reach = between(joints.root, joints.middle, 1.0 if person.bottom.cut >= 0.95 else 0.75)
    end = radii[1] * (1.02 if person.bottom.cut >= 0.95 else 1.35)
    clothes.sleeve(pen, person.bottom, [joints.root, between(joints.root, reach, 0.5), reach],
                   [radii[0], (radii[0] + radii[1]) / 2, end], h, cuff=person.bottom.cut < 0.95)  # fmt: skip
    fold = smooth([between(joints.root, joints.middle, 0.1), between(joints.root, joints.middle, 0.5)], closed=False)
    pen.stroke(fold, lighter(person.bottom.colour.rgb, 0.5), 0.01 * h, 0.15, 0.008 * h)
