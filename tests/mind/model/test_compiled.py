"""Compiled code takes the plain network's place between two pictures, or says why not, and none is lost."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.bench.calibrate import compiled, main
from engine.mind.model import compiling
from engine.mind.model.codec import Tiny
from engine.mind.model.compiled import CannotCompile, Job, Part, _empty, job, keep, quick, read
from engine.mind.model.compiling import Beside, begun, finish
from engine.mind.model.device import Cpu, lay
from engine.mind.model.families import Family, UNet
from engine.mind.model.graph import Pipeline
from engine.mind.model.model import Model
from tests.mind.model.turbo_models import FakeEncoder, SentenceWords, embedded_unet, tiny_vae, turbo_scheduler

SIZE = (64, 64)
GPP = pytest.mark.skipif(not any(map(shutil.which, compiling.COMPILERS)), reason="Inductor's CPU backend needs a C++ compiler (apt-get install g++)")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def family() -> Family:
    made = UNet(embedded_unet(4), Tiny(tiny_vae()), turbo_scheduler("v_prediction"), SentenceWords(FakeEncoder())).eval().requires_grad_(False)
    lay(made.network, torch.float32)
    lay(made.codec, torch.float32)
    return made


def asked(made: Family) -> tuple[Tensor, Tensor]:
    return torch.randn(made.words.shape, generator=torch.Generator().manual_seed(1)), torch.randn(made.latent(SIZE), generator=torch.Generator().manual_seed(2))


def told(made: Family, network: Callable[..., Tensor]) -> Family:
    """The same family, whose network answers as `network(module, ...)` says: what stands where Inductor's code would."""
    return quick(made, {"network": network})


def painted(pipeline: Pipeline, made: Family) -> Tensor:
    return pipeline.finish(pipeline.begin(*asked(made))).latent.clone()


def plainly(module: nn.Module, *args: Tensor) -> Tensor:
    answer: Tensor = module(*args)
    return answer


def test_another_body_comes_in_between_two_pictures_and_none_is_lost() -> None:
    made = family()
    pipeline = Pipeline(made, SIZE, Cpu())
    wanted, calls = painted(pipeline, made), 0

    def counted(module: nn.Module, *args: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return plainly(module, *args)

    other = threading.Thread(target=pipeline.exchange, args=(told(made, counted),))
    pictures = 0
    while pipeline.exchanges == 0 or pictures < 60:
        if pictures == 20:
            other.start()
        assert torch.equal(painted(pipeline, made), wanted)
        pictures += 1
    other.join()
    before = calls
    assert torch.equal(painted(pipeline, made), wanted) and calls == before + 1  # the new body paints
    assert (pipeline.exchanges, pipeline.captures, pipeline.failures) == (1, 1, 0)


def test_a_body_that_says_something_else_is_refused_and_pictures_stay_what_they_were() -> None:
    made = family()
    pipeline = Pipeline(made, SIZE, Cpu())
    wanted = painted(pipeline, made)
    for wrong in (lambda module, *args: module(*args) * 1.01, lambda module, *args: module(*args) * float("nan")):
        with pytest.raises(CannotCompile, match="says something else than plain code"):
            pipeline.exchange(told(made, wrong))
    assert torch.equal(painted(pipeline, made), wanted) and pipeline.exchanges == 0


def test_a_body_that_fails_later_is_followed_by_a_plain_picture() -> None:
    made, broken = family(), threading.Event()
    pipeline = Pipeline(made, SIZE, Cpu())
    wanted = painted(pipeline, made)

    def fragile(module: nn.Module, *args: Tensor) -> Tensor:
        if broken.is_set():
            raise RuntimeError("CUDA error: an illegal instruction was encountered")
        return plainly(module, *args)

    pipeline.exchange(told(made, fragile))
    broken.set()
    assert torch.equal(painted(pipeline, made), wanted) and pipeline.failures >= 1
    assert pipeline._capturing is not None
    pipeline._capturing.join(30)
    assert "could not be captured anew" in pipeline.trouble
    assert torch.equal(painted(pipeline, made), wanted)


class Ends:
    """A pipeline that is never reached."""

    def exchange(self, body: Family) -> None:
        raise AssertionError("there was nothing to exchange")


def beside(made: Family, pipeline: Any, said: list[str]) -> Beside:
    work = job(made, torch.device("cpu"), Pipeline(made, SIZE, Cpu()).rehearse)
    return Beside(made, work, (pipeline,), said.append).start()


def test_without_a_compiler_it_is_said_and_costs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    one = beside(family(), Ends(), said)
    assert one.done.wait(30)
    assert said == ["the network could not be compiled: there is no C++ compiler (apt-get install g++). Pictures stay as quick as they were"]


@GPP
def test_a_compiling_process_that_dies_is_said_and_one_that_is_given_up_says_nothing() -> None:
    said: list[str] = []
    for stop in (False, True):
        one = beside(family(), Ends(), said)
        while one._process is None:
            time.sleep(0.01)
        if stop:
            one.stop()
        else:
            os.kill(one._process.pid, signal.SIGKILL)
        assert one.done.wait(30) and one._process.wait() == -signal.SIGKILL
    assert len(said) == 1 and "the compiling process ended with -9" in said[0]


def test_what_was_kept_and_is_spoilt_is_compiled_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # as far as that goes here
    made, said = family(), list[str]()
    work = job(made, torch.device("cpu"), Pipeline(made, SIZE, Cpu()).rehearse)
    one = Beside(made, work, (Ends(),), said.append)
    keep(one.path, {})
    one.path.write_bytes(b"torn")
    with pytest.raises(CannotCompile, match="cannot be read"):
        read(one.path)
    assert one.start().done.wait(30)
    assert not one.path.exists() and "no C++ compiler" in said[0]


def test_a_key_knows_size_weights_layout_and_construction_but_no_numbers() -> None:
    def key(change: Callable[[Family], None] = lambda made: None, size: tuple[int, int] = SIZE) -> str:
        made = family()
        change(made)
        return job(made, torch.device("cpu"), Pipeline(made, size, Cpu()).rehearse).key

    def other_heads(made: Family) -> None:
        next(part for part in made.network.modules() if hasattr(part, "heads")).heads = 1

    plain = key()
    assert plain == key()
    assert plain == key(lambda made: made.network.conv_in.weight.mul_(2.0))
    different = [key(size=(64, 96)), key(other_heads), key(lambda made: made.network.to(memory_format=torch.contiguous_format))]
    assert len({plain, *different}) == 4


def test_weights_are_no_part_of_a_job() -> None:
    made = family()
    work = job(made, torch.device("cpu"), Pipeline(made, SIZE, Cpu()).rehearse)
    assert set(work.parts) == {"network", "decoder"}
    for module, args, _ in work.parts.values():
        assert all(one.is_meta for one in (*module.parameters(), *module.buffers(), *args))
    assert not any(one.is_meta for one in made.parameters())


def test_without_a_gpu_there_is_nothing_to_compile(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(SystemExit, match="2"):
        main(["graph"])
    assert "calibrate graph wants a GPU" in capsys.readouterr().err


class Breaks(nn.Module):
    """What no compiler takes whole."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if float(x.sum()) > 0 else x


@GPP
@pytest.mark.long
def test_what_cannot_be_compiled_is_told_in_a_sentence(tmp_path: Path) -> None:
    work = Job("cpu", "default", {"network": (Part(Breaks()), (_empty(torch.zeros(3)),), {})})
    with pytest.raises(CannotCompile, match="data-dependent"):
        finish(begun(work, tmp_path / "a.compiled"))
    assert not (tmp_path / "a.compiled").exists()


@GPP
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_model_is_compiled_beside_its_pictures_and_kept_for_the_next_start() -> None:
    made = family()
    plain = Model(made, "thin", SIZE, Cpu(), "thin", FakeEncoder())  # packed: as a machine without a GPU paints
    condition, noise = plain.condition("a"), torch.randn(plain.latent, generator=torch.Generator().manual_seed(0))
    wanted = plain.paint(condition, noise)[1]
    gaps = []
    for start in range(2):
        model = Model(family(), "thin", SIZE, Cpu(), "thin", FakeEncoder(), compiled=True)
        assert model.compiling
        while not model.compiling.done.is_set():  # the stream goes on while it is compiled, loaded and exchanged
            at = time.perf_counter()
            found = model.paint(condition, noise)[1]
            gaps.append(time.perf_counter() - at)
            assert (found - wanted).abs().max() <= 1e-5
        assert not model.compiling.trouble and model._stream.exchanges == model._hidden.exchanges == 1
        assert (model.paint(condition, noise)[1] - wanted).abs().max() <= 1e-5
        assert (model.imagine(condition, noise) - wanted).abs().max() <= 1e-5
        assert model.compiling.found == bool(start) and model.contract.recaptures == 0
        print(f"start {start}: {model.compiling.took:.1f} s, {len(gaps)} pictures, longest {max(gaps):.3f} s")
    sentence, good = compiled(model, 5)
    assert good and "found in" in sentence
