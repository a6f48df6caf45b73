"""The command line of `hypermnesia`: every command, every option, and what each says of itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from engine.core.errors import nearest
from engine.core.machine import home

EPILOG = """
first steps
  hypermnesia run                          the show: a wall, a room of sound, http://127.0.0.1:8000 to write
  hypermnesia run gap --seconds 30 --say "the sea at night" --record show.mp4
  hypermnesia render gap --say "une ville en feu" --seconds 10 --seed 7 a.mp4
  hypermnesia doctor                       what is wrong on this machine, and what to do
"""

ELSEWHERE = {  # command -> (module whose main(argv) runs it, one line of help)
    "archive": ("engine.mind.memory.command", "look into the memory, take back, export, compact, snapshot, restore"),
    "calibrate": ("engine.bench.calibrate", "measure the sync of sound and light; fit a reader to a model; hear recordings by their words"),
    "film": ("engine.bench.filmsheet", "a film on one page, to be looked at as a whole: stills in rows, and what is heard under them"),
    "desk": ("engine.house.desk", "where the operator's desk is, with its token"),
    "fetch": ("engine.mind.model.fetch", "the only command that downloads: a model, by name"),
    "ledger": ("engine.house.ledger", "the monthly account: keystrokes, sentences, pictures, memories, watt-hours; as PDF and JSON too"),
    "models": ("engine.mind.model.models", "which models are here, how large, under which licence"),
    "place": ("engine.house.place", "this machine as one room of a house of several: run it, make its keys, see who is there"),
    "producers": ("engine.mind.rows.producers", "the family tree of the small dreamers that are bred by what people linger on"),
    "shaders": ("engine.bench.shaders", "every shader of a folder: its verb, its inputs, a still, its cost, or why it fails"),
    "train": ("engine.atelier.train", "train the embedded model from nothing, or go on"),
    "sign": ("engine.origin.sign", "let files of earlier days say where they come from; check whether a file is whole"),
    "whose": ("engine.origin.whose", "whose a picture found in the world is: a photograph of the wall, a piece of a film"),
    "tree": ("engine.origin.tree", "the family tree of a picture on a sheet of paper, as SVG or PDF"),
    "new": ("engine.show.new", "write a scene that plays, to be made one's own: hypermnesia new NAME"),
    "pictures": ("engine.bench.pictures", "make the pictures of the README and the tutorial again"),
    "release": ("engine.gallery.release", "this engine as a signed release on a stick, for machines without a network"),
    "update": ("engine.gallery.update", "take in a release: check, install beside, try, switch; back again if light does not come"),
    "conserve": ("engine.gallery.conserve", "keep everything that is needed to show this work again; --check: what differs years later"),
    "displays": ("engine.gallery.displays", "which screens there are; wait for one; switch them off and on"),
    "day": ("engine.gallery.day", "the page of a day for the gallery, as HTML and PDF, in its language"),
    "alert": ("engine.gallery.alert", "send what waits to be told to a person; --test tries mail and webhook"),
    "evaluate": ("engine.atelier.evaluate", "the honest figures of the embedded model"),
}


class Parser(argparse.ArgumentParser):
    """argparse that names the nearest valid option or command."""

    def error(self, message: str) -> NoReturn:
        here = [self, *(p for a in self._actions if isinstance(a.choices, dict) for p in a.choices.values())]
        options = [o for p in here for a in p._actions for o in a.option_strings if o.startswith("--")]
        wrong = next((w for w in message.split() if w.startswith("--")), "")
        if wrong and "unrecognized" in message:
            message = f"no option {wrong}; {nearest(wrong, options)}"
        if "invalid choice" in message:
            found = message.split("invalid choice: '")[-1].split("'")[0]
            message = f"no command {found}; {nearest(found, COMMANDS)}"
        self.exit(2, f"hypermnesia: {message}\n")


def parser() -> Parser:
    """The whole command line; `hypermnesia COMMAND --help` teaches each part."""
    root = Parser(
        prog="hypermnesia",
        description="A memory that dreams: words in, light and sound out.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    run = commands.add_parser("run", help="play the show on this machine", description="Play until it is stopped.")
    _show_options(run)
    run.add_argument("--seconds", type=float, default=0.0, help="stop by itself after so long (default: never)")
    run.add_argument("--record", type=Path, metavar="FILE", help="record wall and room into mp4s that survive a crash, with the time in their names")
    run.add_argument("--write-score", type=Path, metavar="FILE", help="write down everything that comes in, for `render --score`; visitors' words are in it")
    run.add_argument("--window", choices=["auto", "window", "fullscreen", "headless"], help="where the wall is")
    run.add_argument("--osc", type=int, metavar="PORT", help="UDP port for OSC (default 9000; 0 = any)")
    run.add_argument("--web", type=int, metavar="PORT", help="TCP port for the pages (default 8000; 0 = any)")
    run.add_argument("--host", metavar="ADDRESS", help="who can reach the doors (default 127.0.0.1)")
    run.add_argument("--sound", metavar="DEVICE", help="part of a sound device's name; 'null' is silence, in time")
    run.add_argument("--moderation", choices=["open", "filtered", "moderated", "curated"], help="who decides on words")

    render = commands.add_parser(
        "render",
        help="play offline into a file, the same every time",
        description="The same loop, in virtual time: one seed and one score give the same frames, bit for bit, on a CPU.",
    )
    _show_options(render)
    render.add_argument("out", type=Path, help="the mp4 to write; a .png or .jpg keeps the last frame alone")
    render.add_argument("--seconds", type=float, default=10.0, help="how long (default 10)")
    render.add_argument("--score", type=Path, metavar="FILE", help="a show written down, such as scenes/ten-visitors.jsonl")
    render.add_argument("--stems", type=Path, metavar="FOLDER", help="also write the sound in layers, as WAV")

    bench = commands.add_parser("bench", help="measure, side by side in one run, and print ratios")
    bench.add_argument("what", nargs="?", default="show", choices=list(BENCHES), help="what to measure (default: show)")
    bench.add_argument("path", nargs="?", help="isf: a folder of shaders; picture, gpu: a StreamDiffusion checkout; doors: answers, crowd, client or phones (default: all four); evening: where its sheet goes (PNG)")
    bench.add_argument("--seconds", type=float, default=30.0, help="how long, where it matters (default 30)")
    bench.add_argument("--minutes", type=float, default=0.0, help="how long: chaos (default 20), soak (180), evening (10), doors crowd (15 at most), client (10), phones (5), places (10)")
    bench.add_argument("--seed", type=int, default=0, help="chaos: which faults, and when; doors: who writes what; files: what is spoilt; month, soak: who comes, and when; places: who writes what")
    bench.add_argument("--answers", type=int, default=10_000, metavar="N", help="doors answers: how many (default 10000)")
    bench.add_argument("--count", type=int, default=20_000, help="files: how many are spoilt and opened (default 20,000)")
    bench.add_argument("--marks", type=int, default=100_000, metavar="N", help="whose: among how many pictures (default 100,000)")
    bench.add_argument("--asked", type=int, default=300, metavar="N", help="whose: photographs of pictures of this wall (default 300)")
    bench.add_argument("--strangers", type=int, default=1000, metavar="N", help="whose: photographs of others (default 1,000)")
    bench.add_argument("--fragments", type=int, default=1_000_000, metavar="N", help="memory: at most so many, from 1,000 up (default 1,000,000)")
    bench.add_argument("--server", default="", metavar="ADDRESS", help="memory: an empty PostgreSQL; default: one out of the wheel, if that is installed")
    bench.add_argument("--ladder", action="store_true", help="picture: the whole ladder B0-B4")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    _machine_option(bench)

    doctor = commands.add_parser("doctor", help="one page: what is wrong on this machine, and what to do")
    _machine_option(doctor)
    doctor.add_argument("--fix", action="store_true", help="run what mends it, where that can do no harm")
    for name, (_, told) in ELSEWHERE.items():
        commands.add_parser(name, help=told, add_help=False)
    return root


BENCHES = ("show", "picture", "memory", "sound", "isf", "flow", "passes", "chaos", "rows", "doors", "files", "whose", "gpu", "month", "film", "sign", "soak", "start", "evening", "places")
COMMANDS = ("run", "render", "bench", "doctor", *ELSEWHERE)


def _machine_option(to: argparse.ArgumentParser) -> None:
    to.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    to.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")


def _show_options(to: argparse.ArgumentParser) -> None:
    to.add_argument("scene", nargs="?", default="", help="a scene by name or file; it keeps the wall (default: all, by state)")
    to.add_argument("--say", action="append", default=[], metavar="WORDS", help="say something; again for more, spread in time")
    to.add_argument("--seed", type=int, default=0, help="where the walk through noise starts")
    to.add_argument("--model", metavar="NAME", help="embedded, composed, a diffusers folder or name, or a .safetensors file (see hypermnesia models)")
    to.add_argument("--film", metavar="NAME", help="a video pipeline by name or folder, which goes on with the pictures: AnyFlow, Helios, LTX-2")
    to.add_argument("--rival", metavar="NAME", help="whom it goes on against (sequel, rivals=3): a second video pipeline, or composed")
    to.add_argument("--extends", type=Path, metavar="FILE", help="a film that was recorded and signed here: the first film (sequel) goes on from its last picture")
    to.add_argument("--corpus", metavar="NAME", help="whose hand has painted the founding memories: oil or ink; an archive keeps the one it was born with")
    to.add_argument("--size", metavar="WxH", help="pixels of the wall, such as 640x360 (default: chosen by measurement)")
    to.add_argument("--fps", type=float, help="frames per second (default: chosen by measurement)")
    to.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="turn a parameter, such as beta=0.9")
    _machine_option(to)
