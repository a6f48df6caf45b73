"""`hypermnesia calibrate`: what has to be measured in one place, with one model, before it is true.

    hypermnesia calibrate sync                     flash and click of the engine itself, with every room running
    hypermnesia calibrate sync --recording a.wav   on site: photodiode and microphone on two channels of one interface
    hypermnesia calibrate reader stabilityai/sd-turbo   teach the engine to read a model's pictures
    hypermnesia calibrate graph stabilityai/sd-turbo    compile a model for this GPU before anybody comes
    hypermnesia calibrate recordings FOLDER        write beside each recording what its words sound like
"""

from __future__ import annotations

import argparse
import json
import re
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engine.core.errors import CannotPlay, Plain
from engine.core.machine import Machine, home
from engine.mind.model.model import Model


def main(argv: Sequence[str]) -> int:
    """Run one calibration; 0 when its gate is passed, 1 when it is not, 2 for what cannot be measured."""
    parser = argparse.ArgumentParser(prog="hypermnesia calibrate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sync", "reader", "graph", "recordings"])
    parser.add_argument("model", nargs="?", help="reader, graph: a model by name or folder; recordings: a folder")
    parser.add_argument("--recording", type=Path, help="sync: a WAV from one interface, light on channel 0, sound on 1")
    parser.add_argument("--seconds", type=float, default=40.0, help="sync: how long (default 40)")
    parser.add_argument("--size", type=int, default=0, help="graph: pixels of a picture's side (default: [mind] size, else the model's own)")
    parser.add_argument("--machine", type=Path, help="facts of this machine")
    parser.add_argument("--home", type=Path, default=None, help=f"where the memory lives (default {home()})")
    options = parser.parse_args(argv)
    try:
        return {"sync": sync, "reader": reader, "graph": graph, "recordings": recordings}[options.what](options)
    except Plain as wrong:
        parser.exit(2, f"hypermnesia: {wrong}\n")


def sync(options: argparse.Namespace) -> int:
    """`hypermnesia calibrate sync`: how far flash and click are apart, of a recording or of a show run for it. Returns the exit status."""
    from engine.bench.clicks import from_interface

    if options.recording:
        apart = from_interface(*_read(options.recording))
    else:
        from engine.bench import house_for
        from engine.bench.sync import Beacon

        with house_for(options, Machine.read(options.machine) if options.machine else Machine()) as house:
            house.wake()
            apart = Beacon(house).measure(options.seconds)
    print(apart.sentence())
    if not apart.good and apart.events:
        print(f"in machine.toml, [sound] offset = {apart.offset:.4f} moves the mean to zero")
    return 0 if apart.good else 1


def reader(options: argparse.Namespace) -> int:
    """`hypermnesia calibrate reader`: fit a reader to the latents of the named model and keep it. CannotPlay without a model."""
    from engine.mind.calibrate import reader as fitted
    from engine.mind.model.load import load

    if not options.model:
        raise CannotPlay("calibrate reader wants a model's name or folder; hypermnesia models lists what is here")
    where = (options.home or home()) / "archive" / "readers"
    made = fitted(load(options.model), where, lambda what, done: print(f"\r  {what} {100 * done:3.0f} %", end="", flush=True))
    print(f"\nreader {made.fingerprint} in {where}")
    return 0


def graph(options: argparse.Namespace) -> int:
    """Pictures of the size that the show will have are compiled for this GPU, and kept; 1 where that cannot be."""
    from engine.mind.model.device import Cpu, open_device
    from engine.mind.model.load import load

    facts = (Machine.read(options.machine) if options.machine else Machine()).mind
    if isinstance(open_device(facts.device), Cpu):
        raise CannotPlay("calibrate graph wants a GPU: for a processor nothing is compiled, its weights are packed at start")
    side = options.size or facts.size
    said, good = compiled(load(options.model or facts.model, (side, side), facts.device, compiled=True))
    print(said)
    return 0 if good else 1


def compiled(model: Model, pictures: int = 200) -> tuple[str, bool]:
    """What a model that compiles itself gains by it, in a sentence, and whether it could. Waits until it has."""
    assert model.compiling
    before = _typical(model, pictures)
    print("compiling: some minutes, once", flush=True)
    model.compiling.done.wait()
    if model.compiling.trouble:
        return model.compiling.trouble, False
    after, how = _typical(model, pictures), "found" if model.compiling.found else "made"
    return (f"{model.name} {model.size[1]}x{model.size[0]}: {before:.2f} ms a picture plainly, {after:.2f} compiled "
            f"({how} in {model.compiling.took:.0f} s, {model.compiling.path})"), True  # fmt: skip


def _typical(model: Model, pictures: int) -> float:
    """ms of the device for the middle one of so many pictures."""
    condition, noise = model.condition("a lake under snow"), torch.randn(model.latent)
    for _ in range(pictures):
        model.paint(condition, noise)
    return model.contract.compute.recent(pictures)


def recordings(options: argparse.Namespace) -> int:
    """A recording's words are its file name, or the text file beside it; memories of like words choose it sooner."""
    from engine.mind.calibrate import known_sentences
    from engine.mind.kin import sounded
    from engine.mind.memory.space import unit
    from engine.mind.model.encoder import Encoder
    from engine.sound.units import found

    if not options.model or not Path(options.model).is_dir():
        raise CannotPlay("calibrate recordings wants the folder that [sound] recordings names")
    paths = found(Path(options.model))
    told = [_words(path) for path in paths]
    encoder = Encoder()
    centre = encoder.sentence(known_sentences(96)).mean(0)  # where a fresh memory has its centre
    for path, words, vector in zip(paths, told, encoder.sentence(told) if told else (), strict=True):
        path.with_suffix(".voice").write_text(json.dumps(sounded(unit(vector - centre))) + "\n")
        print(f"{path.name}: {words}")
    return 0 if paths else 1


def _words(path: Path) -> str:
    aside = path.with_suffix(".txt")
    return aside.read_text(encoding="utf-8").strip() if aside.exists() else re.sub(r"[\W_\d]+", " ", path.stem).strip()


def _read(path: Path) -> tuple[np.ndarray, int]:
    """(n, channels) in -1..1 and the rate of a WAV of 16, 24 or 32 bits."""
    with wave.open(str(path)) as file:
        width, channels = file.getsampwidth(), file.getnchannels()
        if width not in (2, 3, 4):
            raise CannotPlay(f"{path}: 16, 24 or 32 bits are wanted, found {8 * width}")
        data = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, channels, width)
        whole = np.pad(data, ((0, 0), (0, 0), (4 - width, 0))).view("<i4")[..., 0]
        return whole / 2.0**31, file.getframerate()
