"""The stage: layers in, light out. One thread, one GL context; nothing here waits but `show`, for the display."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import moderngl

from engine.core.messages import Picture, Set
from engine.stage.between import Between
from engine.stage.census import Census
from engine.stage.compositor import Compositor
from engine.stage.eyes import FlashGuard
from engine.stage.flashes import LIMIT
from engine.stage.governor import Governor, least
from engine.stage.hearing import Hearing
from engine.stage.isf import Moment, Size, Target
from engine.stage.layer import Layer, dreamed, verbs
from engine.stage.mapping import MappingError
from engine.stage.outputs.readback import Readback
from engine.stage.outputs.tap import Frame, Sound, Tap
from engine.stage.pacer import Pacer
from engine.stage.present import Present
from engine.stage.provenance import Claim, Provenance
from engine.stage.spread import EVERY, outputs, pixels, spread
from engine.stage.walls import Walls
from engine.stage.warming import Progress, quiet, warm_up
from engine.stage.window import WindowOptions, headless, sweep

log = logging.getLogger(__name__)

CROSSING = 4.0  # seconds from one chain of verbs to another: a scene never ends with a cut
RESTING = 4.0  # frames a second while the house is closed: who watches sees that it lives, and a hand is obeyed in a quarter of a second
LIFTING = 1.5  # seconds from black to light; to black it goes at once
TEST = Layer("testcard")
LOOK = 0.5  # seconds between two looks at the shader files
PATIENCE = 30.0  # seconds that compiling what no scene has named may take before a show


class Pictures(Protocol):
    """Where pictures come from: a PictureRing, or anything that keeps the newest."""

    @property
    def serial(self) -> int: ...
    def newest(self, after: int = 0) -> Picture | None: ...


class Stage:
    """Shows layers at `fps` on a window or on none, and hands finished frames to taps.

    `size` (w, h) is the size of drawing. `live` paces itself, reloads shaders and governs cost; without it (`render`)
    the same calls with the same `at` and pictures give the same frames, bit for bit. `audio` returns new sound as
    (samples (n, channels), at) or None, called until it returns None. Pictures of a degree below `degree` are withheld.
    `mapping` is the TOML file of how the wall lies on its outputs: one window for each, where `window` is given.
    `flashes` a second, general or red, are the most that it shows: see flashes.py. `between`: `Led` where another wall leads.
    """

    def __init__(
        self, size: Size = (640, 360), window: WindowOptions | None = None, taps: Sequence[Tap] = (),
        pictures: Pictures | None = None, audio: Callable[[], tuple[Sound, float] | None] | None = None,
        fps: float = 30.0, live: bool = True, degree: int = 2,
        mapping: Path | None = None, date: Callable[[], time.struct_time] = time.localtime, flashes: int = LIMIT,
        between: type[Between] = Between,
    ):  # fmt: skip
        self.size, self.fps, self.live, self.degree = size, fps, live, degree
        self.taps = list(taps)
        self.blackout = False
        self.dimmed = 1.0  # how light the house is, 0..1; at 0 a few black frames a second are shown
        self.broken: dict[str, str] = {}  # verb -> what is wrong with its file, as of `prepare`
        self.withheld = 0  # pictures of too low a degree
        self.spread = 0.0  # least distance between two outputs, 0..1
        self.picture: Picture | None = None  # the newest that was taken in
        self._pictures, self._audio, self._date = pictures, audio, date
        self.walls = Walls(window, mapping)
        self.context = self.walls.context or headless()
        self.context.gc_mode = "context_gc"  # see sweep
        self.compositor = Compositor(self.context, size)
        self.compositor.joining = not live  # live, what was not prepared is drawn verb by verb: compiling would be seen
        self.between = between(self.context, self.compositor.sources.black)
        self.hearing = Hearing(self.context)
        self.provenance = Provenance(self.compositor, self.between)
        self.census = Census(self.context)
        self.governor = Governor(least=lambda place: least(place, self.compositor.between, size))
        self.pacer = Pacer(fps)
        self.walls.prepare()
        self._present = Present(self.context)
        self._still = Target(self.context, size, "f1", double=False)
        self.eyes = FlashGuard(self.context, size, self._present, flashes)
        self._readback = Readback(self.context, size)
        self._last: moderngl.Texture = self.compositor.sources.black
        self._shape: tuple[str, ...] = ()
        self._crossed, self._crossings, self._level, self._serial = 1.0, 0, 1.0, 0
        self._at: float | None = None
        self._shown: tuple[Layer, Moment] = (dreamed, Moment())
        self._looked, self._measured = 0.0, -EVERY
        self._closed = False

    def prepare(self, layers: Sequence[Layer] = (), progress: Progress = quiet, all_verbs: bool = True) -> None:
        """Compile and draw every shader once, and each of `layers` (the scenes') as it will be drawn.

        A first draw can take a second, and llvmpipe compiles again for inputs of another format: give all chains that
        the show will use. `progress` hears what is done and how far, 0..1. What is wrong with a file stands in `broken`.
        """
        names = verbs() if all_verbs else ()  # a show that goes on after a fall has no time for what no scene uses
        self.broken = warm_up(self.compositor, names, layers, progress, PATIENCE if self.live else math.inf)

    # --- what the loop calls

    @property
    def open(self) -> bool:
        """False once the window was closed, or close() was called."""
        return not self._closed and self.walls.open

    def show(self, layer: Layer, at: float) -> None:
        """Draw `layer` for scene second `at`, hand it to windows and taps, and wait for the display (if live)."""
        delta = 1.0 / self.fps if self._at is None else max(0.0, at - self._at)
        self._at = at
        self._take_picture(at)
        self.between.advance(delta)
        self._refresh(layer)
        day = self._date()
        seconds = float(day.tm_hour * 3600 + day.tm_min * 60 + day.tm_sec)
        moment = Moment(at, delta, (float(day.tm_year), float(day.tm_mon), float(day.tm_mday), seconds))
        self._shown = (TEST if self.walls.test else layer, moment)
        self._last = self._draw(*self._shown)
        self._measure(layer, at)
        self._level = 0.0 if self.blackout else min(1.0, self._level + delta / LIFTING)
        wall, level = self.eyes.watch(self._last, self._level * self.dimmed, at, self.blackout)
        self._listen()
        self._feed(at)
        self.walls.show(wall, level)
        sweep(self.context)
        if self.live:
            self.census.count()
            self._look()
            self.pacer.period = 1.0 / (self.fps if self.dimmed else min(RESTING, self.fps))
            self.pacer.wait()
            self._govern()

    def hear(self, samples: Sound, at: float) -> None:
        """Sound of the room, for shaders and taps; its first sample is heard `at` (scene seconds)."""
        self.hearing.hear(samples)
        for tap in self.taps:
            tap.hear(samples, at)

    def whose(self, x: float, y: float, output: str = "") -> list[Claim]:
        """Whose is this place of the wall, 0, 0 at the top left? Largest share first; nobody's: an empty list.

        With `output`, x and y are a place of that projector's picture, and its mapping is undone first.
        """
        place = self.walls.find(x, y, output) if output else (x, y)
        if place is None:
            return []
        return self.provenance.whose(*self.provenance.locate(*self._shown, *place))

    def receive(self, message: Set) -> None:
        """A message to the stage, under /hm/mapping/: one that means nothing is logged, the show goes on."""
        if not message.address.startswith("/hm/mapping/"):
            return  # the scene's, the sound's
        try:
            self.walls.receive(message.address, message.args)
        except MappingError as error:
            log.warning(str(error))

    def state(self) -> dict[str, float]:
        """What was measured: frame intervals in ms, misses, pictures, frames that taps have lost, objects of GL, flashes."""
        return {
            **self.pacer.state(),
            **{f"{verb}{number or ''}_ms": cost * 1e3 for (verb, number), cost in self.governor.costs.items()},
            "width": self.size[0],
            "height": self.size[1],
            "scale": min(self.governor.scales.values(), default=1.0),  # of the pass that the governor lowered most
            "pairs": self.between.pairs,
            "doubt": self.between.doubt,
            "replaced": self.between.replaced,
            "withheld": self.withheld,
            "lost": sum(tap.lost for tap in self.taps),
            "gl_objects": self.census.objects,
            **self.eyes.state(),
        }

    def close(self) -> None:
        """Hand the last frames to the taps, close them, release what lies on the GPU."""
        if self._closed:
            return
        self._closed = True
        for frame, at in self._readback.rest():
            self._offer(frame, at)
        for tap in self.taps:
            tap.close()
        for each in (self._readback, self.eyes, self._still, self._present, self.hearing, self.provenance, self.between):
            each.release()
        self.compositor.release()
        sweep(self.context)
        self.context.gc_mode = None  # type: ignore[assignment]  # what Python still holds must not be deleted by number in the next context
        if self.walls.windows:
            self.walls.close()
        else:
            self.context.release()

    # --- how a frame comes about

    def _take_picture(self, at: float) -> None:
        picture = self._pictures.newest(self._serial) if self._pictures else None
        if picture is None or self._pictures is None:
            return
        self._serial = max(self._serial + 1, self._pictures.serial)
        if picture.state.degree < self.degree:
            self.withheld += 1
            if self.withheld == 1:
                log.warning("a picture of degree %d is withheld: this wall shows %d", picture.state.degree, self.degree)
            return
        self.picture = picture
        self.between.offer(picture, at)

    def _refresh(self, layer: Layer) -> None:
        """What shaders may read in this frame."""
        sources = self.compositor.sources
        self.hearing.update()
        sources.images |= self.between.images | {"audio": self.hearing.waveform, "audioFFT": self.hearing.spectrum}
        if self.compositor.needs(layer, "lineage"):
            sources.images["shares"] = self.provenance.texture()
        sources.numbers = {"progress": self.between.pace.progress, "pair": float(self.between.pairs)}
        if self.between.end.picture is not None:
            self.compositor.between = self.between.size

    def _draw(self, layer: Layer, moment: Moment) -> moderngl.Texture:
        """The wall, and where the chain of verbs has changed, the way there from what the wall showed."""
        if self._shape and layer.shape != self._shape:
            self._present.draw(self._last, self._still.begin())
            self._crossed, self._crossings = 0.12, self._crossings + 1  # less than that moves nothing yet
        self._shape = layer.shape
        texture = self.compositor.draw(layer, moment)
        if self._crossed >= 1.0:
            return texture
        self._crossed = min(1.0, self._crossed + moment.delta / CROSSING)
        if self._crossed >= 1.0:
            self.compositor.forget(layer)
        return self.compositor.dissolve(self._still.texture, texture, self._crossed, self._crossings, moment)

    def _measure(self, layer: Layer, at: float) -> None:
        """How far the outputs are apart, now and then, where there are several."""
        if 0.0 <= at - self._measured < EVERY:
            return
        self._measured, wall = at, self._last
        places = outputs(self.walls.mappings.values(), layer, wall.size)
        self.spread = spread(pixels(wall), places) if places else 0.0

    def _listen(self) -> None:
        while self._audio and (heard := self._audio()) is not None:
            samples, at = heard
            self.hear(samples, at)

    def _feed(self, at: float) -> None:
        if not self.taps:
            return
        for frame, then in self._readback.take(self.eyes.shown, at):
            self._offer(frame, then)

    def _offer(self, frame: Frame, at: float) -> None:
        frame.flags.writeable = False
        for tap in self.taps:
            tap.offer(frame, at)

    def _govern(self) -> None:
        """Lower the resolution of what costs most before frames are late; measure passes in one frame of a hundred."""
        if self.governor.frame(self.pacer.busy_now):
            log.warning(self.governor.said)
            self.compositor.scales = self.governor.scales
        self.compositor.measure = self.governor.measured if self.pacer.frames % 100 == 50 else None

    def _look(self) -> None:
        """Every now and then: shader files that changed, screens that came back."""
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._looked = now
            self.walls.keep()
            for said in self.compositor.reload():
                log.warning(said)
                self.compositor.troubles.append(said)
