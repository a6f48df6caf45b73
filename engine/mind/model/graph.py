"""The static pipeline from noise to pixels: the same memory, the same operations, for every picture.

    noise, start, last picture -> noised latent -> network, a few steps -> clean latent -> decoder -> uint8 RGBA

Nothing in here decides anything at the time of a picture: whatever changes is a number in a buffer that is made once
(strength, feedback, turn), or the words' constants in a slot, which are copied in between two pictures. So a GPU
captures the whole pipeline once as a CUDA graph and replays it, and a CPU runs the same lines as a direct call.

Two frames may be in flight (`begin`, `finish`), each with its own host memory, guarded by events; there is no queue.
A replay that fails is followed by a picture without the graph, and the graph is captured anew beside it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from engine.mind.model.compiled import CannotCompile
from engine.mind.model.device import Cpu, Cuda, Event
from engine.mind.model.families import Family, Slot
from engine.mind.model.flowing import alike, flow
from engine.mind.model.schedule import Schedule

_INTO = ("noise", "start", "later", "rows", "knobs", "angle")  # what the host writes for every picture
APART = {torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 5e-2}  # of a picture's deviation: by how much compiled code may differ
WARM = 3  # runs before a capture: libraries choose and allocate in the first two


@dataclass(slots=True)
class Buffers:
    """Everything that a picture reads and writes. Made once; no address changes as long as the pipeline lives."""

    noise: Tensor  # (steps, c, h, w) f32, one sheet of noise a step
    start: Tensor  # (c, h, w) f32, the latent to begin from
    later: Tensor  # (c, h, w) f32, what that flows to
    last: Tensor  # (c, h, w) f32, the latent of the last picture
    rows: Tensor  # (1 + steps, 4) f32, Schedule.rows()
    knobs: Tensor  # (3,) f32: feedback, turn, how far from start to later
    angle: Tensor  # (tokens,) f32, between the two conditions, token by token
    latent: Tensor  # (c, h, w) f32, the picture's
    whole: Tensor  # (1,) u8: 1 if everything was finite
    rgba: Tensor  # (height, width, 4) u8

    @classmethod
    def make(cls, family: Family, size: tuple[int, int], steps: int, device: torch.device) -> Buffers:
        shape = family.latent(size)

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, device=device)

        rgba = torch.full((*size, 4), 255, dtype=torch.uint8, device=device)
        whole = torch.ones(1, dtype=torch.uint8, device=device)
        rows, knobs, angle = zeros(1 + steps, 4), zeros(3), zeros(family.words.shape[0])
        return cls(zeros(steps, *shape), zeros(*shape), zeros(*shape), zeros(*shape), rows, knobs, angle, zeros(*shape), whole, rgba)

    def addresses(self) -> list[int]:
        return [getattr(self, field.name).data_ptr() for field in fields(self)]


@dataclass(slots=True)
class InFlight:
    """A frame in flight: its host memory and its two points in time."""

    noise: Tensor
    start: Tensor
    later: Tensor
    rows: Tensor
    knobs: Tensor
    angle: Tensor
    rgba: Tensor
    latent: Tensor
    whole: Tensor
    began: Event
    done: Event

    @classmethod
    def make(cls, buffers: Buffers, device: Cpu | Cuda) -> InFlight:
        names = (*_INTO, "rgba", "latent", "whole")
        host = {name: device.pinned(getattr(buffers, name)) for name in names}
        return cls(**host, began=device.event(), done=device.event())


@dataclass(frozen=True, slots=True)
class Finished:
    """A picture on the host. The arrays are overwritten by the picture after next: copy what is kept."""

    rgba: Tensor  # (height, width, 4) u8
    latent: Tensor  # (c, h, w) f32
    whole: bool  # False: something was not finite, and this is the last picture again
    milliseconds: float  # of the device


class Pipeline:
    """The static pipeline of one family at one size.

    One thread paints at a time. Realtime-safe on a GPU: after the first picture nothing is allocated on the device and
    no call waits for the whole of it; `finish` waits, asleep, for its own picture.
    """

    def __init__(
        self, family: Family, size: tuple[int, int], device: Cpu | Cuda, pixels: bool = True, steps: int | None = None
    ):
        self.family, self.size, self.device, self.pixels = family, size, device, pixels
        self.steps = steps or family.steps
        self.dtype = next(family.network.parameters()).dtype
        with device.painting():  # memory is zeroed on the stream that uses it
            self.buffers = Buffers.make(family, size, self.steps, device.torch)
        self.body = family  # what is captured: the family, or the same with compiled code in its place
        self.captures = self.failures = self.exchanges = 0
        self.trouble = ""
        self.launch: Callable[[], None] = self._eager
        self._capturing: threading.Thread | None = None
        self._one_capture = threading.Lock()  # of those beside the thread that paints
        self._in_flight = [InFlight.make(self.buffers, device) for _ in range(2)]
        self._next = 0
        self._conditions: list[Tensor | None] = [None, None]  # what the two slots were made from
        self._timesteps: tuple[float, ...] = ()
        self._angle = torch.zeros(family.words.shape[0])
        with torch.inference_mode(), device.painting():
            blank = torch.zeros(family.words.shape)
            times = family.schedule(1.0, size, self.steps).timesteps
            self.slots = tuple(family.prepare(blank, times, size) for _ in range(2))  # here, there
            self.shadow: Slot = tuple(part.clone() for part in self.slots[0])  # being prepared
            self.now: Slot = tuple(part.clone() for part in self.slots[0])  # what the network reads
        device.take_back()  # and is there before the words' stream writes to it
        self._capture()
        self.captures += 1

    # --- a picture, on the host's side ---

    @torch.inference_mode()
    def begin(
        self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0,
        toward: Tensor | None = None, turn: float = 0.0, feedback: float = 0.0, onward: tuple[Tensor, float] | None = None,
    ) -> InFlight:  # fmt: skip
        """Put a frame in flight and return at once. Without waiting if fewer than two are.

        `onward`: what the start flows to, and how far; for a device that `flows`.
        """
        frame = self._in_flight[self._next]
        self._next = 1 - self._next
        frame.done.wait()  # the picture before last has been read by its copies
        schedule = self.family.schedule(strength, self.size, self.steps)
        self._hold(condition, toward if turn > 0 else None, schedule)
        self._write(frame, noise, start, schedule, feedback, turn if toward is not None else 0.0, onward)
        with self.device.painting():
            frame.began.record()
            for name in _INTO:
                getattr(self.buffers, name).copy_(getattr(frame, name), non_blocking=True)
            self._launch()
            for name in ("latent", "whole", "rgba")[: 3 if self.pixels else 2]:
                getattr(frame, name).copy_(getattr(self.buffers, name), non_blocking=True)
            frame.done.record()
        return frame

    def finish(self, frame: InFlight) -> Finished:
        """Wait for a frame that `begin` put in flight."""
        frame.done.wait()
        return Finished(frame.rgba, frame.latent, bool(frame.whole[0]), frame.done.milliseconds_since(frame.began))

    def forget(self) -> None:
        """The next picture begins without a last one."""
        with self.device.painting():
            self.buffers.last.zero_()

    def _write(
        self, frame: InFlight, noise: Tensor, start: Tensor | None, schedule: Schedule, feedback: float, turn: float,
        onward: tuple[Tensor, float] | None,
    ) -> None:  # fmt: skip
        """A picture's own numbers, into host memory. Later steps read the first sheet of noise, rolled."""
        sheets = noise if noise.dim() == 4 else noise[None]
        for k in range(self.steps):
            frame.noise[k].copy_(sheets[k] if k < len(sheets) else _rolled(sheets[-1], k))
        if start is None:
            frame.start.zero_()
        else:
            frame.start.copy_(start)
        frame.rows.copy_(torch.tensor(schedule.rows()))
        if onward is not None:
            frame.later.copy_(onward[0])
        frame.knobs.copy_(torch.tensor([feedback, turn, onward[1] if onward else 0.0]))
        frame.angle.copy_(self._angle)

    def _hold(self, condition: Tensor, toward: Tensor | None, schedule: Schedule) -> None:
        """Bring the words into the slots, beside the pictures, if they or the timesteps are other than before."""
        fresh = schedule.timesteps != self._timesteps
        changed = False
        for side, wanted in enumerate((condition, toward)):
            if wanted is not None and tuple(wanted.shape) != tuple(self.family.words.shape):
                raise ValueError(
                    f"a condition of shape {tuple(wanted.shape)}; this model's are {self.family.words.shape}"
                )
            if wanted is None or (wanted is self._conditions[side] and not fresh):
                continue
            with self.device.preparing():
                for mine, part in zip(
                    self.shadow, self.family.prepare(wanted, schedule.timesteps, self.size), strict=True
                ):
                    mine.copy_(part)
            self.device.hand_over()
            with self.device.painting():
                for mine, part in zip(self.slots[side], self.shadow, strict=True):
                    mine.copy_(part)
            self.device.take_back()
            self._conditions[side] = wanted
            changed = True
        self._timesteps = schedule.timesteps
        if changed and toward is not None:
            self._angle = torch.acos(torch.cosine_similarity(condition, toward, dim=-1).clamp(-1, 1))

    # --- a picture, on the device's side ---

    def compute(self, b: Buffers, now: Slot, body: Family) -> None:
        """The pipeline itself: no branch on data, nothing that waits, no memory that outlives it."""
        self._mix(b, now)
        begin = self._begin(b)
        x = (begin * b.rows[0, 0] + b.noise[0] * b.rows[0, 1])[None]
        for k in range(self.steps):
            into, keep, take, fresh = b.rows[k + 1].unbind()
            x = x * keep + body.predict((x * into).to(self.dtype), now, k).float() * take
            if k + 1 < self.steps:
                x = x + b.noise[k + 1] * fresh
        x = body.settle(x, begin[None], b.rows[0, 0])
        whole = torch.isfinite(x).all()
        b.latent.copy_(torch.where(whole, x[0], b.last))
        b.last.copy_(b.latent)
        if self.pixels:
            picture = body.codec.decode(b.latent[None].to(body.codec.dtype))[0]
            whole = whole & torch.isfinite(picture.sum(dtype=torch.float32))
            b.rgba[..., :3].copy_(picture.float().clamp(0, 1).mul(255).round().permute(1, 2, 0))
        b.whole.copy_(whole[None])

    def _begin(self, b: Buffers) -> Tensor:
        """The latent to begin from: what is asked, mixed with the last picture, its contrast kept from gathering."""
        feedback, part = b.knobs[0], b.knobs[2]
        if self.device.flows:
            begin = torch.where(part > 0, flow(b.start, b.later, part), b.start)
            return torch.where(feedback > 0, flow(begin, alike(b.last, begin), feedback), begin)
        mixed = b.start + (b.last - b.start) * feedback
        spread, mean = torch.std_mean(mixed, dim=(1, 2), keepdim=True)
        calm = (mixed - mean) / spread.clamp(min=1.0) + mean  # never more than unit deviation
        return torch.where(feedback > 0, calm, mixed)

    def _mix(self, b: Buffers, now: Slot) -> None:
        """Spherical interpolation between the two slots, by the turn, token by token."""
        turn, angle = b.knobs[1], b.angle.clamp(1e-3, 3.1)
        weights = torch.stack([torch.sin((1 - turn) * angle), torch.sin(turn * angle)], 1) / torch.sin(angle)[:, None]
        self.family.mix(self.slots[0], self.slots[1], weights, turn, now)

    # --- capture, and what happens when it fails ---

    def _eager(self) -> None:
        self.compute(self.buffers, self.now, self.family)

    def _launch(self) -> None:
        try:
            self.launch()
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            if self.launch == self._eager:
                raise
            self.failures += 1
            self.launch = self._eager
            self._eager()
            self._capturing = threading.Thread(target=self._capture_aside, daemon=True)
            self._capturing.start()

    @torch.inference_mode()
    def _capture(self, scratch: tuple[Buffers, Slot] | None = None) -> None:
        """Warm up (on scratch memory where pictures are being made meanwhile) and capture."""
        body, (buffers, now) = self.body, scratch or (self.buffers, self.now)
        with self.device.painting():
            for _ in range(WARM):
                self.compute(buffers, now, body)
        self.launch = self.device.capture(functools.partial(self.compute, self.buffers, self.now, body))

    def _capture_aside(self) -> None:
        """In a thread of its own: the wall goes on with pictures that are launched one operation at a time."""
        self.device.aside()
        with self._one_capture:
            scratch = self._scratch()
            for _ in range(3):
                try:
                    self._capture(scratch)
                    self.captures += 1
                    return
                except RuntimeError as error:  # the pictures go on without a graph; the reason is published
                    self.failures += 1
                    self.trouble = f"the graph could not be captured anew: {error}"

    @torch.inference_mode()
    def exchange(self, body: Family) -> None:
        """Go on with another body between two pictures: the same family, compiled. For a thread beside the one that paints.

        It is run, compared with the plain one and captured on memory of its own; then the next picture is launched by
        it, and none waits. Raises CannotCompile if it says something else, RuntimeError for what the device refuses: all is
        then as it was.
        """
        self.device.aside()
        with self._one_capture:
            scratch = self._scratch()
            apart = self.apart(body, scratch)
            most = APART[self.dtype]
            if not apart <= most:
                raise CannotCompile(f"compiled code says something else than plain code ({apart:.1e} of its deviation, at most {most:.0e})")
            before, self.body = self.body, body
            try:
                self._capture(scratch)
            except RuntimeError:
                self.body = before
                raise
            self.exchanges += 1

    def apart(self, body: Family, scratch: tuple[Buffers, Slot] | None = None) -> float:
        """How far a picture of another body is from one of the plain family's: rms of the difference over the deviation."""
        (b, now), found = scratch or self._scratch(), []
        with torch.inference_mode(), self.device.painting():
            b.rows.copy_(torch.tensor(self.family.schedule(1.0, self.size, self.steps).rows()))
            b.noise.normal_(generator=torch.Generator(b.noise.device).manual_seed(7))
            for each in (self.family, body):
                self.compute(b, now, each)
                picture = torch.cat([b.latent.flatten(), b.rgba.float().flatten() / 255])
                found.append(torch.where(b.whole > 0, picture, torch.nan).cpu())
        plain, other = found
        return float((other - plain).square().mean().sqrt() / plain.std())

    def rehearse(self) -> None:
        """A picture that nobody sees, operation by operation: for those who look at what it calls."""
        buffers, now = self._scratch()
        with torch.inference_mode(), self.device.painting():
            self.compute(buffers, now, self.family)

    def _scratch(self) -> tuple[Buffers, Slot]:
        """Memory for pictures that nobody sees, on this thread's own stream; its words are those of now, or nearly."""
        with torch.inference_mode(), self.device.painting():
            return Buffers.make(self.family, self.size, self.steps, self.device.torch), tuple(part.clone() for part in self.now)


def _rolled(sheet: Tensor, k: int) -> Tensor:
    """Other noise out of the same: a picture is given one sheet and may need several that walk with it."""
    return torch.roll(sheet, (k * (sheet.shape[1] // 2 + 1), k * (sheet.shape[2] // 3 + 1)), (1, 2))
