"""Where the sound goes: a device of the host, chosen by name, or the null device that only keeps time."""

from __future__ import annotations

import contextlib
import difflib
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.sound.dac import HostTime
from engine.sound.options import SoundOptions

Play = Callable[[NDArray[np.float32], float, bool], None]
"""play(out (block, channels), monotonic seconds at which its first sample leaves, whether the block came late)"""

STALLED = 1.0  # seconds without a callback after which a device counts as lost
STARTING = 3.0  # seconds that it may take to begin: a sleeping PulseAudio sink took 1.7
SETTLE = 0.25  # seconds at the start, while buffers fill and time stamps cannot be trusted
NULL_LATENCY = 0.035  # seconds: what the null device claims, and what machine.toml asks of a sound card


class NoDevice(LookupError):
    """The device that was asked for is not there; the message lists those that are."""


class Output(Protocol):
    """Something that asks for blocks at the right times, from a thread of its own."""

    name: str
    real: bool
    latency: float  # seconds
    note: str  # what the first callback found out, "" for nothing

    def alive(self) -> bool:
        """Whether blocks are still being asked for."""
        ...

    def close(self) -> None: ...


def ask_for_realtime() -> str:
    """Put the calling thread under SCHED_FIFO; what to say if that was refused. For the first callback."""
    if not hasattr(os, "sched_setscheduler"):
        return ""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    except OSError as refused:
        return f"no real-time priority for the sound ({refused.strerror}): allow rtprio 50 in limits.conf"
    return ""


class NullOutput:
    """No sound card: the same blocks at the same pace, heard by nobody. After a stall it skips, and says it was late."""

    real = False

    def __init__(self, options: SoundOptions, play: Play):
        self.name, self.latency, self.note = "null", NULL_LATENCY, ""
        self._play = play
        self._out = np.zeros((options.block, options.channels), np.float32)
        self._period = options.block / options.rate
        self._going = True
        self._thread = threading.Thread(target=self._run, name="null device", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.note = ask_for_realtime()
        due = time.monotonic()
        late = False
        while self._going:
            self._play(self._out, due + self.latency, late)
            due += self._period
            ahead = due - time.monotonic()
            late = ahead < -self.latency
            if late:  # a real card would have run dry: go on from now
                due -= ahead
            elif ahead > 0.0:
                time.sleep(ahead)

    def alive(self) -> bool:
        return self._going and self._thread.is_alive()

    def close(self) -> None:
        self._going = False
        self._thread.join(1.0)


class CardOutput:
    """A device of the host through PortAudio."""

    real = True

    def __init__(self, options: SoundOptions, play: Play):
        import sounddevice

        number = find(options)
        self.name = name_of(number)
        self.note = ""
        self._play = play
        self._heard = time.monotonic()
        self._first = True
        self._skip = int(SETTLE * options.rate / options.block)
        self._time = HostTime(0.05)
        self._stream = sounddevice.OutputStream(
            device=number,
            samplerate=options.rate,
            blocksize=options.block,
            channels=options.channels,
            dtype="float32",
            latency=options.latency,
            callback=self._callback,
        )
        self.latency = self._time.latency = float(self._stream.latency)
        self._stream.start()

    def _callback(self, out: NDArray[np.float32], frames: int, times: Any, status: Any) -> None:
        now = time.monotonic()
        if self._first:
            self._first = False
            self.note = ask_for_realtime()
        self._heard = now
        if self._skip:
            self._skip -= 1
            out[:] = 0.0
            return
        self._play(out, self._time.leaves(now, times.currentTime, times.outputBufferDacTime), bool(status))

    def alive(self) -> bool:
        patience = STARTING if self._skip else STALLED
        return bool(self._stream.active) and time.monotonic() - self._heard < patience

    def close(self) -> None:
        """Close the stream; a host that hangs in closing a device that is gone is left to hang in a thread."""
        closing = threading.Thread(target=self._close, name="closing sound", daemon=True)
        closing.start()
        closing.join(2.0)

    def _close(self) -> None:
        with contextlib.suppress(Exception):  # the device may be gone: whatever the host says about it, we leave
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)


def describe(device: dict[str, Any], hosts: Any) -> str:
    """One device of PortAudio's list for people: name, host, outputs."""
    return f"{device['name']} ({hosts[device['hostapi']]['name']}, {device['max_output_channels']} out)"


def name_of(number: int) -> str:
    """A device's name, its host and its outputs, for people."""
    import sounddevice

    return describe(sounddevice.query_devices(number), sounddevice.query_hostapis())


def rescan() -> None:
    """Look for devices again: PortAudio reads the list only when it starts. No stream may be open."""
    import sounddevice

    sounddevice._terminate()
    sounddevice._initialize()


def find(options: SoundOptions) -> int:
    """The number of the output that is meant. Raises NoDevice with a list of what there is and the nearest name."""
    import sounddevice

    hosts, devices = sounddevice.query_hostapis(), sounddevice.query_devices()
    outputs = [k for k, device in enumerate(devices) if device["max_output_channels"] > 0]
    listing = "\n".join(f"  {k:3d}  {describe(devices[k], hosts)}" for k in outputs) or "  (none)"
    if options.host is not None:
        names = [host["name"] for host in hosts]
        chosen = [k for k, name in enumerate(names) if options.host.lower() in name.lower()]
        if not chosen:
            raise NoDevice(f"no sound host {options.host!r}: there are {', '.join(names) or 'none'}")
        outputs = [k for k in outputs if devices[k]["hostapi"] in chosen]
    if options.device is None:
        found = _default(outputs, sounddevice.default.device[1])
        if found is None:
            raise NoDevice(f"no sound card{_on(options)} has an output; there are\n{listing}")
        return found
    if isinstance(options.device, int):
        if options.device not in outputs:
            raise NoDevice(f"no output number {options.device}{_on(options)}; there are\n{listing}")
        return options.device
    wanted = options.device.lower()
    exact = [k for k in outputs if devices[k]["name"].lower() == wanted]
    partly = [k for k in outputs if wanted in devices[k]["name"].lower()]
    if exact or partly:
        return (exact or partly)[0]
    near = difflib.get_close_matches(wanted, [devices[k]["name"].lower() for k in outputs], 1, 0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise NoDevice(f"no sound device {options.device!r}{_on(options)}; {hint}there are\n{listing}")


def _on(options: SoundOptions) -> str:
    return f" on {options.host}" if options.host else ""


def _default(outputs: list[int], default: int) -> int | None:
    return default if default in outputs else (outputs[0] if outputs else None)
