"""One encoder for everything that watches: H.264 and AAC in fragmented mp4, to a recording, to live viewers, or both.

Fragments begin with a key frame, twice a second: what `kill -9` can take from a recording is the last half second, and
that is also how far behind a live viewer is. No manual shift for the delay of AAC: that breaks sync by 21.3 ms.
"""

from __future__ import annotations

import fractions
import io
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np

from engine.stage.outputs.tap import Frame, Sound

log = logging.getLogger(__name__)

TICKS = 90_000  # of the picture's time base, a second
FRAGMENT = 0.5  # seconds
PATIENCE = 0.4  # seconds that sound may be behind the picture before silence takes its place
STRAY = 0.1  # seconds: sound further off than this is cut or padded, nearer it is stretched a little
MOVFLAGS = "frag_keyframe+empty_moov+default_base_moof"
# In order of wish. x264: for 640x360 superfast costs 2 ms of one core here, veryfast 3.5.
CODECS: dict[str, dict[str, str]] = {
    "h264_nvenc": {"preset": "p4", "rc": "vbr", "cq": "21", "bf": "0"},
    "libx264": {"preset": "superfast", "crf": "20", "bf": "0", "threads": "1"},
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the stream that stands alone: the beginning of every stream (`first`), or half a second."""

    data: bytes
    first: bool  # the init segment: what a viewer needs before any other
    at: float  # scene seconds of its first frame


class Sink(Protocol):
    """Where an encoder's stream goes. Called by the encoder's thread."""

    def put(self, segment: Segment) -> bool:
        """Take a segment; False asks for a new beginning (the next file)."""

    def close(self) -> None:
        """There is no more."""


class Encoder:
    """A Tap that encodes in a thread of its own.

    `size` (w, h) of the stream, frames of any size are scaled to it; `fps` is a hint for key frames and rate control,
    every frame keeps its own time. `rate` in Hz, 0 for a stream without sound. `patient` waits instead of dropping:
    for `render`, never for the wall.
    """

    ROOM = 12  # frames: 11 MB at 640x360

    def __init__(
        self, sinks: Sequence[Sink], size: tuple[int, int], fps: float, rate: int = 48_000, channels: int = 2,
        patient: bool = False, codecs: Sequence[str] = tuple(CODECS),
    ):  # fmt: skip
        self.size, self.fps, self.rate, self.channels = (size[0] & ~1, size[1] & ~1), fps, rate, channels
        self.lost = 0
        self.frames = 0
        self.trouble = ""
        self._sinks, self._patient = list(sinks), patient
        self._codec = next(name for name in codecs if usable(name, self.size))
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(0)
        self._room = threading.Semaphore(self.ROOM)
        self._origin: float | None = None
        self._film: Film | None = None
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    # --- the stage's side

    def offer(self, frame: Frame, at: float) -> None:
        """Queue a frame; drops it, counted, where the encoder is behind. Thread-safe."""
        if not self._room.acquire(blocking=self._patient):
            self.lost += 1
            return
        self._queue.put(lambda: self._picture(frame, at))

    def hear(self, samples: Sound, at: float) -> None:
        """Queue sound. Thread-safe."""
        if self.rate and len(samples):
            self._queue.put(lambda: self._sound(samples, at))

    def close(self) -> None:
        """Encode what is queued and end the stream. Waits at most ten seconds, unless patient."""
        self._queue.put(None)
        self._thread.join(None if self._patient else 10.0)

    # --- the encoder's side

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._guard(job)
        if self._film:
            self._guard(self._end)
        for sink in self._sinks:
            self._guard(sink.close)

    def _guard(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # a full disk must not end the show: said once, counted after
            self.lost += 1
            if not self.trouble:
                self.trouble = f"what was shown could not be written: {error}"
                log.warning(self.trouble)

    def _picture(self, frame: Frame, at: float) -> None:
        self._room.release()
        if self._film is None:
            self._film = Film(self, at)
        if self._film.picture(frame, at):
            self.frames += 1
        if not all([sink.put(segment) for segment in self._film.segments() for sink in self._sinks]):
            self._end()

    def _sound(self, samples: Sound, at: float) -> None:
        if self._film is not None:
            self._film.sound(samples, at)

    def _end(self) -> None:
        assert self._film
        film, self._film = self._film, None
        film.close()
        for segment in film.segments():
            for sink in self._sinks:
                sink.put(segment)

    @property
    def codec(self) -> str:
        return self._codec


def usable(codec: str, size: tuple[int, int]) -> bool:
    """Whether this encoder works here: nvenc is in every build of ffmpeg and on few machines."""
    try:
        context = av.CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt = size[0], size[1], "yuv420p"
        context.time_base, context.options = fractions.Fraction(1, TICKS), CODECS.get(codec, {})
        context.open()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


class _Bytes(io.RawIOBase):
    """What the muxer writes into."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.written += piece
        return len(piece)


class Film:
    """One fragmented mp4, from its beginning to its end. Encoder's thread only."""

    def __init__(self, encoder: Encoder, origin: float):
        self.origin, self.rate, self.channels, self.fps = origin, encoder.rate, encoder.channels, encoder.fps
        self._bytes = _Bytes()
        self._first = True
        self._container = av.open(self._bytes, "w", format="mp4", options={"movflags": MOVFLAGS})
        self._video = self._container.add_stream(encoder.codec, options=dict(CODECS[encoder.codec]))
        self._video.width, self._video.height = encoder.size
        self._video.pix_fmt = "yuv420p"
        self._video.time_base = self._video.codec_context.time_base = fractions.Fraction(1, TICKS)
        self._video.codec_context.framerate = fractions.Fraction(round(encoder.fps * 1000), 1000)
        self._video.codec_context.gop_size = 10_000  # key frames are asked for by time, not by count
        self._audio = None
        if self.rate:
            self._audio = self._container.add_stream("aac", rate=self.rate, layout=_layout(self.channels))
            self._audio.codec_context.bit_rate = 96_000 * self.channels
            self._audio.time_base = self._audio.codec_context.time_base = fractions.Fraction(1, self.rate)
        self._last = -1  # ticks of the newest frame
        self._key = -TICKS
        self._heard = 0  # samples encoded
        self._rest = np.zeros((0, self.channels), np.float32)
        self._begun = origin

    def picture(self, frame: Frame, at: float) -> bool:
        """Encode a frame; False if it comes no later than the one before."""
        ticks = round((at - self.origin) * TICKS)
        if ticks <= self._last:
            return False
        if self._audio is not None:
            self._catch_up(ticks / TICKS - PATIENCE)
        picture = av.VideoFrame.from_ndarray(frame, format="rgba" if frame.shape[2] == 4 else "rgb24")
        picture = picture.reformat(self._video.width, self._video.height, "yuv420p")
        picture.pts, picture.time_base = ticks, fractions.Fraction(1, TICKS)
        if ticks - self._key >= FRAGMENT * TICKS:
            picture.pict_type = av.video.frame.PictureType.I
            self._key = ticks
        self._last = ticks
        self._container.mux(self._video.encode(picture))
        return True

    def sound(self, samples: Sound, at: float) -> None:
        """Encode sound where it belongs: stretched by up to half a per cent where its clock drifts, padded over gaps."""
        samples = _channels(samples, self.channels)
        early = round((at - self.origin) * self.rate) - self._heard - len(self._rest)
        if not (self._heard or len(self._rest)) or abs(early) > STRAY * self.rate:
            silence = np.zeros((max(0, early), self.channels), np.float32)
            samples = np.concatenate([silence, samples[max(0, -early) :]])
        elif abs(early) > 0.002 * self.rate:
            most = max(1, len(samples) // 200)
            samples = _stretch(samples, len(samples) + int(np.clip(early, -most, most)))
        self._rest = np.concatenate([self._rest, samples])
        self._encode()

    def _catch_up(self, seconds: float) -> None:
        """Silence where no sound has come: one stream that stands still would hold back the other."""
        missing = round(seconds * self.rate) - self._heard - len(self._rest)
        if missing > 0:
            self._rest = np.concatenate([self._rest, np.zeros((missing, self.channels), np.float32)])
            self._encode()

    def _encode(self, size: int = 1024) -> None:
        assert self._audio is not None
        while len(self._rest) >= size > 0:
            block, self._rest = self._rest[:size], self._rest[size:]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), "fltp", _layout(self.channels))
            frame.sample_rate, frame.pts = self.rate, self._heard
            frame.time_base = fractions.Fraction(1, self.rate)
            self._heard += size
            self._container.mux(self._audio.encode(frame))

    def segments(self) -> list[Segment]:
        """What the muxer has finished since the last call, cut where a viewer may begin."""
        found = []
        for data in _boxes(self._bytes.written):
            found.append(Segment(data, self._first, self._begun))
            self._first = False
            self._begun = self.origin + self._key / TICKS
        return found

    def close(self) -> None:
        """Flush both encoders and write the end."""
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            if len(self._rest):
                self._encode(len(self._rest))
            self._container.mux(self._audio.encode(None))
        self._container.close()


def _boxes(written: bytearray) -> list[bytes]:
    """Take whole segments out of what was written: ftyp + moov, then each moof + mdat (and what ends the file)."""
    found, at, begin = [], 0, 0
    while at + 8 <= len(written):
        size, kind = int.from_bytes(written[at : at + 4], "big"), bytes(written[at + 4 : at + 8])
        if size < 8 or at + size > len(written):
            break
        at += size
        if kind in (b"moov", b"mdat", b"mfra"):
            found.append(bytes(written[begin:at]))
            begin = at
    del written[:begin]
    return found


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo"}[channels]


def _channels(samples: Sound, channels: int) -> Sound:
    """Fold any number of channels into as many as are recorded."""
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.shape[1] == channels:
        return samples.astype(np.float32, copy=False)
    sides = [samples[:, side::channels].mean(axis=1) if samples.shape[1] > side else samples[:, 0] for side in range(channels)]
    return np.stack(sides, axis=1).astype(np.float32)


def _stretch(samples: Sound, size: int) -> Sound:
    places = np.linspace(0, len(samples) - 1, size)
    return np.stack([np.interp(places, np.arange(len(samples)), side) for side in samples.T], axis=1).astype(np.float32)
