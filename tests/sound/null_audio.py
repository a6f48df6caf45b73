"""Sound cards for machines without one: a private PulseAudio with a null sink, and a private JACK with its dummy.

Both are started for one test, under names and sockets of their own, and ended by their process id. Neither touches a
sound server that already runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_NAMED = ("front-left", "front-right", "rear-left", "rear-right", "front-center", "lfe", "side-left", "side-right")
PLACES = [*_NAMED, *(f"aux{k}" for k in range(8))]
ASOUND = (
    "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\npcm.pulse { type pulse }\n"
)
NEEDS = ("pulseaudio", "pactl", "parec")


def why_not() -> str:
    """Why no private PulseAudio can be had here; "" if one can."""
    missing = [name for name in NEEDS if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)}: apt-get install pulseaudio pulseaudio-utils libasound2-plugins"
    if not any(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        return "no ALSA plugin for PulseAudio: apt-get install libasound2-plugins"
    return ""


class Pulse:
    """A private PulseAudio server with one null sink that can be taken away and put back."""

    def __init__(self, folder: Path, channels: int = 2, rate: int = 48000):
        self.folder, self.channels, self.rate = folder, channels, rate
        (folder / "pulse").mkdir(mode=0o700)
        (folder / "asound.conf").write_text(ASOUND)
        socket = folder / "pulse" / "native"
        script = folder / "server.pa"
        script.write_text(f"load-module module-native-protocol-unix socket={socket} auth-anonymous=1\n")
        self.environment = {
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "pulse"),
            "PULSE_SERVER": f"unix:{socket}",
            "HOME": str(folder),
            "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
        }
        command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--realtime=no", "--high-priority=no", "--daemonize=no"]
        self._server = subprocess.Popen(
            [*command, "-F", str(script), f"--log-target=file:{folder / 'pulse.log'}"],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._until(socket.exists)
        if os.geteuid() == 0:  # a null sink keeps time with a timer: let it wake when it should
            subprocess.run(["chrt", "-a", "-f", "-p", "60", str(self._server.pid)], check=False, capture_output=True)
        self._module = ""
        self.put_back()

    def put_back(self) -> None:
        """Load the null sink."""
        places = ",".join(PLACES[: self.channels]) if self.channels > 1 else "mono"
        shape = f"rate={self.rate} channels={self.channels} format=float32le channel_map={places} norewinds=1"
        self._module = self._pactl("load-module", "module-null-sink", "sink_name=wall", *shape.split())
        self._pactl("set-default-sink", "wall")
        self._pactl("set-default-source", "wall.monitor")

    def take_away(self) -> None:
        """Unload it, as if somebody had pulled the cable."""
        self._pactl("unload-module", self._module)

    def record(self, seconds: float) -> NDArray[np.float32]:
        """What the sink plays: (n, channels) f32."""
        size = int(seconds * self.rate) * self.channels * 4
        with self.recorder() as recording:
            assert recording.stdout is not None
            data = b""
            while len(data) < size:
                data += recording.stdout.read(size - len(data))
        return np.frombuffer(data, np.float32).reshape(-1, self.channels)

    @contextlib.contextmanager
    def recorder(self) -> Iterator[subprocess.Popen[bytes]]:
        """A running recorder whose standard output is the sink's sound as raw f32."""
        places = ",".join(PLACES[: self.channels]) if self.channels > 1 else "mono"
        shape = ["--format=float32le", f"--rate={self.rate}", f"--channels={self.channels}", f"--channel-map={places}"]
        process = subprocess.Popen(
            ["parec", "--device=wall.monitor", "--raw", "--latency-msec=20", *shape],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def close(self) -> None:
        self._server.terminate()
        self._server.wait(5.0)

    def _pactl(self, *words: str) -> str:
        for _ in range(20):
            done = subprocess.run(
                ["pactl", *words], env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return done.stdout.strip()
            time.sleep(0.1)
        raise RuntimeError(f"pactl {' '.join(words)}: {done.stderr.strip()}")

    @staticmethod
    def _until(true: object, seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if true():  # type: ignore[operator]
                return
            time.sleep(0.02)
        raise TimeoutError("the private PulseAudio did not start")


@contextlib.contextmanager
def pulse(channels: int = 2) -> Iterator[Pulse]:
    """A private PulseAudio for one test, its variables set for processes that are started meanwhile."""
    with tempfile.TemporaryDirectory(prefix="hm") as folder, contextlib.ExitStack() as stack:
        server = Pulse(Path(folder), channels)
        stack.callback(server.close)
        before = {name: os.environ.get(name) for name in server.environment}
        os.environ.update(server.environment)
        try:
            yield server
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def jack_is_here() -> bool:
    return shutil.which("jackd") is not None


@contextlib.contextmanager
def jack(channels: int = 16, period: int = 1024, rate: int = 48000) -> Iterator[str]:
    """A private JACK with its dummy driver for one test: the server's name, set for processes started meanwhile."""
    name = f"hm{os.getpid()}"
    command = ["jackd", "--no-realtime", "-n", name, "-d", "dummy", "-p", str(period), "-r", str(rate)]
    server = subprocess.Popen(
        [*command, "-C", str(channels), "-P", str(channels)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    before = {key: os.environ.get(key) for key in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER")}
    os.environ.update(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1")
    time.sleep(1.0)
    try:
        yield name
    finally:
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)
        server.terminate()
        server.wait(5.0)


def jack_record(seconds: int, channels: int = 16) -> NDArray[np.float32]:
    """What PortAudio's client plays into the private JACK: (n, channels) f32, by JACK's own recorder."""
    with tempfile.TemporaryDirectory(prefix="hm") as folder:
        ports = [f"PortAudio:out_{k}" for k in range(channels)]
        command = ["jack_rec", "-f", f"{folder}/heard.wav", "-d", str(seconds), "-b", "32", *ports]
        subprocess.run(command, check=True, capture_output=True)
        with wave.open(f"{folder}/heard.wav") as file:
            whole = np.frombuffer(file.readframes(file.getnframes()), "<i4").reshape(-1, channels)
    return (whole / 2.0**31).astype(np.float32)


def crowded() -> str:
    """Why real time cannot be expected here and now; "" where it can.

    A hypervisor took part of the CPUs since the machine was started, or somebody waited for a CPU for a third of the
    last ten seconds: sound servers without real-time priority then miss their turn, whatever we do.
    """
    fields = [float(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    stolen = fields[7] / max(sum(fields), 1.0)
    pressure = Path("/proc/pressure/cpu")
    waiting = float(pressure.read_text().split("avg10=")[1].split()[0]) if pressure.exists() else 0.0
    if stolen > 0.001:
        return f"the hypervisor took {100 * stolen:.1f} % of the CPU"
    return f"others wanted the CPUs for {waiting:.0f} % of the last ten seconds" if waiting > 33.0 else ""
