"""`hypermnesia bench`: figures of this machine, measured side by side in one run. A table on stdout, JSON with --json."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import CannotPlay, nearest
from engine.core.machine import Machine, processor

if TYPE_CHECKING:
    from engine.house.house import House

WORDS = (
    "the sea at night", "une ville en feu", "a red room with a window", "la forêt sous la pluie",
    "my grandmother's hands", "snow falling on ruins", "a crowd before the storm", "love",
)  # fmt: skip
EVERY = 5.0  # seconds between sentences
Table = dict[str, Any]


@contextmanager
def house_for(options: argparse.Namespace, machine: Machine, words: tuple[str, ...] = ()) -> Iterator[House]:
    """A live house without a window, on free ports, with a memory of its own unless `options.home` names one."""
    from engine.house.house import House
    from engine.house.plan import plan
    from engine.house.run import stopped_by_signals

    with tempfile.TemporaryDirectory(prefix="hypermnesia-bench-") as folder:
        options.home = options.home or Path(folder)
        options.osc = options.web = 0
        for name, value in {"scene": "", "say": [], "seed": 0, "model": None, "size": None, "fps": None, "set": []}.items():
            setattr(options, name, getattr(options, name, value))
        made = replace(plan(options, machine), words=words, window="headless")
        with House(made) as house, stopped_by_signals(house):
            yield house


def show(options: argparse.Namespace, machine: Machine) -> Table:
    """The whole show, live: every room, real sound if there is a device, a new sentence every five seconds."""
    from engine.bench.sync import Beacon

    words = tuple(WORDS[i % len(WORDS)] for i in range(max(1, int(options.seconds // EVERY))))
    with house_for(options, machine, words) as house:
        house.wake()
        house.play()
        figures: Table = house.vitals.figures() | {f"contract_{name}": value for name, value in house.mind.state.contract}
        figures["contract"] = house.mind.state.step
        apart = Beacon(house).measure(max(30.0, options.seconds))
    return figures | {f"sync_{name}": value for name, value in asdict(apart).items()} | {"sync": apart.sentence()}


def time_picture(options: argparse.Namespace, machine: Machine) -> Table:
    """Ours against the plain pipeline with the same weights; with --ladder, B0 to B4."""
    from engine.bench import picture

    return dict(picture.bench(options))


def time_memory(options: argparse.Namespace, machine: Machine) -> Table:
    """Insert, recall by words and by image, compose, the whole cycle, from 1,000 fragments up."""
    from engine.bench import memory

    return dict(memory.bench(options))


def time_month(options: argparse.Namespace, machine: Machine) -> Table:
    """Thirty days of a gallery in minutes: hours, visitors, a full disk, a dead sound card, a wrong clock, a bad update, a screen that is gone."""
    from engine.bench import month

    return month.run(options)


def time_soak(options: argparse.Namespace, machine: Machine) -> Table:
    """A whole show for hours with forty visitors an hour: slopes of memory, descriptors, threads and GL objects, room by room."""
    from engine.bench import soak

    return soak.run(options, machine)


def time_places(options: argparse.Namespace, machine: Machine) -> Table:
    """A house of five machines beside one: words to light, skew of walls, bandwidth; each killed, stopped, cut off; the network split."""
    from engine.bench import places

    return places.run(options, machine)


def time_start(options: argparse.Namespace, machine: Machine) -> Table:
    """From the command to the first light, and what takes how long in each room: first, cold, and the median of five warm starts."""
    from engine.bench import start

    return start.run(options)


def time_sound(options: argparse.Namespace, machine: Machine) -> Table:
    """Null test, load for 2, 8 and 16 outputs; with a path, two minutes as WAV and picture in that folder."""
    from engine.bench import sound

    return dict(sound.bench(options))


def isf(options: argparse.Namespace, machine: Machine) -> Table:
    """Every shader of a folder, compiled and drawn."""
    from engine.bench import shaders

    if not options.path or not Path(options.path).is_dir():
        raise CannotPlay("bench isf wants a folder of ISF shaders: hypermnesia bench isf PATH")
    rows = shaders.isf(Path(options.path))
    return {"shaders": rows, "in all": shaders.in_all(rows)}


def flow(options: argparse.Namespace, machine: Machine) -> Table:
    """In-betweens by flow against hold and crossfade: synthetic motion, then pictures of the mind, each third guessed."""
    from engine.bench import stage
    from engine.bench.pictures import consecutive

    return {"in-betweens": stage.flow(), "in-betweens of the mind": stage.flow(consecutive(102))}


def passes(options: argparse.Namespace, machine: Machine) -> Table:
    """What each pass of the wall costs, and a picture's way into a texture, measured with finish() and a clock."""
    from engine.bench import wall

    return {"passes": wall.passes(), "pictures into textures": wall.uploads()}


def time_rows(options: argparse.Namespace, machine: Machine) -> Table:
    """What the reading's quantities cost a picture and a thought, and all of them of a core."""
    from engine.bench.reading import bench as measure

    return dict(measure())


def time_chaos(options: argparse.Namespace, machine: Machine) -> Table:
    """A whole show under random faults: how long it was dark, what was lost, and what must hold and did not."""
    from engine.bench.chaos import run

    return dict(run(options, machine))


def doors(options: argparse.Namespace, machine: Machine) -> Table:
    """Strangers at the doors: 10,000 answers to a hostile crowd, and 200 on a whole show; one hostile client; a hundred and fifty phones."""
    from engine.bench import answers, crowds

    parts: dict[str, Callable[[], Table]] = {
        "answers": lambda: answers.bench(options.answers, seed=options.seed),
        "crowd": lambda: crowds.hostile_crowd(min(options.answers, 200), options.minutes or 15.0, getattr(options, "model", None)),
        "client": lambda: crowds.client(options.minutes or 10.0, getattr(options, "model", None)),
        "phones": lambda: crowds.phones(options.minutes or 5.0, getattr(options, "model", None)),
    }  # fmt: skip
    if options.path and options.path not in parts:
        raise CannotPlay(f"bench doors has no part {options.path}; {nearest(options.path, parts)}")
    return {name: part() for name, part in parts.items() if options.path in (None, name)}


def time_evening(options: argparse.Namespace, machine: Machine) -> Table:
    """Twelve visitors at a show that records itself: whether the film stands still, jumps or flashes; ten frames on a sheet."""
    from engine.bench import evening

    return evening.run(options)


def files(options: argparse.Namespace, machine: Machine) -> Table:
    """Shaders, model folders and recordings spoilt at random and opened: read or refused, and nothing else."""
    from engine.bench.fuzz import fuzz

    return {"files": [fuzz(options.count, options.seed)]}


def time_whose(options: argparse.Namespace, machine: Machine) -> Table:
    """A photographed picture among a hundred thousand: how often it is found, how often a stranger is taken for one."""
    from engine.bench import whose

    return {"whose": [whose.bench(options)]}


def time_gpu(options: argparse.Namespace, machine: Machine) -> Table:
    """What only a GPU can show, the cheapest first; each figure is written down when it is known."""
    from engine.bench import gpu

    return dict(gpu.bench(options))


def film(options: argparse.Namespace, machine: Machine) -> Table:
    """Whether a film's sound and picture are one: density against motion, and when a turn is seen and heard."""
    from engine.bench import together

    return together.bench(options)


def time_sign(options: argparse.Namespace, machine: Machine) -> Table:
    """A file of every kind, signed and read again: milliseconds, and the reference library's verdict."""
    from engine.bench import sign

    return {"files": sign.bench()}


MEASURES: dict[str, Callable[[argparse.Namespace, Machine], Table]] = {
    "show": show, "picture": time_picture, "memory": time_memory, "sound": time_sound, "isf": isf, "flow": flow, "passes": passes,
    "chaos": time_chaos, "rows": time_rows, "doors": doors, "files": files, "whose": time_whose, "gpu": time_gpu, "month": time_month, "film": film, "evening": time_evening, "sign": time_sign, "soak": time_soak, "start": time_start, "places": time_places,
}  # fmt: skip


def bench(options: argparse.Namespace, machine: Machine) -> int:
    """Measure, print, write; 1 where something that must hold did not. What else the machine was doing is part of the
    result: stolen and busy CPU time."""
    before = _cpu()
    started = time.monotonic()
    figures = MEASURES[options.what](options, machine)
    seconds = time.monotonic() - started
    facts: Table = {"date": datetime.date.today().isoformat(), "machine": processor(), "cores": _cores(), "seconds": round(seconds, 1)}
    facts["stolen_share"] = round(_stolen(before, _cpu()), 4)
    print(table(figures))
    print(f"\n{facts['cores']} cores, {seconds:.0f} s, {100 * facts['stolen_share']:.1f} % of the CPU stolen", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps({"bench": options.what, **facts, "figures": figures}, indent=1) + "\n")
    return 1 if isinstance(figures.get("broken"), list) else 0


def table(figures: Table, indent: str = "") -> str:
    """Figures as aligned lines; nested ones as sections, lists of rows as columns."""
    lines: list[str] = []
    wide = max((len(key) for key in figures), default=0)
    for key, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}", table(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{indent}{key}", _rows(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key:<{wide}}  {_short(value)}")
    return "\n".join(lines)


def _rows(rows: list[Table], indent: str) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_short(row.get(name, "")) for name in names] for row in rows)]
    wide = [max(len(line[i]) for line in cells) for i in range(len(names))]
    return "\n".join(indent + "  ".join(cell.rjust(w) for cell, w in zip(line, wide, strict=True)) for line in cells)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> list[int]:
    """Jiffies of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; empty elsewhere."""
    path = Path("/proc/stat")
    return [int(n) for n in path.read_text().split("\n")[0].split()[1:9]] if path.exists() else []


def _stolen(before: list[int], after: list[int]) -> float:
    spent = [b - a for a, b in zip(before, after, strict=True)]
    return spent[7] / max(1, sum(spent)) if spent else 0.0


