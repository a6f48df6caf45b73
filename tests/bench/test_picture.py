"""The bench: every rung runs to the end at small size, or says why it does not apply."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.bench import gpu
from engine.bench import picture as bench_picture
from engine.bench.ladder import Ladder
from engine.mind.model.device import Cpu
from engine.mind.model.random_models import THIN

THINNER = {"block_out_channels": (32, 32), "attention_head_dim": (1, 1), "cross_attention_dim": 32, "layers_per_block": 1,
           "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
           "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")}  # fmt: skip


@pytest.fixture
def small() -> Ladder:
    thin = THIN["sd-turbo"]
    architecture = replace(thin, unet={**thin.unet, **THINNER}, words=(77, 32), size=(64, 64))
    return Ladder(architecture, Cpu(), torch.float32, pictures=4, ours=6, compiled=False)


def test_every_rung_has_figures_or_a_reason(small: Ladder) -> None:
    rows = {str(row["rung"]): row for row in small.rows(40)}
    assert list(rows) == ["B0 diffusers", "B1 StreamDiffusion", "B3 UNet graph", "B4 ours"]
    assert rows["B1 StreamDiffusion"]["note"].startswith("skipped: no checkout of StreamDiffusion")
    assert rows["B3 UNet graph"]["note"] == "skipped: no GPU, no graph"
    for name in ("B0 diffusers", "B4 ours"):
        assert 0 < rows[name]["p50"] <= rows[name]["p99"] <= rows[name]["max"]
    assert rows["B0 diffusers"]["ratio"] == 1.0
    assert rows["B4 ours"]["replay-eager"] == 0.0
    assert rows["B4 ours"]["recaptures"] == 0


def test_without_time_a_rung_says_how_much_it_needs(small: Ladder) -> None:
    assert all("are left" in row["note"] for row in small.rows(0.5))


def test_a_folder_without_streamdiffusion_is_named(small: Ladder, tmp_path: Path) -> None:
    small.checkout = tmp_path
    row = next(row for row in small.rows(60) if row["rung"] == "B1 StreamDiffusion")
    assert f"{tmp_path} holds no StreamDiffusion" in row["note"]


def test_the_embedded_model_is_measured_against_the_same_weights_called_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_picture, "SIZE", (64, 64))
    found = bench_picture.bench(argparse.Namespace(ladder=False, path=None, seconds=1.0))
    rows = {row["way"]: row for row in found["ways"]}
    assert rows["ours float32"]["levels_off"] <= 0.52  # a level is rounded, nothing else differs
    assert rows["plain float32"]["ratio"] == 1.0
    json.dumps(found)


def test_the_short_run_that_a_sanitizer_watches_comes_to_its_end() -> None:
    assert bench_picture.short(Cpu(), 4) == "4 pictures, 0 recaptures, replay-eager 0.0e+00"


def test_what_a_gpu_shows_runs_from_the_cheapest_to_the_dearest_and_each_figure_is_kept_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept: list[int] = []

    def steps(*_: object) -> list[gpu.Step]:
        def fails(seconds: float) -> None:
            kept.append(len(json.loads(file.read_text())["figures"]))
            raise RuntimeError("CUDA error: out of luck\nmore")

        return [("first", 1.0, lambda seconds: {"p50": 2.0, "s": seconds}), ("second", 2.0, fails), ("third", 30.0, lambda seconds: {"p50": 1.0}), ("dear", 1e9, fails)]

    file = tmp_path / "gpu.json"
    monkeypatch.setattr(gpu, "steps", steps)
    found = gpu.bench(argparse.Namespace(path=None, seconds=60.0, json=file))
    assert found["first"] == {"p50": 2.0, "s": 1.0} and found["third"] == {"p50": 1.0} and kept == [4]  # device, torch, weights and the first
    assert found["second"] == "failed: RuntimeError: CUDA error: out of luck"
    assert found["dear"].startswith("skipped: takes 1000000000 s, ")
    assert json.loads(file.read_text())["figures"] == found


def test_rungs_stand_in_order_of_their_cost() -> None:
    found = list(gpu.steps(Cpu(), None))
    assert found[0][0] == "pictures into GL" and {name.split()[0] for name, _, _ in found[1:]} == {"a", "film", "sd-turbo", "sdxl-turbo"}
    assert [cost for _, cost, _ in found[1:]] == sorted(cost for _, cost, _ in found[1:])


@pytest.mark.long
def test_the_script_for_a_gpu_comes_to_its_end_on_a_cpu_in_ninety_seconds(tmp_path: Path) -> None:
    top = Path(__file__).parents[2]
    began = time.monotonic()
    env = {**os.environ, "JSON": str(tmp_path / "gpu.json"), "PYTHON": sys.executable}
    done = subprocess.run([str(top / "tests" / "bench" / "gpu.sh")], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began <= 90.0
    found = json.loads((tmp_path / "gpu.json").read_text())["figures"]
    assert all(found[f"{name} B4 ours"]["replay-eager"] == 0.0 for name in ("sd-turbo", "sdxl-turbo"))
    assert found["sd-turbo B4 ours"]["profile"]["kernels"] and found["a whole mind"]["thoughts"] > 0
