"""`hypermnesia bench evening`: twelve visitors at a whole show that records itself, and the film of it looked at.

What a curator would look for is counted: whether the wall ever stood still, jumped, flashed, or moved too much or too
little; ten frames, evenly spread and unpicked, are laid on one sheet.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.bench.phone import GONE, Phone, Show
from engine.stage.flashes import Flashes

Table = dict[str, Any]
Frame = NDArray[np.uint8]
VISITORS, MINUTES = 12, 10.0
COME = 20.0  # seconds between two who come in
SMALL = (96, 54)  # width, height of a frame that is looked at
WINDOW, CALMEST, WILDEST = 10, 0.5, 12.0  # seconds; of 255 a second, the mean over a window
STILL, CUT = 0.1, 10.0  # of 255: a second with less shows nothing new; a frame with more is another picture
OPENING, LIT = 3.0, 8.0  # seconds in which light comes, from the first frame that has so much, of 255: they are no jump
ON_A_SHEET, ACROSS, WIDE = 10, 5, 384  # frames, frames in a row, pixels of one
SAID = """the sea at night|two moons over the sea|a kitchen in the morning|my grandmother's hands|ein Leuchtturm im Sturm|la maison où je suis né
un chat noir à la fenêtre|a white horse running|rain on a window|le train part sans moi|a forest in autumn|people dancing in the street
a church in the snow|fish under the ice|a piano in an empty room|the door was ajar|el mercado de mi pueblo|mountains at dawn|fire in the garden
a letter that never came|I miss you|a bridge over the river|the hospital at night|children in the school room|birds over the island
a clock that stopped|une cascade dans la forêt|der alte Spiegel|the car in the rain|an aeroplane over the city|a cave full of light
mother and child|the library was burning|flowers on the table|a village with a church|lightning over the field|the moon""".replace("\n", "|").split("|")


async def visitor(show: Show, number: int, until: float) -> Phone:
    """Somebody who comes in, types a sentence like a hand, stays a while, and writes again now and then."""
    rng, phone = random.Random(100 + number), Phone(show, number)
    await asyncio.sleep(COME * rng.uniform(number, number + 1))
    await phone.enter(show.code())
    while time.monotonic() < until:
        words = rng.choice(SAID)
        with contextlib.suppress(*GONE):
            async with phone.socket() as ws:
                reading = asyncio.create_task(phone.read(ws))
                for _ in words:
                    await ws.send(json.dumps({"t": "key", "bits": rng.uniform(1.0, 6.0)}))
                    await asyncio.sleep(rng.uniform(0.08, 0.3))
                phone.say(words)
                for key, (said, _) in list(phone.outbox.items()):
                    await ws.send(json.dumps({"t": "text", "key": key, "words": said, "visit": phone.visit}))
                await asyncio.sleep(rng.uniform(5.0, 25.0))
                reading.cancel()
        await asyncio.sleep(min(rng.choice((2.0, 5.0, 10.0, 20.0, 60.0, 120.0)), max(0.0, until - time.monotonic())))
    return phone


async def evening(show: Show, minutes: float) -> Table:
    """Play it; what was said, kept and given back, and the show's own figures at its end."""
    until = time.monotonic() + 60.0 * minutes
    phones = await asyncio.gather(*(visitor(show, number, until) for number in range(VISITORS)))
    answered = [wait for phone in phones for wait in phone.answered]
    figures = json.loads((await asyncio.to_thread(show.get, "/health.json"))[1])["figures"]
    return {
        "visitors": VISITORS, "said": sum(len(phone.said) for phone in phones), "kept": sum(len(phone.kept) for phone in phones),
        "given back": sum(len(phone.returned) for phone in phones), "given back p50 s": float(np.median(answered)) if answered else float("nan"),
        "the show's own": {name: value for name, value in figures.items() if name.startswith(("frame", "light", "pictures", "underruns", "late", "sound_"))},
    }  # fmt: skip


def frames(film: Path) -> Iterator[tuple[float, Frame]]:
    """Seconds and a small picture (h, w, 3) of each frame of a film."""
    with av.open(str(film)) as opened:
        for frame in opened.decode(video=0):
            small = frame.reformat(*SMALL, "rgb24", interpolation="AREA").to_ndarray()
            yield float(frame.time or 0.0), small


def looked_at(shown: Iterable[tuple[float, Frame]]) -> Table:
    """What there is to see in frames once light is there: motion over each ten seconds, the longest stillness, jumps, and flashes a second."""
    flashes = Flashes(SMALL, 30)  # as many as it can count
    eyes, most, largest, cuts, count = flashes.nothing(), 0.0, 0.0, 0, 0
    last: NDArray[np.int16] | None = None
    whole: list[NDArray[np.int16]] = []  # the frame that each second began with
    begun = float("inf")  # second from which on it counts
    for at, frame in shown:
        eyes, count = flashes.next(eyes, frame, at), count + 1
        most, now = max(most, eyes.most), frame.astype(np.int16)
        begun = min(begun, at + OPENING) if frame.mean() > LIT else begun
        if at < begun:
            continue
        if last is not None:
            change = float(np.abs(now - last).mean())
            largest, cuts = max(largest, change), cuts + (change > CUT)
        if at >= begun + len(whole):
            whole.append(now)
        last = now
    motion = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(whole)]
    windows = [float(np.mean(motion[k : k + WINDOW])) for k in range(max(1, len(motion) - WINDOW + 1))] if motion else [0.0]
    still = max((len(list(run)) for calm, run in itertools.groupby(motion, lambda one: one < STILL) if calm), default=0)
    return {
        "frames": count, "motion of ten seconds, least": min(windows), "middle": float(np.median(windows)), "most": max(windows),
        "longest still s": still, "largest change in a frame": largest, "cuts": cuts, "flashes a second": most,
    }  # fmt: skip


def sheet(film: Path, path: Path) -> Path:
    """Ten frames of a film, evenly spread, on one picture."""
    with av.open(str(film)) as opened:
        length = float(opened.duration or 0) / av.time_base
        stream, tiles = opened.streams.video[0], list[Image.Image]()
        for number in range(ON_A_SHEET):
            at = length * (number + 0.5) / ON_A_SHEET
            opened.seek(int(at / float(stream.time_base or 1)), stream=stream)
            frame = next((one for one in opened.decode(video=0) if float(one.time or 0.0) >= at), None)
            if frame is not None:
                tiles.append(frame.to_image(width=WIDE, height=WIDE * frame.height // frame.width))
    high = max((tile.height for tile in tiles), default=1)
    whole = Image.new("RGB", (ACROSS * WIDE, -(-max(1, len(tiles)) // ACROSS) * high))
    for number, tile in enumerate(tiles):
        whole.paste(tile, (number % ACROSS * WIDE, number // ACROSS * high))
    whole.save(path)
    return path


def run(options: argparse.Namespace) -> Table:
    """Play and look; `options.path` is the sheet (PNG). What must not be is in `broken`."""
    with tempfile.TemporaryDirectory(prefix="hypermnesia-evening-", ignore_cleanup_errors=True) as folder:
        with Show(Path(folder), getattr(options, "model", None), ("--record", f"{folder}/evening.mp4")) as show:
            found = asyncio.run(evening(show, options.minutes or MINUTES))
        (film, *_) = sorted(Path(folder).glob("evening*.mp4"))
        seen = looked_at(frames(film))
        if options.path:
            found["sheet"] = str(sheet(film, Path(options.path)))
    broken = [f"motion {seen[name]:.2f} of 255 a second over ten seconds" for name, bad in (("motion of ten seconds, least", seen["motion of ten seconds, least"] < CALMEST), ("most", seen["most"] > WILDEST)) if bad]
    broken += [f"{name}: {seen[name]:g}" for name, most in (("cuts", 0), ("flashes a second", 3), ("longest still s", 1)) if seen[name] > most]
    broken += [f"{found['said'] - found['kept']} sentences were not kept"] if found["said"] > found["kept"] else []
    return found | {"the film": seen, "broken": broken or "nothing"}
