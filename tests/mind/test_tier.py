"""What a machine can do is measured once, and what it cannot do is not asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.mind import tier
from engine.mind.model.contract import Terms
from engine.mind.options import MindOptions

LADDER = Terms(ladder=((384, 384), (256, 256), (192, 192), (128, 128), (64, 64)))


class Machine:
    """A machine that takes `cost` seconds for a picture of 256 px on one thread, and `speedup` less on more."""

    def __init__(self, cost: float, speedup: dict[int, float] | None = None):
        self.cost, self.speedup, self.tried = cost, speedup or {}, []

    def __call__(self, options: MindOptions) -> tuple[float, tuple[int, int]]:
        size = options.size if options.size != (0, 0) else (256, 256)
        self.tried.append((size[0], options.threads))
        return self.cost * size[0] ** 2 / 256**2 / self.speedup.get(options.threads, 1.0), size


def choose(machine: Machine, folder: Path, **changes: object) -> MindOptions:
    options = MindOptions(device="cpu", terms=LADDER, **{"size": (0, 0), "threads": 1, **changes})  # type: ignore[arg-type]
    return tier.chosen(options, machine, folder / "tier.json")


@pytest.mark.parametrize(
    ("cost", "side"), [(0.05, 256), (0.12, 256), (0.2, 192), (0.4, 128), (9.0, 128)], ids=lambda value: str(value)
)
def test_pictures_are_as_large_as_eight_a_second_allow(cost: float, side: int, tmp_path: Path) -> None:
    assert choose(Machine(cost), tmp_path).size == (side, side)


def test_the_choice_is_made_once_for_a_machine(tmp_path: Path) -> None:
    first, again = Machine(0.1), Machine(9.0)
    assert choose(first, tmp_path) == choose(again, tmp_path)
    assert first.tried and not again.tried
    (tmp_path / "tier.json").write_text("{ half a fi")
    assert choose(first, tmp_path).size == (256, 256) and len(first.tried) == 2, "a broken note is measured anew"


def test_a_machine_that_was_busy_is_asked_again(tmp_path: Path) -> None:
    assert choose(Machine(0.2), tmp_path).size == (192, 192)
    assert choose(Machine(0.1), tmp_path).size == (256, 256)


def test_a_size_and_threads_that_somebody_wrote_down_are_not_questioned(tmp_path: Path) -> None:
    machine = Machine(9.0)
    assert choose(machine, tmp_path, size=(256, 256), threads=2).size == (256, 256)
    assert not machine.tried


def test_with_two_cores_and_a_size_there_is_nothing_to_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier, "spare", lambda: 1)
    machine = Machine(0.2)
    assert choose(machine, tmp_path, size=(256, 256), threads=0).threads == 1 and not machine.tried


def test_the_fewest_threads_that_are_worth_it_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier, "spare", lambda: 14)
    machine = Machine(0.2, {2: 1.8, 4: 3.0, 8: 3.1, 14: 2.0})
    found = choose(machine, tmp_path, threads=0)
    assert (found.threads, found.size) == (4, (256, 256))
    assert [threads for _, threads in machine.tried] == [1, 2, 4, 8]


@pytest.mark.realtime
@pytest.mark.shared
def test_this_machine_is_measured_with_the_real_model(tmp_path: Path) -> None:
    options = MindOptions(size=(0, 0), threads=1, device="cpu", terms=LADDER)
    found = tier.chosen(options, cache=tmp_path / "tier.json")
    assert found.size[0] in (256, 192, 128) and found.threads == 1
