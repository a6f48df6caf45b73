"""`hypermnesia shaders [FOLDER]`: every shader of a folder, what a scene calls it and what it takes, a still, its cost.

`hypermnesia bench isf FOLDER` is the same as a table of figures. Neither ends before the last file, whatever is in one.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from engine.core import foreign
from engine.core.machine import cache_folder
from engine.stage.header import Input, verb
from engine.stage.layer import ENDINGS, FOLDERS, collisions
from engine.stage.trial import Trial, trials

Row = dict[str, str | float]
SIZE, COLUMNS, LINE = (160, 90), 6, 14  # of a still in pixels; stills beside one another; pixels of a line of text
RULE = (
    'verbs: small letters, everything else an underscore ("Solid Color.fs" is .solid_color()); fx_ before a digit, '
    "an underscore behind a word that is taken (.shape_())"
)
# Files of the Vidvox set that are flat because of what they are, and why.
FLAT = {
    "Butterfly Wave Scrawler": "takes a power of a negative number, which GLSL leaves undefined",
    "Circle Trails": "waits for a finger",
    "Color Organ Polyphonic": "waits for keys",
    "Random Shape": "divides a place in 0..1 by the size, and so shows one corner of itself",
    "Show Alpha": "the alpha of an opaque picture",
    "Solid Color": "is one",
}


def isf(path: Path, size: tuple[int, int] = SIZE, frames: int = 16) -> list[Row]:
    """Draw every ISF file under `path` for `frames` frames: compiles? NaN? flat? how long does a frame take?

    Says on stderr how far it is: a folder takes minutes. Raises FileNotFoundError where no shader lies under `path`.
    """
    files, rows = found(path), list[Row]()
    for each in trials(files, size, frames):
        rows.append(row(each))
        print(f"{len(rows)}/{len(files)} {each.path.name}: {rows[-1]['says']}", file=sys.stderr, flush=True)
    return rows


def found(folder: Path) -> tuple[Path, ...]:
    """The shaders of a folder and its folders. Raises FileNotFoundError, naming it, where there is none."""
    files = foreign.look(folder, ENDINGS, deep=True).files
    if not files:
        raise FileNotFoundError(f"no ISF files (*.fs, *.frag) under {folder}")
    return files


def row(trial: Trial) -> Row:
    """One line of the table."""
    passes = len(trial.header.passes) if trial.header else 0
    says = trial.says.splitlines()[0].replace(f"{trial.path.parent}/", "")
    if says == "flat" and trial.path.stem in FLAT:
        says = f"flat: {FLAT[trial.path.stem]}"
    notes = len(trial.header.notes) if trial.header else 0
    return {"file": trial.path.stem, "passes": passes, "ms": trial.ms, "spread": trial.spread, "notes": notes, "says": says}


def in_all(rows: Sequence[Row]) -> Row:
    """How many of a table draw, are flat, give no numbers, or are refused."""
    kinds = Counter(str(each["says"]).split(":")[0] for each in rows)
    told: Row = {kind: kinds.pop(kind, 0) for kind in ("ok", "flat", "NaN", "GL error")}
    return {"files": len(rows), **told, "refused": sum(kinds.values()), "with notes": sum(bool(each["notes"]) for each in rows)}


def lines(trial: Trial, top: Path) -> Iterator[str]:
    """What is said of one shader."""
    header, says = trial.header, trial.says.replace(f"{trial.path}:", f"{trial.path.name}:")
    name = trial.path.relative_to(top) if trial.path.is_relative_to(top) else trial.path
    if header is None or not trial.draws:
        yield f"✗ {name}"
        yield from (f"    {line.strip()}" for line in says.splitlines())
    else:
        kind = "a transition" if header.is_transition else f"works on {', '.join(header.images)}" if header.images else "from nothing"
        flat = f"; flat{f': {FLAT[trial.path.stem]}' if trial.path.stem in FLAT else ''}" if says == "flat" else ""
        yield f"✓ .{header.verb}()  {name}: {kind}, {len(header.passes)} pass{'es' * (len(header.passes) > 1)}, {trial.ms:.1f} ms{flat}"
    if header is not None:
        if header.description:
            yield f"    {header.description.splitlines()[0][:110]}"
        yield from (f"    {told(each)}" for each in header.inputs if not each.is_image)
        yield from (f"    overlooked: {note}" for note in header.notes)


def told(one: Input) -> str:
    """An input as a scene writes it: `amount=0.5`, its range or its choices, its label."""
    default = tuple(round(v, 3) for v in one.default) if isinstance(one.default, tuple) else one.default
    span = f"{one.low} to {one.high}" if one.low is not None and one.high is not None else ""
    choices = ", ".join(one.labels or map(str, one.values))
    return "  ".join(filter(None, (f"{one.name}={default}", one.type, choices or span, one.label)))


def sheet(all_of_them: Sequence[Trial], file: Path) -> None:
    """A picture of all stills with their verbs; what does not draw is a dark field with its name."""
    w, h = SIZE
    rows = -(-len(all_of_them) // COLUMNS)
    picture = Image.new("RGB", (COLUMNS * (w + 4) + 4, rows * (h + LINE + 4) + 4), (16, 16, 16))
    pen = ImageDraw.Draw(picture)
    for number, each in enumerate(all_of_them):
        x, y = 4 + number % COLUMNS * (w + 4), 4 + number // COLUMNS * (h + LINE + 4)
        if each.still:
            picture.paste(Image.frombytes("RGB", SIZE, each.still), (x, y))
        else:
            pen.rectangle((x, y, x + w - 1, y + h - 1), outline=(90, 40, 40))
        called = verb(each.path.stem) if each.draws else f"{each.path.name[:20]} fails"
        pen.text((x + 2, y + h + 1), called.encode("latin-1", "replace").decode("latin-1")[:26], fill=(200, 200, 200))
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)


def main(argv: Sequence[str]) -> int:
    """`hypermnesia shaders`. 1 where a shader fails, 2 where there is none."""
    parser = argparse.ArgumentParser(prog="hypermnesia shaders", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDERS[0], help="of ISF shaders (default: the engine's own)")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="where the stills go (default: into the cache; said at the end)")
    options = parser.parse_args(argv)
    folder: Path = options.folder
    try:
        files = found(folder)
    except OSError as wrong:
        print(f"hypermnesia: {wrong}", file=sys.stderr)
        return 2
    all_of_them = []
    for trial in trials(files, SIZE):
        all_of_them.append(trial)
        print(*lines(trial, folder), sep="\n", flush=True)
    failing = sum(not each.draws for each in all_of_them)
    for inside in sorted({path.parent for path in files}):
        print(*(f"! {said}" for said in collisions(inside)), sep="\n", end="\n" if collisions(inside) else "")
    if passed := foreign.look(folder, ENDINGS, deep=True).sentence():
        print(f"! {passed}")
    file = options.sheet or cache_folder() / "shaders" / f"{folder.resolve().name}.png"
    try:
        sheet(all_of_them, file)
        print(f"stills: {file}")
    except (OSError, ValueError) as wrong:
        print(f"hypermnesia: the stills are not kept: {wrong}", file=sys.stderr)
    print(f"{len(files)} shaders, {failing} of them fail\n{RULE}")
    return 1 if failing else 0
