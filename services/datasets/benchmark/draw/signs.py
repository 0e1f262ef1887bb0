"""Signs: a board on a pole, a wall, an easel, chains or in hands, with one word set letter by letter."""

from services.datasets.benchmark.colour import darker, hexed, lighter, luma
from services.datasets.benchmark.draw.pen import (
    Path,
    Pen,
    clipped_path,
    glyph,
    joined,
    polygon,
    smooth,
    transformed,
)
from services.datasets.benchmark.frame import Frame, circle
from services.datasets.benchmark.graph import Letter, Sign

_EM_TO_CAP = 0.7


def draw_sign(pen: Pen, sign: Sign) -> None:
    """Mount, board, then the letters; each letter is the part `letter N`."""
    with pen.part(sign.id):
        with pen.part("mount"):
            _mount(pen, sign)
        frame = Frame(sign.at, 1.0, sign.angle)
        w, h = sign.size[0] / 2, sign.size[1] / 2
        with pen.part("board"):
            _board(pen, sign, frame, w, h)
        for i, path in enumerate(letter_paths(sign)):
            if path is not None:
                with pen.part(f"letter {i}"):
                    pen.flat(path, sign.lettering)
        sheen = polygon(frame.points([(-w, -h), (-w * 0.2, -h), (-w * 0.6, h), (-w, h)]))
        pen.soft(sheen, (1, 1, 1), 0.06)


def letter_paths(sign: Sign) -> list[Path | None]:
    """The outline of each letter in the scene; None for a blank or a space."""
    advances = [glyph(sign.font, letter.char)[1] for letter in sign.letters]
    total = sum(advances) or 1.0
    em = min(sign.size[1] * 0.52 / _EM_TO_CAP, sign.size[0] * 0.84 / total)
    pen_x = -total * em / 2
    paths: list[Path | None] = []
    for letter, advance in zip(sign.letters, advances, strict=True):
        middle = pen_x + advance * em / 2
        paths.append(_letter(sign, letter, middle, em))
        pen_x += advance * em
    return paths


def _letter(sign: Sign, letter: Letter, middle: float, em: float) -> Path | None:
    if letter.blank or letter.char == " ":
        return None
    path, advance = glyph(sign.font, letter.char)
    if letter.other:
        lower, other_advance = glyph(sign.font, letter.other)
        cut = -_EM_TO_CAP * 0.48
        low = transformed(lower, (advance / max(0.1, other_advance), 0, 0, 0, 1, 0))
        path = joined([clipped_path(path, (-1, -2, 2, cut)), clipped_path(low, (-1, cut - 0.02, 2, 1))])
    frame = Frame((0, 0), em * letter.scale, letter.angle)
    whole = Frame(sign.at, 1.0, sign.angle)
    sx = -1.0 if letter.mirrored else 1.0
    sy = -1.0 if letter.flipped else 1.0
    ox, oy = -advance / 2, _EM_TO_CAP / 2
    a = frame.point(sx, 0)
    b = frame.point(0, sy)
    shift = frame.point(sx * ox, sy * oy)
    local = transformed(path, (a[0], b[0], shift[0], a[1], b[1], shift[1]))
    u, v = whole.point(1, 0), whole.point(0, 1)
    origin = whole.point(middle, letter.rise * em)
    return transformed(
        local, (u[0] - sign.at[0], v[0] - sign.at[0], origin[0], u[1] - sign.at[1], v[1] - sign.at[1], origin[1])
    )


def _board(pen: Pen, sign: Sign, frame: Frame, w: float, h: float) -> None:
    rgb = sign.board.rgb
    if sign.frame == "rounded":
        r = min(w, h) * 0.3
        corners = [(-w + r, -h), (w - r, -h), (w - r * 0.3, -h + r * 0.3), (w, -h + r), (w, h - r), (w - r * 0.3,
            h - r * 0.3), (w - r, h),
                   (-w + r, h), (-w + r * 0.3, h - r * 0.3), (-w, h - r), (-w, -h + r), (-w + r * 0.3,
                       -h + r * 0.3)]  # fmt: skip
        body = smooth(frame.points(corners))
    else:
        body = polygon(frame.points([(-w, -h), (w, -h), (w, h), (-w, h)]))
    shadow = smooth(
        [(x + 0.008, y + 0.01) for x, y in frame.points([(-w, -h), (0, -h), (w, -h), (w, h), (0, h), (-w, h)])]
    )
    pen.soft(shadow, (0.02, 0.02, 0.05), 0.25, 0.008)
    pen.volume(body, rgb, h * 0.3, strength=0.5)
    edge = lighter(rgb, 0.7) if luma(rgb) < 0.6 else darker(rgb, 0.45)
    if sign.frame == "wooden":
        pen.stroke(body, hexed("7a5636"), h * 0.16)
        pen.stroke(body, hexed("a87c52"), h * 0.07)
    else:
        inner = polygon(
            frame.points(
                [(-w + h * 0.2, -h * 0.8), (w - h * 0.2, -h * 0.8), (w - h * 0.2, h * 0.8), (-w + h * 0.2, h * 0.8)]
            )
        )
        pen.stroke(inner, edge, h * 0.05, 0.85)
    if sign.frame == "bolted":
        for sx in (-1, 1):
            pen.soft(smooth(circle(frame.point(sx * (w - h * 0.1), 0), h * 0.05, steps=8)), edge, 0.9)


def _mount(pen: Pen, sign: Sign) -> None:
    x, y = sign.at
    w, h = sign.size[0] / 2, sign.size[1] / 2
    metal, wood = hexed("7c8288"), hexed("80603f")
    if sign.mount == "pole":
        r = max(0.008, sign.size[1] * 0.055)
        pole = polygon([(x - r, y), (x + r, y), (x + r, sign.foot), (x - r, sign.foot)])
        pen.soft(smooth(circle((x, sign.foot), r * 4, r * 0.9)), (0, 0, 0), 0.4, r)
        pen.volume(pole, metal, r)
    elif sign.mount == "easel":
        for top, bottom in ((-0.15, -0.85), (0.15, 0.85)):
            leg = polygon([(x + top * w - 0.008, y - h * 1.3), (x + top * w + 0.008, y - h * 1.3),
                (x + bottom * w + 0.01, sign.foot),
                           (x + bottom * w - 0.01, sign.foot)])  # fmt: skip
            pen.volume(leg, wood, 0.008)
    elif sign.mount == "hanging":
        for side in (-0.75, 0.75):
            chain = polygon([(x + side * w, y - h), (x + side * w, 0.0)], closed=False)
            pen.stroke(chain, metal, 0.006, body=True)
    elif sign.mount == "held":
        stick = polygon([(x - 0.008, y), (x + 0.008, y), (x + 0.008, sign.foot), (x - 0.008, sign.foot)])
        pen.volume(stick, wood, 0.008)
