"""The instrument: sources, grains, room and master, one block at a time. Knows no device and no clock but samples.

The same calls give the same samples: `render` plays it with a virtual clock, the sound room with the DAC's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.crossings import GRAIN, grain_row
from engine.core.messages import ENVELOPES, Keystroke, Lineage, Picture, Set
from engine.sound import mapping, sources
from engine.sound.cloud import PIECE, cloud
from engine.sound.library import LONGEST, Library, Slot
from engine.sound.master import DcBlock, Fader, Limiter
from engine.sound.nodes import amplitude, nodes, understood
from engine.sound.options import SoundOptions
from engine.sound.particles import make_particles
from engine.sound.reverb import Reverb
from engine.sound.sources import IMPULSE, MICROPHONE, PICTURE, RECORDED, TICK, Job, descriptor, recorded
from engine.sound.speakers import Speakers

SOON = 120.0  # seconds ahead that a grain may wait at most
FLOATS = tuple(name for name in GRAIN.names or () if GRAIN[name].kind == "f")
WAITING = 8192  # grains that may wait for their time
ACTIVE = 1024  # grains at once


class Instrument:
    """Grains in, blocks of sound out.

    One thread calls `schedule` and `block` (live: the audio callback); `picture` may come from another thread.
    `block` is realtime-safe apart from Python itself: it takes no lock, does no input or output, logs nothing.
    """

    def __init__(
        self,
        rate: int = 48000,
        channels: int = 2,
        block: int = 256,
        seed: int = 0,
        *,
        layout: str | tuple[float, ...] = "auto",
        reverb: float = 0.35,
        engine: str = "auto",
        voices: int = 20,
        units: str = "",
    ):
        self.rate, self.channels, self.size = rate, channels, block
        self.speakers = Speakers(channels, layout)
        slots = voices * (2 if units else 1) + 5  # the picture, the tick, the impulse, the microphone, one to spare
        self.engine, self.particles = make_particles(engine, Library.samples(rate, slots), rate, block, channels)
        self.library = Library(self.particles.table, rate, slots)
        self._units, self._worldly = units, bool(units)  # whether there are any sounds of the world
        self.gain, self.wet, self.muted = 0.0, reverb, 0.0  # dB, share, 0 or 1
        self.keys = 0.0  # dB of keys as they are typed
        self.lineage = Lineage()  # of the newest picture: its voices answer to keys
        self.density, self.pitch = 1.0, 0.0  # share of grains, semitones
        self.offset = 0.0  # seconds that grains sound before their time
        self.recordings, self.microphone = 0.5, 0.2  # shares of the memories' grains, where there are such sources
        self.keep = 1.0  # share of grains that are played; the sound room lowers it under load
        self.fader = Fader(rate, block)
        self.sample = 0  # number of the next sample to come out
        self.grains = self.late = self.lost = 0
        self.faults = 0  # grains that nobody can play and blocks that were not finite: none of it reached the room
        self._last = 0.0  # seconds at which the newest block starts
        self.behind = 0.0  # seconds by which the latest of the late grains came after its time
        self._waiting = np.zeros(WAITING, GRAIN)
        self._count = 0
        self._ends = np.zeros(ACTIVE, np.int64)  # sample after each sounding grain
        self._raw = np.zeros((block, channels), np.float32)
        self._out = np.zeros((block, channels), np.float32)
        self._send = np.zeros(block, np.float32)
        self._reverb = Reverb(rate, block, channels, seed=seed)
        self._dc = DcBlock(rate, block, channels)
        self._limiter = Limiter(rate, block, channels)
        self._random = np.random.default_rng(seed)
        self._still = 2  # blocks of complete silence in a row
        self._begun = False
        for source, sound in (
            (PICTURE, np.zeros(2, np.float32)),
            (TICK, sources.tick(rate)),
            (IMPULSE, sources.impulse(rate)),
        ):
            self.library.write(source, sound, -int(LONGEST * rate))

    @classmethod
    def of(cls, options: SoundOptions) -> Instrument:
        """The instrument that options describe."""
        made = cls(
            options.rate, options.channels, options.block, options.seed, layout=options.layout, engine=options.engine,
            voices=options.voices, units=str(options.units) if options.units else "",
        )  # fmt: skip
        for node in nodes(options):
            made.receive(Set(node.address, node.value))
        return made

    # --- sources: any thread, one at a time --------------------------------------------------------------------------

    def wanted(self, picture: Picture) -> Iterator[Job]:
        """The sounds that a picture asks for and that are not here yet: its own, then its ancestors' voices."""
        if self.library.rested(0, self.sample):
            yield Job(0, self.rate, latent=picture.latent)
        for ancestor in picture.state.lineage.ancestors:
            if self.library.find(ancestor.unit) is None:
                yield Job(ancestor.unit, self.rate, descriptor=descriptor(ancestor))
        if self._units:
            for ancestor in picture.state.lineage.ancestors:
                if self.library.find(recorded(ancestor.unit)) is None:
                    yield Job(recorded(ancestor.unit), self.rate, descriptor=descriptor(ancestor), folder=self._units)

    def give(self, job: Job, sound: NDArray[np.float32]) -> bool:
        """Put the sound of a job where grains can reach it; False if no place has rested long enough."""
        if not len(sound) or not np.isfinite(sound).all():
            self.faults += 1
            return False
        return self.library.write(job.source, sound, self.sample, recorded=job.source <= RECORDED)

    def overhear(self, heard: NDArray[np.float32]) -> bool:
        """Put what the microphone heard where grains can reach it; False if that place has not rested yet."""
        self._worldly = True
        return self.library.write(MICROPHONE, sources.level(heard), self.sample, recorded=True)

    def picture(self, picture: Picture) -> list[tuple[Job, NDArray[np.float32]]]:
        """Hear a picture: it becomes source 0 (at most every LONGEST seconds), its ancestors get their voices.

        Computes here and now, up to 30 ms for each; the sound room lets a Loom do that. Returns what was new.
        """
        made = []
        for job in self.wanted(picture):
            made.append((job, sources.make(job)))
            self.give(*made[-1])
        return made

    def receive(self, message: Set) -> str:
        """Turn one of NODES; the answer is "" or what was wrong with it. Any thread."""
        try:
            name, number = understood(message)
        except ValueError as wrong:
            return str(wrong)
        setattr(self, name, number)
        self.fader.target = 0.0 if self.muted else amplitude(self.gain)
        return ""

    # --- grains and blocks: the audio thread -------------------------------------------------------------------------

    def schedule(self, rows: NDArray[Any]) -> None:
        """Take grains, (n,) of GRAIN; `time` is in the seconds that `block` is called with. Too many are lost."""
        rows = self._clouds(self._playable(rows))
        n = min(len(rows), WAITING - self._count)
        self._waiting[self._count : self._count + n] = rows[:n]
        self._waiting["time"][self._count : self._count + n] -= self.offset
        self._count += n
        self.lost += len(rows) - n

    def _playable(self, rows: NDArray[Any]) -> NDArray[Any]:
        """What can be played of it. One NaN would ring in the reverberation for ever; one far time would wait for ever."""
        whole = rows["time"] < self._last + SOON if self._begun else np.ones(len(rows), bool)
        for name in FLOATS:
            whole &= np.isfinite(rows[name])
        whole &= (rows["envelope"] >= 0) & (rows["envelope"] < len(ENVELOPES))
        self.faults += len(rows) - int(np.count_nonzero(whole))
        return rows[whole]

    def struck(self, keys: NDArray[Any]) -> NDArray[Any]:
        """Keys, (n,) of KeyRing.dtype, as grains: each sounds as soon as it can, in the loudest voice that is here."""
        loud = amplitude(self.keys)
        rows = []
        for at, bits, deleted in keys.tolist() if loud > 0.0 else ():
            grain = mapping.keystroke(Keystroke(bits, bool(deleted)), at, self.lineage)
            source = grain.source if self.library.find(grain.source) is not None else PICTURE
            rows.append(grain_row(replace(grain, source=source, gain=loud * grain.gain), at))
        return np.array(rows, GRAIN)

    def _clouds(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Some memories speak in sounds of the world, where the room has any."""
        parts = []
        for row in rows if self._worldly else ():
            found = self._elsewhere(int(row["source"]))
            parts.append(cloud(row, found, self._random) if found else np.atleast_1d(row))
        return np.concatenate(parts) if parts else rows

    def _elsewhere(self, source: int) -> int:
        """The recorded source that speaks for a memory this time; 0 where it speaks for itself."""
        for other, share in ((recorded(source), self.recordings), (MICROPHONE, self.microphone)) if source > 0 else ():
            if self.library.find(other) is not None and self._random.random() < share:
                return other
        return 0

    def block(self, start: float | None = None) -> NDArray[np.float32]:
        """The next (block, channels) f32, valid until the next call.

        start: seconds at which its first sample will be heard; without it, sample number over rate. A grain starts on
        the sample nearest to its time. The limiter looks one block ahead, so this computes the block after the one
        it returns; the times take account of that.
        """
        if start is None:
            start = self.sample / self.rate
        if not self._begun:
            self._begun = True
            self._advance(start)
        self._advance(start + self.size / self.rate)
        self.sample += self.size
        return self._out

    @property
    def active(self) -> int:
        """Grains that sound now."""
        return int(np.count_nonzero(self._ends > self.sample))

    @property
    def silent(self) -> bool:
        """Whether nothing sounds and nothing rings."""
        return self._still > 1

    @property
    def reduction(self) -> float:
        """What the limiter does: 1 = nothing."""
        return self._limiter.reduction

    def _advance(self, start: float) -> None:
        self._last = start
        started = self._start_due(start)
        if not started and not self.active and self._reverb.silent:
            self._still += 1
            if self._still > 2:  # what the limiter held has gone out too
                self._out[:] = 0.0
                self.fader.skip()  # else the first grain after silence would be faded in
                return
        else:
            self._still = 0
        self._raw[:] = self.particles.process()
        if not np.isfinite(self._raw).all():
            self._raw[:] = 0.0
            self.faults += 1
        np.sum(self._raw, axis=1, out=self._send)
        self._send *= 1.0 / self.channels**0.5
        self._raw *= 1.0 - 0.5 * self.wet
        self._reverb.apply(self._send, self._raw, self.wet)
        self._dc.apply(self._raw)
        self.fader.apply(self._raw)
        self._limiter.apply(self._raw, self._out)

    def _start_due(self, start: float) -> int:
        """Start the grains whose time falls into the block that begins at `start`."""
        if not self._count:
            return 0
        rows = self._waiting[: self._count]
        offsets = np.rint((rows["time"] - start) * self.rate)
        due = offsets < self.size
        if not due.any():
            return 0
        before = self.grains
        for row, offset in zip(rows[due].tolist(), offsets[due].tolist(), strict=True):
            if offset < 0.0 and not row[-1]:
                self.late += 1
                self.behind = max(self.behind, -offset / self.rate)
            self._start(row, max(0, int(offset)))
        rest = rows[~due]
        self._waiting[: len(rest)] = rest
        self._count = len(rest)
        return self.grains - before

    def _start(self, row: tuple[Any, ...], offset: int) -> None:
        _, source, position, duration, rate, gain, pan, cutoff, shape, _ = row
        slot = self.library.find(source)
        keep = self.keep * self.density
        thinned = keep < 1.0 and self._random.random() >= keep
        free = int(self._ends.argmin())
        if slot is None or slot.filled < 8 or thinned or self._ends[free] > self.sample:
            self.lost += 1
            return
        length, pace = self._fit(slot, duration, abs(rate) * 2.0 ** (self.pitch / 12.0))
        if slot.recorded:
            position = self.library.elsewhere(slot, position, length * pace, pace, self.sample + offset)
        place = self.library.place(slot, position, length * pace, rate < 0.0)
        slot.used = self.sample
        first, second, left, right = self.speakers.gains(pan)
        gain = min(max(gain, 0.0), 1.0)
        for speaker, share in ((first, left), (second, right)):
            if share * gain > 1e-4 and not self.particles.start(
                offset, speaker, shape, place, pace, length, share * gain, cutoff
            ):
                self.lost += 1
                return
        self._ends[free] = self.sample + 2 * self.size + offset + int(length) + 1
        self.grains += 1

    def _fit(self, slot: Slot, duration: float, pace: float) -> tuple[float, float]:
        """(length in samples, rate) that the source allows: not past its end, not 80 ms in a row of a recording."""
        pace = min(max(pace, 0.02), 8.0)
        length = min(max(duration, 0.002), LONGEST) * self.rate
        fits = min(slot.filled - 4.0, PIECE * self.rate) if slot.recorded else slot.filled - 4.0
        return min(length, fits / pace), pace
