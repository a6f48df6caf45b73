"""Pictures on their way to the wall: inside the GPU where mind and stage share one, else over the host, saying why."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import moderngl
import numpy as np
import pytest

from engine.bench.wall import uploads
from engine.core.crossings import PictureRing
from engine.core.messages import Picture, State
from engine.stage.upload import CannotShare, CudaGl, Gpu, Handles, Upload, probe
from engine.stage.window import headless

NAMES: Handles = (b"a" * 64, b"b" * 64, b"c" * 64)


class Lending:
    """GPU memory that is ordinary memory: what a mind has put into a slot comes out of it."""

    def __init__(self) -> None:
        self.slots: dict[bytes, bytes] = {}
        self.opened: list[tuple[str, Handles]] = []
        self.broken = ""
        self.meanwhile = lambda: None

    def open(self, gpu: str, handles: Handles) -> None:
        if self.broken:
            raise CannotShare(self.broken)
        self.opened.append((gpu, handles))

    def fill(self, slot: int, buffer: moderngl.Buffer) -> None:
        if self.broken:
            raise CannotShare(self.broken)
        self.meanwhile()
        buffer.write(self.slots[self.opened[-1][1][slot]])

    def close(self) -> None:
        self.opened.clear()


@pytest.fixture
def context() -> Iterator[moderngl.Context]:
    made = headless()
    yield made
    assert made.error == "GL_NO_ERROR"
    made.release()


@pytest.fixture
def ring() -> Iterator[PictureRing]:
    made = PictureRing((64, 64))
    yield made
    made.close()


def rgba(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 4), np.uint8)


def put(ring: PictureRing, lending: Lending, inside: np.ndarray, over: np.ndarray) -> Picture:
    """The mind's side: a picture into the GPU's slot, and another into the ring, so that one can tell the ways apart."""
    lending.slots[NAMES[(ring.serial + 1) % 3]] = inside[::-1].tobytes()
    ring.write(Picture(over, np.zeros((4, 6, 8), np.float16), np.zeros((0, 1, 1), np.float16), State()), shared=True)
    picture = ring.newest()
    assert picture and picture.shared and picture.serial == ring.serial
    return picture


def shown(context: moderngl.Context, upload: Upload, picture: Picture) -> np.ndarray:
    texture = context.texture((64, 48), 4)
    upload.write(picture, texture)
    return np.frombuffer(texture.read(), np.uint8).reshape(48, 64, 4)[::-1]


def test_a_shared_picture_does_not_pass_the_host(context: moderngl.Context, ring: PictureRing) -> None:
    lending = Lending()
    upload = Upload(context, ring, lending)
    ring.offer("GPU-1", NAMES)
    for number in range(5):
        picture = put(ring, lending, rgba(number), rgba(100 + number))
        assert (shown(context, upload, picture) == rgba(number)).all()
    assert (upload.inside, upload.over) == (5, 0) and len(lending.opened) == 1
    assert upload.how == "inside the GPU's memory (GPU-1)"
    upload.release()


def test_a_picture_that_is_not_shared_comes_over_the_host(context: moderngl.Context, ring: PictureRing) -> None:
    """A vetoed picture is dark and was never painted: what lies in the GPU's slot is another."""
    lending = Lending()
    upload = Upload(context, ring, lending)
    ring.offer("GPU-1", NAMES)
    put(ring, lending, rgba(1), rgba(1))
    dark = np.zeros((48, 64, 4), np.uint8)
    ring.write(Picture(dark, np.zeros((4, 6, 8), np.float16), np.zeros((0, 1, 1), np.float16), State()))
    newest = ring.newest()
    assert newest and (shown(context, upload, newest) == 0).all() and upload.over == 1


def test_a_mind_that_was_restarted_is_opened_anew(context: moderngl.Context, ring: PictureRing) -> None:
    lending = Lending()
    upload = Upload(context, ring, lending)
    for name in ("GPU-1", "GPU-1"):
        ring.offer(name, NAMES)
        shown(context, upload, put(ring, lending, rgba(1), rgba(2)))
    assert len(lending.opened) == 2 and upload.inside == 2


def test_where_gl_and_cuda_do_not_meet_pixels_come_over_the_host_and_it_is_said(context: moderngl.Context, ring: PictureRing) -> None:
    lending = Lending()
    lending.broken = "GL is drawn by no CUDA device"
    upload = Upload(context, ring, lending)
    ring.offer("GPU-1", NAMES)
    assert (shown(context, upload, put(ring, lending, rgba(1), rgba(2))) == rgba(2)).all()
    assert upload.how == "over the host: GL is drawn by no CUDA device"


def test_what_fails_in_the_middle_goes_over_the_host_from_then_on(context: moderngl.Context, ring: PictureRing) -> None:
    lending = Lending()
    upload = Upload(context, ring, lending)
    ring.offer("GPU-1", NAMES)
    shown(context, upload, put(ring, lending, rgba(1), rgba(2)))
    lending.broken = "CUDAError: the context is gone"
    assert (shown(context, upload, put(ring, lending, rgba(3), rgba(4))) == rgba(4)).all()
    lending.broken = ""
    shown(context, upload, put(ring, lending, rgba(3), rgba(4)))
    assert (upload.inside, upload.over) == (1, 2) and "the context is gone" in upload.how


def test_a_picture_that_was_overwritten_while_it_was_copied_is_not_shown_torn(context: moderngl.Context, ring: PictureRing) -> None:
    lending = Lending()
    upload = Upload(context, ring, lending)
    ring.offer("GPU-1", NAMES)
    picture = put(ring, lending, rgba(1), rgba(1))

    def lapped() -> None:
        for number in (2, 3):
            put(ring, lending, rgba(number), rgba(number))

    lending.meanwhile = lapped
    assert ring.whole(picture.serial)
    assert (shown(context, upload, picture) == rgba(1)).all() and upload.over == 1
    assert not ring.whole(picture.serial)


def test_this_machine_says_how_pictures_reach_its_wall() -> None:
    said = probe()
    assert said.startswith(("inside the GPU's memory: GL is drawn by ", "over the host: "))
    if said.startswith("over the host"):
        with pytest.raises(CannotShare, match=said.removeprefix("over the host: ").split("(")[0]):
            CudaGl()


class Driver:
    """A driver of CUDA that has one device, which draws GL, and lends nothing: as where the owner of memory is gone."""

    class CUresult:
        CUDA_SUCCESS = SimpleNamespace(name="CUDA_SUCCESS")

    CUGLDeviceList = SimpleNamespace(CU_GL_DEVICE_LIST_ALL=1)
    CUipcMem_flags = SimpleNamespace(CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS=1)

    def __init__(self, lends: Exception | str) -> None:
        self.lends = lends

    def cuInit(self, flags: int) -> tuple[object]:
        return (self.CUresult.CUDA_SUCCESS,)

    def cuGLGetDevices(self, most: int, which: object) -> tuple[object, int, list[int]]:
        return self.CUresult.CUDA_SUCCESS, 1, [0]

    def CUipcMemHandle(self) -> object:
        return SimpleNamespace(getPtr=lambda: ctypes.addressof(self.handle))

    def cuIpcOpenMemHandle(self, handle: object, flags: object) -> tuple[object]:
        if isinstance(self.lends, Exception):
            raise self.lends
        return (SimpleNamespace(name=self.lends),)

    handle = ctypes.create_string_buffer(64)


class GlDevice:
    name, uuid = "GPU", "GPU-1"

    def __init__(self, number: int) -> None:
        self.number = number

    def set_current(self) -> None: ...
    def create_stream(self) -> None: ...


@pytest.mark.parametrize("wrong", ["CUDA_ERROR_INVALID_CONTEXT", RuntimeError("the context is gone"), TypeError("no such flag")])
def test_whatever_is_wrong_with_memory_that_is_lent_pictures_come_over_the_host(
    wrong: Exception | str, monkeypatch: pytest.MonkeyPatch, context: moderngl.Context, ring: PictureRing
) -> None:
    driver, core = Driver(wrong), SimpleNamespace(Device=GlDevice)
    for name, part in {"cuda": SimpleNamespace(core=core), "cuda.bindings": SimpleNamespace(driver=driver)}.items():
        monkeypatch.setitem(sys.modules, name, part)  # type: ignore[arg-type]
    upload = Upload(context, ring)
    ring.offer("GPU-1", NAMES)
    ring.write(Picture(rgba(1), np.zeros((4, 6, 8), np.float16), np.zeros((0, 1, 1), np.float16), State()), shared=True)
    picture = ring.newest()
    assert picture and (shown(context, upload, picture) == rgba(1)).all()
    assert upload.how.startswith("over the host") and str(wrong) in upload.how
    upload.release()


WINDOWLESS = """
import sys
sys.modules["glfw"] = None  # a machine without it
from engine.stage.upload import probe
from engine.stage.walls import Walls
from engine.stage.window import StageError, WindowOptions
import engine.house.house
print(probe())
print(Walls(None, None).open)
try:
    Walls(WindowOptions(), None)
except StageError as wrong:
    print(wrong)
"""


def test_windows_are_asked_for_only_where_one_is_wanted() -> None:
    done = subprocess.run([sys.executable, "-c", WINDOWLESS], capture_output=True, text=True, timeout=120, check=False)
    probed, headless_wall, window = done.stdout.splitlines() or pytest.fail(done.stderr)
    assert probed.startswith(("inside", "over the host")) and headless_wall == "True"
    assert window.startswith("no window: ") and window.endswith("pip install glfw, or run headless")


def test_both_ways_are_measured_or_it_is_said_why_not() -> None:
    host, inside = uploads(side=64, times=3)
    assert 0 < host["ms"] <= host["worst_ms"]
    assert inside["note"] or 0 < inside["ms"] <= inside["worst_ms"]


def test_a_stand_in_has_what_the_real_one_has() -> None:
    for name in ("open", "fill", "close"):
        assert callable(getattr(Lending, name)) and callable(getattr(CudaGl, name)) and hasattr(Gpu, name)
