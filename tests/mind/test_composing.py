"""On a device that is quicker than composing: the same pictures from numbers alone, and compositions made beside them."""

from __future__ import annotations

import threading
import time as clock

import pytest
import torch
from torch import Tensor

from engine.mind.blend import Composition
from engine.mind.company import Company, Ensemble
from engine.mind.composing import AtThoughtRate
from engine.mind.model.codec import Tiny
from engine.mind.model.device import Cpu, lay
from engine.mind.model.families import UNet
from engine.mind.model.flowing import flow
from engine.mind.model.model import Model
from engine.mind.stream import Onward, Stream
from tests.mind.model.test_fold import Shape
from tests.mind.model.turbo_models import FakeEncoder, small_sd_unet, tiny_vae, turbo_scheduler

SIZE = (64, 64)
SHAPE = (4, 16, 16)


class Flowing(Cpu):
    """A device that turns words and lets starts flow by itself, as a GPU does."""

    flows = True


def model(device: Cpu) -> Model:
    family = UNet(small_sd_unet(), Tiny(tiny_vae()), turbo_scheduler(), Shape((77, 32))).eval().requires_grad_(False)
    lay(family.network, torch.float32)
    lay(family.codec, torch.float32)
    return Model(family, "embedded", SIZE, device, "thin", FakeEncoder())


def test_a_stream_whose_device_flows_makes_the_pictures_that_the_hosts_makes() -> None:
    models = [model(Cpu()), model(Flowing())]
    streams = [Stream(one, 7) for one in models]
    starts = [torch.randn(models[0].latent, generator=torch.Generator().manual_seed(n)) for n in range(3)]
    conditions = [[one.condition(words) for words in ("the sea", "a fire")] for one in models]
    last: list[Tensor] = []
    for n in range(24):
        onward: Onward | None = (starts[1 + n // 12], (n % 12) / 12) if n % 12 else None
        last = [stream.next(said[n // 8 % 2], starts[n // 12], 0.5, 0.4, n / 10, onward=onward)[1] for stream, said in zip(streams, conditions, strict=True)]
        apart = float((last[0] - last[1]).square().mean().sqrt() / last[0].std())
        assert apart <= (1e-5 if n < 8 else 0.02), (n, apart)  # rows of unlike length are turned a little otherwise
        if n == 16:
            models[1].paint(conditions[1][0], starts[2])  # somebody else paints
            streams[1].interrupted()
    assert (last[0] - starts[2]).abs().max() > 0.1


def test_a_turn_goes_on_by_numbers_until_other_words_come() -> None:
    stream = Stream(model(Flowing()), 7)
    said = [stream.dreamer.condition(words) for words in ("the sea", "a fire")]
    pipeline = stream.dreamer._stream  # type: ignore[attr-defined]
    prepared = []
    prepare = pipeline.family.prepare
    pipeline.family.prepare = lambda *args: prepared.append(1) or prepare(*args)
    for n in range(24):
        stream.next(said[n // 12], torch.zeros(stream.dreamer.latent), 1.0, 0.0, n / 24)
    assert len(prepared) <= 4 and pipeline.captures == 1


def company(seed: int) -> Company:
    source = torch.Generator().manual_seed(seed)
    return Company(tuple(range(100 * seed, 100 * seed + 20)), torch.randn(20, *SHAPE, generator=source), torch.ones(20))


def test_compositions_are_made_beside_the_pictures_and_what_is_shown_flows() -> None:
    slow = AtThoughtRate(Ensemble(None), every=0.1)
    made, begun, noise = [], clock.monotonic(), torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    first, second = company(1), company(2)
    at = [0.0]
    while at[-1] < 1.2:
        at.append(clock.monotonic() - begun)
        start, onward = slow.next(first if at[-1] < 0.5 else second, noise, at[-1])
        made.append(start if onward is None else flow(start, *onward))
        clock.sleep(0.004)
    whole = float((made[-1] - made[0]).norm())
    steps = [float((b - a).norm()) / max(1e-3, late - early) for a, b, early, late in zip(made, made[1:], at[1:], at[2:], strict=False)]
    assert whole > 1.0 and max(steps) * 0.03 < whole, "it jumped"
    assert slow.shown is not None and set(slow.shown[0]) & set(second.ids)
    slow.turn()
    slow.close()


def test_what_composing_raises_is_raised_to_whoever_paints() -> None:
    class Fails(Ensemble):
        def next(self, company: Company, noise: Tensor, time: float) -> Composition:
            if time > 0:
                raise RuntimeError("no memory")
            return super().next(company, noise, time)

    slow = AtThoughtRate(Fails(None), every=0.01)
    slow.next(company(1), torch.zeros(SHAPE), 0.0)

    def paint() -> None:
        for n in range(1, 200):
            slow.next(company(1), torch.zeros(SHAPE), n / 10)
            threading.Event().wait(0.01)

    with pytest.raises(RuntimeError, match="no memory"):
        paint()
    slow.close()
