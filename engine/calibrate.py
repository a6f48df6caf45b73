"""`hypermnesia calibrate`: what has to be measured in one place, with one model, before it is true.

    hypermnesia calibrate sync                     flash and click of the engine itself, with every room running
    hypermnesia calibrate sync --recording a.wav   on site: photodiode and microphone on two channels of one interface
    hypermnesia calibrate reader stabilityai/sd-turbo   teach the engine to read a model's pictures
"""

from __future__ import annotations

import argparse
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.errors import CannotPlay, Plain
from engine.machine import Machine, home


def main(argv: Sequence[str]) -> int:
    """Run one calibration; 0 when its gate is passed, 1 when it is not, 2 for what cannot be measured."""
    parser = argparse.ArgumentParser(prog="hypermnesia calibrate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sync", "reader"])
    parser.add_argument("model", nargs="?", help="reader: a model by name or folder")
    parser.add_argument("--recording", type=Path, help="sync: a WAV from one interface, light on channel 0, sound on 1")
    parser.add_argument("--seconds", type=float, default=40.0, help="sync: how long (default 40)")
    parser.add_argument("--machine", type=Path, help="facts of this machine")
    parser.add_argument("--home", type=Path, default=None, help=f"where the memory lives (default {home()})")
    options = parser.parse_args(argv)
    try:
        return sync(options) if options.what == "sync" else reader(options)
    except Plain as wrong:
        parser.exit(2, f"hypermnesia: {wrong}\n")


def sync(options: argparse.Namespace) -> int:
    from engine.sound.sync import from_interface

    if options.recording:
        apart = from_interface(*_read(options.recording))
    else:
        from engine.bench import house_for
        from engine.sync import Beacon

        with house_for(options, Machine.read(options.machine) if options.machine else Machine()) as house:
            house.wake()
            apart = Beacon(house).measure(options.seconds)
    print(apart.sentence())
    if not apart.good and apart.events:
        print(f"in machine.toml, [sound] offset = {apart.offset:.4f} moves the mean to zero")
    return 0 if apart.good else 1


def reader(options: argparse.Namespace) -> int:
    from engine.mind.calibrate import reader as fitted
    from engine.mind.model import load

    if not options.model:
        raise CannotPlay("calibrate reader wants a model's name or folder; hypermnesia models lists what is here")
    where = (options.home or home()) / "archive" / "readers"
    made = fitted(load(options.model), where, lambda what, done: print(f"\r  {what} {100 * done:3.0f} %", end="", flush=True))
    print(f"\nreader {made.fingerprint} in {where}")
    return 0


def _read(path: Path) -> tuple[np.ndarray, int]:
    """(n, channels) in -1..1 and the rate of a 16-bit WAV."""
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2:
            raise CannotPlay(f"{path}: 16-bit samples are wanted, found {8 * file.getsampwidth()}-bit ones")
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return data / 32768.0, file.getframerate()
