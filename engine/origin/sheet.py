"""A family tree drawn on a sheet of paper, and written as SVG or PDF.

The picture stands at the foot, its parents above it, theirs above them; a band is as wide as what a memory has of the
picture. Words stand there where three people wrote them, or where nobody did; what was taken back is "anonymous".
"""

from __future__ import annotations

import datetime
import html
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab.graphics import renderPDF, renderSVG
from reportlab.graphics.shapes import Drawing, Group, Rect, String
from reportlab.graphics.shapes import Image as Placed
from reportlab.graphics.shapes import Path as Curve
from reportlab.lib.colors import HexColor
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth

from engine.origin.family import Family, Member
from engine.origin.keys import OriginError

WIDTH, HEIGHT = 595.0, 842.0  # A4, points
EDGE, GAP = 40.0, 8.0
ROOT, FACE, BAR, TEXT = 160.0, 54.0, 3.0, 40.0  # the picture at the foot; of a member: its picture, colour and words
LEAST, STEP = 46.0, 200.0  # width of a member at least; from one generation to the next at most
SMALL = 6.5  # points: the smallest that a hand's length away is read
INK, GREY, PAPER = HexColor("#22211e"), HexColor("#6b675d"), HexColor("#fbf7ef")
PLAIN, BOLD, SERIF, SLANTED = "Helvetica", "Helvetica-Bold", "Times-Roman", "Times-Italic"
KINDS = {  # colour, what it is called
    "founding": ("#c9b68c", "a founding memory"), "visitor": ("#c2542d", "a visitor"), "performer": ("#8c4a78", "a performer"),
    "sensor": ("#2f6f8f", "a sensor"), "machine": ("#4c7a58", "a dream"), "anonymous": ("#9a958a", "anonymous"),
    "words": ("#e5a084", "the words themselves"), "others": ("#dcd5c4", "others"),
}  # fmt: skip
GENERATIONS = ("", "its parents", "their parents", "and theirs")
TINT = 0.5  # of a band: its colour in so much of the paper, as solid ink, for the SVG that is written knows no opacity
NOTE = (
    "A number is what a memory has of this picture, a band what it has of the one below; both are measured while it is composed. "
    "Words stand here only where three people wrote them, or where nobody did."
)
Faces = Callable[[int], "NDArray[np.uint8] | None"]  # the picture of a fragment (h, w, 3), where it has one


def sheet(tree: Family, faces: Faces, today: datetime.date) -> Drawing:
    """A page."""
    page = Drawing(WIDTH, HEIGHT)
    page.add(Rect(0, 0, WIDTH, HEIGHT, fillColor=PAPER, strokeColor=None))
    rows = tree.generations
    top, foot = HEIGHT - EDGE - 36.0, EDGE + ROOT
    step = min(STEP, (top - foot) / max(1, len(rows) - 1))
    lows = [EDGE, *(foot + step * (k + 1) - (BAR + FACE + TEXT) for k in range(len(rows) - 1))]  # lower edge of each generation
    places = [[((WIDTH - ROOT) / 2, ROOT)], *(_places(row) for row in rows[1:])]
    for k in range(1, len(rows)):
        head = lows[k - 1] + (ROOT if k == 1 else BAR + FACE + TEXT)
        bonds = [bond[1:] for bond in tree.bonds if bond[0] == k]
        _bands(page, bonds, rows[k], (places[k - 1], head), (places[k], lows[k]))
    for k, row in enumerate(rows[1:], 1):
        for member, (left, wide) in zip(row, places[k], strict=True):
            _member(page, member, left, lows[k], wide, faces)
        said = GENERATIONS[k] if k < len(GENERATIONS) else f"{k} generations back"
        page.add(Group(_string(said, SMALL, GREY, SLANTED), transform=(0, 1, -1, 0, EDGE - 7, lows[k] + BAR)))  # up the margin
    _foot(page, tree, faces, today)
    _text(page, EDGE, HEIGHT - EDGE - 18, "Whose is this picture?", 25, INK, SERIF)
    return page


def _places(row: Sequence[Member]) -> list[tuple[float, float]]:
    """(left, width) of each member: room for a face, and more by what it has."""
    whole = WIDTH - 2 * EDGE - GAP * (len(row) - 1)
    least = min(LEAST, whole / len(row))
    total, spare = sum(member.share for member in row) or 1.0, whole - least * len(row)
    widths = [least + spare * member.share / total for member in row]
    return [(EDGE + sum(widths[:k]) + GAP * k, wide) for k, wide in enumerate(widths)]


Row = tuple[list[tuple[float, float]], float]  # places of its members, and at which height bands meet it


def _bands(page: Drawing, bonds: Sequence[tuple[int, int, float]], row: Sequence[Member], lower: Row, upper: Row) -> None:
    """From each member of a generation to those above it, side by side, in their colours."""
    totals, used = defaultdict[tuple[int, int], float](float), defaultdict[tuple[int, int], float](float)
    for below, above, share in bonds:
        totals[0, below] += share
        totals[1, above] += share

    def part(side: int, one: int, share: float, places: list[tuple[float, float]]) -> tuple[float, float]:
        """(left, right) of the next band on one side of a member."""
        left, wide = places[one]
        begun = used[side, one]
        used[side, one] += share
        return left + wide * begun / totals[side, one], left + wide * (begun + share) / totals[side, one]

    drawn = []
    for below, above, share in sorted(bonds, key=lambda bond: (upper[0][bond[1]][0], lower[0][bond[0]][0])):
        (a, b), (c, d) = part(0, below, share, lower[0]), part(1, above, share, upper[0])
        y, z = lower[1], upper[1]
        half = (y + z) / 2
        band = Curve(fillColor=_tint(KINDS[row[above].kind][0], TINT), strokeColor=None)
        band.moveTo(a, y)
        band.curveTo(a, half, c, half, c, z)
        band.lineTo(d, z)
        band.curveTo(d, half, b, half, b, y)
        band.closePath()
        drawn.append((row[above].kind == "others", share, band))
    for *_, band in sorted(drawn, key=lambda one: (not one[0], -one[1])):  # others behind, the narrowest in front
        page.add(band)


def _member(page: Drawing, member: Member, left: float, low: float, wide: float, faces: Faces) -> None:
    """A box: its colour, its picture, what it has, and what may be said of it."""
    colour, called = KINDS[member.kind]
    page.add(Rect(left, low, wide, BAR + FACE + TEXT, fillColor=PAPER, strokeColor=None))
    page.add(Rect(left, low, wide, BAR, fillColor=HexColor(colour), strokeColor=None))
    picture = faces(member.fragment) if member.fragment else None
    if picture is not None:
        page.add(Placed(left, low + BAR, wide, FACE, _cut(picture, wide / FACE)))
    else:
        page.add(Rect(left, low + BAR, wide, FACE, fillColor=_tint(colour, 0.35), strokeColor=None))
        if member.kind == "others":
            _text(page, left + wide / 2, low + BAR + FACE / 2 - 3, f"+{member.count}", 9, GREY, middle=True)
    at = low + BAR + FACE + TEXT - 11
    _text(page, left, at, _part(member.share), 10, INK, BOLD)
    about = readable(member.words) or ("" if member.kind == "others" else called)
    for line in simpleSplit(about, PLAIN, SMALL, wide)[:3]:
        at -= 8
        _text(page, left, at, line, SMALL, GREY)


def _foot(page: Drawing, tree: Family, faces: Faces, today: datetime.date) -> None:
    """The picture itself, what is known of it, and what the colours mean."""
    root, (me,) = tree.root, tree.generations[0]
    left = (WIDTH - ROOT) / 2
    picture = faces(root.id)
    if picture is not None:
        page.add(Placed(left, EDGE, ROOT, ROOT, _cut(picture, 1.0)))
    else:
        page.add(Rect(left, EDGE, ROOT, ROOT, fillColor=_tint(KINDS[me.kind][0], 0.35), strokeColor=None))
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=root.day)
    at = EDGE + ROOT - 12
    for line in simpleSplit(readable(me.words) or f"the picture of {KINDS[me.kind][1]}", SLANTED, 15, left - EDGE - 14)[:6]:
        _text(page, EDGE, at, line, 15, INK, SLANTED)
        at -= 17
    for said in (f"{day:%d %B %Y}".lstrip("0"), f"{tree.count} ancestors, {tree.depth} generations deep", f"memory {root.id}, seed {root.seed}"):
        at -= 11
        _text(page, EDGE, at, said, 8, GREY)
    right = left + ROOT + 14
    at = EDGE + ROOT - 9
    for kind in dict.fromkeys(member.kind for row in tree.generations[1:] for member in row):
        page.add(Rect(right, at, 8, 8, fillColor=HexColor(KINDS[kind][0]), strokeColor=None))
        _text(page, right + 13, at + 1, KINDS[kind][1], 8, INK)
        at -= 13
    for line in simpleSplit(NOTE, PLAIN, SMALL, WIDTH - EDGE - right):
        at -= 9
        _text(page, right, at, line, SMALL, GREY)
    _text(page, EDGE, 22, f"hypermnesia {version('hypermnesia')} · printed {today:%Y-%m-%d} · structure {root.structure[-12:] or 'unknown'}", SMALL, GREY)


def _string(words: str, size: float, colour: HexColor, font: str = PLAIN, x: float = 0.0, y: float = 0.0) -> String:
    return String(x, y, words, fontName=font, fontSize=size, fillColor=colour)


def _text(page: Drawing, x: float, y: float, words: str, size: float, colour: HexColor, font: str = PLAIN, middle: bool = False) -> None:
    x -= stringWidth(words, font, size) / 2 if middle else 0.0
    page.add(_string(words, size, colour, font, x, y))


def _tint(colour: str, amount: float) -> HexColor:
    """So much of a colour in the paper."""
    there = HexColor(colour)
    parts = (round(255 * (amount * mine + (1 - amount) * theirs)) for mine, theirs in zip(there.rgb(), PAPER.rgb(), strict=True))
    return HexColor("#" + "".join(f"{part:02x}" for part in parts))


def readable(words: str) -> str:
    """Words that the fonts of every printer have (Latin-1); others are said to be of another script."""
    try:
        words.encode("cp1252")
    except UnicodeEncodeError:
        return "words in another script"
    return words


def _part(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"


def _cut(picture: NDArray[np.uint8], shape: float) -> Image.Image:
    """The middle of a picture, `shape` times as wide as it is high."""
    h, w = picture.shape[:2]
    wide, high = (w, round(w / shape)) if shape >= w / h else (round(h * shape), h)
    top, left = (h - high) // 2, (w - wide) // 2
    return Image.fromarray(picture[top : top + high, left : left + wide])


# --- the file


def write(drawing: Drawing, path: Path) -> None:
    """SVG or PDF, by the name. Raises OriginError for another name, OSError."""
    match path.suffix.lower():
        case ".svg":
            path.write_text(_lettered(renderSVG.drawToString(drawing)), encoding="utf-8")
        case ".pdf":
            renderPDF.drawToFile(drawing, str(path), autoSize=1)  # the page is the sheet; otherwise it hangs off a corner
        case other:
            raise OriginError(f"a family tree is an .svg or a .pdf, not {other or 'a file without an ending'}")


FACES = {  # what a browser calls the fonts of a printer
    PLAIN: "font-family: Helvetica, Arial, sans-serif", BOLD: "font-family: Helvetica, Arial, sans-serif; font-weight: bold",
    SERIF: "font-family: Times, 'Times New Roman', serif", SLANTED: "font-family: Times, 'Times New Roman', serif; font-style: italic",
}  # fmt: skip
LETTERS = re.compile(r'<text ([^>]*?)style="font-family: ([\w-]+); font-size: ([\d.]+)px;([^>]*)>([^<]*)</text>')


def _lettered(svg: str) -> str:
    """Every line as wide as it was measured, whichever font a machine has in place of the one that is named."""

    def line(found: re.Match[str]) -> str:
        before, font, size, rest, words = found.groups()
        wide = stringWidth(html.unescape(words), font, float(size))
        return f'<text {before}textLength="{wide:.2f}" lengthAdjust="spacingAndGlyphs" style="{FACES[font]}; font-size: {size}px;{rest}>{words}</text>'

    return LETTERS.sub(line, svg)
