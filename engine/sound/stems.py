"""The sound of a render in layers, for whoever wants to mix it elsewhere: one WAV of each, all from the same grains."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import Set
from engine.sound.instrument import Instrument
from engine.sound.measure import save
from engine.sound.options import SoundOptions
from engine.sound.sources import PICTURE, RECORDED, Job

LAYERS = ("whole", "picture", "memories", "answers")


def layer(source: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of LAYERS a grain's source (n,) belongs to, beside the whole: 1 the picture, 2 fragments, 3 the rest."""
    memory = (source > PICTURE) | (source <= RECORDED)
    return np.where(source == PICTURE, 1, np.where(memory, 2, 3))


class Stems:
    """An instrument for each of LAYERS, played in step. Where no limiter acts, the others add up to the whole."""

    def __init__(self, options: SoundOptions):
        self.rate = options.rate
        self._instruments = [Instrument.of(options) for _ in LAYERS]
        self._kept: list[list[NDArray[np.float32]]] = [[] for _ in LAYERS]

    def receive(self, message: Set) -> None:
        for instrument in self._instruments:
            instrument.receive(message)

    def give(self, sounds: Iterable[tuple[Job, NDArray[np.float32]]]) -> None:
        """New sources, as `Instrument.give` takes them."""
        for job, sound in sounds:
            for instrument in self._instruments:
                instrument.give(job, sound)

    def schedule(self, rows: NDArray[Any]) -> None:
        """Grains (n,) of GRAIN, each to its layer and all to the whole."""
        where = layer(rows["source"])
        for number, instrument in enumerate(self._instruments):
            instrument.schedule(rows if number == 0 else rows[where == number])

    def block(self) -> None:
        """The next block of every layer."""
        for instrument, kept in zip(self._instruments, self._kept, strict=True):
            kept.append(instrument.block().copy())

    def sound(self, name: str) -> NDArray[np.float32]:
        """(n, channels) of a layer so far."""
        return np.concatenate(self._kept[LAYERS.index(name)])

    def write(self, folder: Path, title: str) -> list[Path]:
        """`title-whole.wav` and the others into a folder, 24 bit, in all channels of the room."""
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"{title}-{name}.wav" for name in LAYERS]
        for name, file in zip(LAYERS, files, strict=True):
            save(file, self.sound(name), self.rate)
        return files
