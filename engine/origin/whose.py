"""`hypermnesia whose`: a picture found in the world, a photograph of the wall, a piece of a film: whose is it?

First what the file says itself, if nobody has taken its credential away; then what its light says: every mark of what
this wall has shown is compared with it (`mark.py`). Nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.core.errors import Plain
from engine.core.machine import Machine, home
from engine.mind.memory.afar import looked_into
from engine.mind.memory.archive import WITHDRAWN, Archive
from engine.mind.memory.words import Crowd
from engine.origin import credential
from engine.origin.keys import OriginError
from engine.origin.mark import LIKELY, find
from engine.origin.marks import Marked, Marks

EVERY, MOST = 2.0, 30  # seconds between two frames of a film that are looked at, how many at most
EXAMPLES = """examples:
  hypermnesia whose photo.jpg          the day it was on this wall, and whose it was
  hypermnesia whose clip.mp4 --json    the same of a film, for programs
"""


def pictures(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The picture (h, w, 3) of a file, or some of a film. Raises OriginError for a file that shows nothing, OSError."""
    try:
        with Image.open(path) as image:
            yield np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        return
    except (UnidentifiedImageError, Image.DecompressionBombError):
        pass  # not a picture: a film, perhaps
    try:
        with av.open(str(path)) as film:
            due, shown = 0.0, 0
            for frame in film.decode(video=0):
                if (frame.time or 0.0) >= due and shown < MOST:
                    due, shown = (frame.time or 0.0) + EVERY, shown + 1
                    yield frame.to_ndarray(format="rgb24")
    except (av.error.FFmpegError, IndexError, StopIteration) as wrong:
        raise OriginError(f"{path} shows no picture ({wrong})") from None


def look_up(path: Path, marks: Marks) -> tuple[Marked, float] | None:
    """The picture of the wall that a file is most like, and how much (LIKELY..1); None where it is like none."""
    numbers, bits = marks.all()
    best: tuple[float, int] = (0.0, 0)
    for picture in pictures(path):
        if found := find(picture, bits, 1):
            best = max(best, (found[0].score, numbers[found[0].row]))
    return (marks.told(best[1]), best[0]) if best[0] >= LIKELY else None


def main(argv: Sequence[str]) -> int:
    """Run the command; returns 0 where the file was found, 1 where nobody here knows it, 2 where it cannot be read."""
    parser = argparse.ArgumentParser(
        "hypermnesia whose", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    options = parser.parse_args(argv)
    where = options.home or home()
    try:
        machine = Machine.read(options.machine) if options.machine else Machine()
        said = _said(options.file)
        found = look_up(options.file, Marks(where / "origin"))
        answer = said | ({"mark": _told(*found, looked_into(where / "archive", machine))} if found else {})
    except (Plain, OSError, sqlite3.Error) as wrong:
        print(f"hypermnesia whose: {wrong}", file=sys.stderr)
        return 2
    print(json.dumps(answer, indent=1, ensure_ascii=False) if options.json else _plain(options.file, answer))
    return 0 if answer else 1


def _said(path: Path) -> dict[str, Any]:
    """What a file says of itself."""
    try:
        verdict = credential.read(path)
    except OriginError:  # of a kind that carries no credentials
        return {}
    return {"credential": {"state": verdict.state, "signer": verdict.signer, "lineage": verdict.lineage, "making": verdict.making}} if verdict.state else {}


def _told(marked: Marked, score: float, memory: Archive | None) -> dict[str, Any]:
    """A mark, with what the memory lets be known of each ancestor today."""
    crowd = Crowd()
    for one in memory.select("state = 0 AND kind IN (1, 2)") if memory else ():
        crowd.add(one.words, one.visit)
    ancestors = []
    for number, kind, share in marked.ancestors:
        known = memory.fragment(number) if memory else None
        gone = (known is None and number > 0) or (known is not None and known.state == WITHDRAWN)
        words = known.words if known and known.words and (kind == "founding" or crowd.allows(known.words)) else ""
        ancestors.append({"fragment": number, "kind": "anonymous" if gone else kind, "share": share, "words": words})
    if memory:
        memory.close()
    return {
        "number": marked.id, "day": marked.day.isoformat(), "score": round(score, 3), "ancestors": ancestors, "others": round(marked.rest, 4),
        "depth": marked.depth, "count": marked.count, "seed": marked.seed, "structure": marked.structure,
    }  # fmt: skip


def _plain(path: Path, answer: dict[str, Any]) -> str:
    lines = []
    if own := answer.get("credential"):
        trusted = {"Trusted": "whole", "Valid": "whole"}.get(own["state"], "NOT what was signed")
        lines.append(f"{path} says so itself: signed by {own['signer']}, {trusted} (hypermnesia sign --check says more)")
    if mark := answer.get("mark"):
        lines.append(f"{path}: on this wall on {mark['day']} (mark {mark['number']}, score {mark['score']:.2f})")
        for one in mark["ancestors"]:
            lines.append(f"  {one['share']:6.1%} {one['kind']:10} {one['fragment']:>14} {one['words']}".rstrip())
        lines.append(f"  {mark['others']:6.1%} others: {mark['count']} ancestors in all, depth {mark['depth']}")
    return "\n".join(lines) or f"{path}: nobody here knows it; only what this wall showed while marks were kept can be found"
