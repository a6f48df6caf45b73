"""How the sound room is set up: plain values, picklable. Imports no pyo, so that any process may read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SoundOptions:
    """Everything that is chosen before the first block; what changes while playing is a `Set`."""

    device: str | int | None = None  # part of a name, a number, None = the host's default, "null" = no sound card
    host: str | None = None  # part of a host API's name: "ALSA", "JACK", "ASIO", "Core Audio"
    rate: int = 48000  # samples per second
    block: int = 256  # samples per callback
    channels: int = 2  # loudspeakers
    layout: str | tuple[float, ...] = "auto"  # "line", "ring", or a place per loudspeaker in -1..1 (half turns)
    latency: float | str = 0.02  # seconds, "low" or "high": what the host is asked for; PulseAudio gave 21 ms
    offset: float = 0.0  # seconds that grains sound earlier, from `calibrate sync`
    gain: float = 0.0  # dB of the whole room, at most 0; -60 is silence
    reverb: float = 0.35  # 0..1 of the reverberated sound
    seed: int = 0
    engine: str = "auto"  # "pyo", "numpy", or "auto" = pyo where its wheel can be had
    voices: int = 20  # fragments whose voices are kept at once
    units: Path | None = None  # folder of the gallery's recordings
    microphone: str | None = None  # name of an input; None = never opened


ENGINES = ("auto", "pyo", "numpy")
LAYOUTS = ("auto", "line", "ring")
