"""The command `hypermnesia`: what it can do stands in `engine.house.command`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from engine.core import logbook
from engine.core.errors import Plain
from engine.core.machine import Machine
from engine.core.supervisor import ENVIRONMENT
from engine.house.command import ELSEWHERE, parser


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit code; what is wrong is said in one sentence on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    logbook.begin("hypermnesia")
    if words and words[0] in ELSEWHERE:
        return int(importlib.import_module(ELSEWHERE[words[0]][0]).main(words[1:]))
    words = _out_before_options(words)
    root = parser()
    if not words:
        root.print_help()
        return 0
    options = root.parse_args(words)
    try:
        return _run(options)
    except KeyboardInterrupt:
        return 130
    except Plain as wrong:
        print(f"hypermnesia: {wrong}", file=sys.stderr)
        return 2


def _out_before_options(words: list[str]) -> list[str]:
    """`render gap --seed 7 a.mp4` as argparse wants it: it takes one run of positional words, and file names come last."""
    if words[:1] != ["render"]:
        return words
    films = [k for k in range(2, len(words)) if words[k].endswith((".mp4", ".mkv", ".mov", ".png", ".jpg")) and words[k - 1][:2] != "--"]
    if not films:
        return words
    first = 1 if words[1].startswith("-") else 2
    rest = words[: films[0]] + words[films[0] + 1 :]
    return [*rest[:first], words[films[0]], *rest[first:]]


def _run(options: argparse.Namespace) -> int:
    for variable, value in ENVIRONMENT.items():  # before a library reads them
        os.environ.setdefault(variable, value)
    machine = Machine.read(options.machine) if options.machine else Machine()
    match options.command:
        case "run":
            from engine.house.watchdog import run

            return run(options, machine)
        case "render":
            from engine.house.render import render

            return render(options, machine)
        case "bench":
            from engine.bench import bench

            return bench(options, machine)
        case _:
            from engine.house.doctor import doctor

            return doctor(options, machine)


if __name__ == "__main__":
    sys.exit(main())
