"""`hypermnesia new NAME`: a scene that plays, to be made one's own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

TEMPLATE = '''"""{title}: say in a line what it is about."""

from engine import Murmur, Param, Scene, dreamed


class {title}(Scene):
    trail = Param(0.9, high=0.98)  # how slowly light fades

    def __init__(self):
        super().__init__()
        self.murmur = Murmur(seed=1)

    def sound(self, now):
        yield from self.murmur.grains(now.time, now.dt, self.state)

    def draw(self, now):
        return dreamed.drift(amount=0.02).feedback(trail=self.trail).bloom(amount=0.4)
'''


def main(argv: Sequence[str]) -> int:
    """Write NAME.py here. Nothing is overwritten; returns 2 with a sentence where the name cannot be."""
    parser = argparse.ArgumentParser(prog="hypermnesia new", description=__doc__)
    parser.add_argument("name", help="letters, digits and underscores, such as harbour or two_rooms; or a path ending in .py")
    path = Path(parser.parse_args(argv).name).with_suffix(".py")
    if not path.stem.isidentifier():
        return _refuse(f"{path.stem} can be no scene's name; letters, digits and underscores, beginning with a letter: {_near(path.stem)}")
    if path.exists():
        return _refuse(f"{path} is there already; take another name, or play it: hypermnesia run {path}")
    title = "".join(part[:1].upper() + part[1:] for part in path.stem.split("_"))
    try:
        path.write_text(TEMPLATE.format(title=title), encoding="utf-8")
    except OSError as wrong:
        return _refuse(f"{path}: {wrong.strerror}")
    print(f"{path} is written. It plays: hypermnesia run {path}\nSave it again while it plays, and the wall follows. docs/tutorial.md goes on from here.")
    return 0


def _refuse(why: str) -> int:
    print(f"hypermnesia: {why}", file=sys.stderr)
    return 2


def _near(name: str) -> str:
    found = "".join(sign if sign.isalnum() else "_" for sign in name)
    return found if found.isidentifier() else f"scene_{found.strip('_')}"
