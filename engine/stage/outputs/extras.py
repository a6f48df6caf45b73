"""Ways out of the machine that need a library or a driver of their own: NDI, a virtual camera, Spout, Syphon.

`[stage] outputs` in machine.toml asks for them. NDI was run; Spout and Syphon follow their libraries' examples and have not been run by their author.
Each is a Tap. Where its library or driver is missing it raises OutputError at the start, naming what to install:
acceleration or an output that was asked for and cannot be had is an error, never a quiet absence.
"""

from __future__ import annotations

import importlib.util
import sys
from fractions import Fraction
from typing import Any

import numpy as np

from engine.core.errors import nearest
from engine.stage.outputs.tap import Frame, OutputError, Sound, Worker

SYSTEM: str = sys.platform
CHANNELS = 2  # of the sound that taps hear


def _library(module: str, install: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise OutputError(f"{what} needs the library {install}, which is not here: pip install {install}") from error


class Ndi(Worker):
    """An NDI source on the network, with sound. Opens the network: only where the gallery has asked for it."""

    def __init__(self, name: str, size: tuple[int, int], fps: float, rate: int):
        senders = _library("cyndilib.sender", "cyndilib", "NDI")
        video = _library("cyndilib.video_frame", "cyndilib", "NDI").VideoSendFrame()
        video.set_resolution(*size)
        video.set_frame_rate(Fraction(fps).limit_denominator(1001))
        video.set_fourcc(_library("cyndilib.wrapper.ndi_structs", "cyndilib", "NDI").FourCC.RGBX)
        audio = _library("cyndilib.audio_frame", "cyndilib", "NDI").AudioSendFrame()
        audio.sample_rate, audio.num_channels = rate, CHANNELS
        audio.set_max_num_samples(4096)
        self._sender = senders.Sender(name)
        self._sender.set_video_frame(video)
        self._sender.set_audio_frame(audio)
        self._sender.open()
        super().__init__("ndi")

    def send(self, frame: Frame, at: float) -> None:
        self._sender.write_video_async(np.ascontiguousarray(frame).reshape(-1))

    def hear(self, samples: Sound, at: float) -> None:
        for begin in range(0, len(samples), 4096):
            block = samples[begin : begin + 4096, :CHANNELS]
            self._sender.write_audio(np.ascontiguousarray(block.T, np.float32))

    def finish(self) -> None:
        self._sender.close()


class Camera(Worker):
    """A virtual camera that any program on this machine can open (v4l2loopback on Linux, OBS elsewhere)."""

    def __init__(self, size: tuple[int, int], fps: float, device: str = ""):
        library = _library("pyvirtualcam", "pyvirtualcam", "a virtual camera")
        try:
            self._camera = library.Camera(*size, fps, fmt=library.PixelFormat.RGB, device=device or None)
        except RuntimeError as error:
            how = "sudo modprobe v4l2loopback" if SYSTEM == "linux" else "install OBS with its virtual camera"
            raise OutputError(f"no virtual camera ({error}); {how}") from error
        super().__init__("camera")

    def send(self, frame: Frame, at: float) -> None:
        self._camera.send(np.ascontiguousarray(frame[..., :3]))

    def finish(self) -> None:
        self._camera.close()


class Spout(Worker):
    """Shares the wall with other programs on Windows, through a sender of its own on the GPU."""

    def __init__(self, name: str):
        if SYSTEM != "win32":
            raise OutputError(f"Spout exists on Windows only, this is {SYSTEM}; use ndi, or syphon on macOS")
        self._library = _library("SpoutGL", "SpoutGL", "Spout")
        self._name = name
        self._sender: Any = None
        super().__init__("spout")

    def send(self, frame: Frame, at: float) -> None:
        if self._sender is None:  # in the thread that sends: it brings an OpenGL context of its own
            self._sender = self._library.SpoutSender()
            self._sender.createOpenGL()
            self._sender.setSenderName(self._name)
        h, w = frame.shape[:2]
        self._sender.sendImage(np.ascontiguousarray(frame), w, h, 0x1908, False, 0)  # GL_RGBA

    def finish(self) -> None:
        if self._sender is not None:
            self._sender.releaseSender()


class Syphon(Worker):
    """Shares the wall with other programs on macOS."""

    def __init__(self, name: str):
        if SYSTEM != "darwin":
            raise OutputError(f"Syphon exists on macOS only, this is {SYSTEM}; use ndi, or spout on Windows")
        self._server = _library("syphon", "syphon-python", "Syphon").SyphonMetalServer(name)
        self._copy = _library("syphon.utils.numpy", "syphon-python", "Syphon").copy_image_to_mtl_texture
        self._make = _library("syphon.utils.raw", "syphon-python", "Syphon").create_mtl_texture
        self._texture: Any = None
        super().__init__("syphon")

    def send(self, frame: Frame, at: float) -> None:
        h, w = frame.shape[:2]
        if self._texture is None:
            self._texture = self._make(self._server.device, w, h)
        self._copy(frame, self._texture)
        self._server.publish_frame_texture(self._texture)

    def finish(self) -> None:
        self._server.stop()


NEEDS = {  # name -> the module that it needs, and what installs it
    "ndi": ("cyndilib", "cyndilib"), "camera": ("pyvirtualcam", "pyvirtualcam"), "spout": ("SpoutGL", "SpoutGL"),
    "syphon": ("syphon", "syphon-python"),
}  # fmt: skip
OUTPUTS = tuple(NEEDS)


def missing(kind: str) -> str:
    """What an output lacks on this machine, with the next move; "" where its library is here."""
    if kind not in OUTPUTS:
        return f"there is no output {kind!r}; {nearest(kind, OUTPUTS)}"
    module, install = NEEDS[kind]
    return "" if importlib.util.find_spec(module) else f"its library is not here: pip install {install}"


def output(kind: str, name: str, size: tuple[int, int], fps: float, rate: int = 48_000) -> Worker:
    """An output of `[stage] outputs` by its name in OUTPUTS; `rate` is of the sound. Raises OutputError."""
    match kind:
        case "ndi":
            return Ndi(name, size, fps, rate)
        case "camera":
            return Camera(size, fps)
        case "spout":
            return Spout(name)
        case "syphon":
            return Syphon(name)
    raise OutputError(f"[stage] outputs: there is no {kind!r}; {nearest(kind, OUTPUTS)}")
