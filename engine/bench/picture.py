"""`hypermnesia bench picture`: how long a picture takes, ours against the same weights called plainly, in one run.

Without `--ladder`: the embedded model at 256² (its own weights, or random ones of its architecture, saying so), four
ways in turn, so that whatever else the machine does weighs on all alike. Plainly is: diffusers' UNet and scheduler as
diffusers calls them, and the codec as books have it, a transposed convolution. Then how smoothly its pictures follow each
other, and how different they are (`engine.mind.smooth`). With `--ladder`: SD-Turbo's and SDXL-Turbo's
architecture with random weights against the rungs B0 to B4 of `bench_ladder`: in full size on a GPU (10,000 pictures
of ours, prompts at 4 Hz), thin and small on a CPU.

    hypermnesia bench picture --json picture.json
    hypermnesia bench picture --ladder StreamDiffusion --seconds 420 --json ladder.json
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.bench.ladder import Ladder
from engine.mind.model.contract import Series
from engine.mind.model.cpu import computes_bfloat16
from engine.mind.model.device import Cpu, Cuda, lay, open_device
from engine.mind.model.encoder import DIM, SLOTS
from engine.mind.model.families import LargeForms, SentenceWords
from engine.mind.model.lapped import HOP, WINDOW, Lapped, from_blocks
from engine.mind.model.model import Model
from engine.mind.model.random_models import FULL, THIN
from engine.mind.smooth import streams

Table = dict[str, Any]
SIZE = (256, 256)


def bench(options: argparse.Namespace) -> Table:
    """Figures for `hypermnesia bench`: a table of tables. Reads `ladder`, `path` (a checkout) and `seconds`."""
    if options.ladder:
        return ladder(open_device("auto"), Path(options.path) if options.path else None, options.seconds)
    return embedded(options.seconds)


def ladder(
    device: Cpu | Cuda, checkout: Path | None, seconds: float, names: tuple[str, ...] = ("sd-turbo", "sdxl-turbo")
) -> Table:
    """Every rung for every architecture, sharing the seconds."""
    cuda = isinstance(device, Cuda)
    dtype = torch.bfloat16 if cuda or computes_bfloat16() else torch.float32
    name = torch.cuda.get_device_name(device.torch) if isinstance(device, Cuda) else "CPU"
    found: Table = {"device": name, "threads": torch.get_num_threads(), "torch": torch.__version__, "dtype": str(dtype)}
    found["weights"] = "random: they time correctly and show nothing"
    began = time.monotonic()
    for number, which in enumerate(names):
        left = (seconds - (time.monotonic() - began)) * (0.7 if number + 1 < len(names) else 1.0)
        architecture = (FULL if cuda else THIN)[which]
        one = Ladder(architecture, device, dtype, checkout, pictures=300 if cuda else 30, ours=10_000 if cuda else 60)
        columns = list(one.rows(left))
        title = f"{architecture.name} {architecture.size[1]}x{architecture.size[0]}"
        found[title] = [{key: row.get(key, "") for key in _columns(columns)} for row in columns]
    return found


def short(device: Cpu | Cuda | None = None, pictures: int = 20) -> str:
    """A thin model's whole path, captured and replayed, other words every other picture: for compute-sanitizer, under
    which everything is many times slower. Raises RuntimeError if replay and eager differ or a picture was not finite."""
    device, architecture = device or open_device("auto"), THIN["sd-turbo"]
    one = Ladder(architecture, device, torch.float32, compiled=False)
    paint = one.own()
    for number in range(pictures):
        paint.ask(number // 2)  # type: ignore[attr-defined]
        paint()
    found = paint.figures()  # type: ignore[attr-defined]
    account = paint.model.contract  # type: ignore[attr-defined]
    if found["replay-eager"] > 1e-5 or account.faults:
        raise RuntimeError(f"replay and eager differ by {found['replay-eager']}, {account.faults} pictures were not finite")
    return f"{pictures} pictures, {account.recaptures} recaptures, replay-eager {found['replay-eager']:.1e}"


def _columns(rows: list[Table]) -> list[str]:
    """Every column of any row, in order of appearance, the note last."""
    names = list(dict.fromkeys(key for row in rows for key in row if key != "note"))
    return [*names, "note"]


def embedded(seconds: float) -> Table:
    """The embedded model: called plainly, the same in bfloat16, ours in float32, ours in bfloat16."""
    parts, weights = _embedded_parts()
    condition = torch.randn(SLOTS, DIM, generator=torch.Generator().manual_seed(1))
    channels = parts().codec.channels
    noise = torch.randn(channels, SIZE[0] // HOP, SIZE[1] // HOP, generator=torch.Generator().manual_seed(2))
    ways: dict[str, Callable[[], Any]] = {"plain float32": _plain(parts(), torch.float32, condition, noise)}
    models = {"ours float32": _ours(parts(), torch.float32)}
    if computes_bfloat16():
        ways["plain bfloat16"] = _plain(parts(), torch.bfloat16, condition, noise)
        models["ours bfloat16"] = _ours(parts(), torch.bfloat16)
    ways |= {name: (lambda model=model: model.paint(condition, noise)) for name, model in models.items()}  # type: ignore[misc]
    wall, work = _in_turn(ways, seconds)
    wanted = ways["plain float32"]()
    differences = {name: _difference(wanted, ways[name]()[0]) for name in models}
    rows = [
        {"way": name, "ms_p50": wall[name].figures()["p50"], "ms_least": wall[name].least, "cpu_ms_least": work[name].least,
         "per_second": 1000 / wall[name].figures()["p50"], "ratio": wall["plain float32"].least / wall[name].least,
         "cpu_ratio": work["plain float32"].least / work[name].least, "levels_off": differences.get(name, "")}
        for name in ways
    ]  # fmt: skip
    quickest = models[list(models)[-1]]
    return {"weights": weights, "size": f"{SIZE[1]}x{SIZE[0]}", "threads": torch.get_num_threads(), "torch": torch.__version__,
            "pictures": wall["plain float32"].count, "ways": rows, "in time": streams(quickest)}  # fmt: skip


def _in_turn(ways: dict[str, Callable[[], Any]], seconds: float) -> tuple[dict[str, Series], dict[str, Series]]:
    """Milliseconds on the wall and of the processor, each way once in every round."""
    wall, work = ({name: Series() for name in ways} for _ in range(2))
    for way in ways.values():
        way()
    end = time.monotonic() + seconds
    while time.monotonic() < end or wall[next(iter(ways))].count < 3:
        for name, way in ways.items():
            began, busy = time.perf_counter(), time.process_time()
            way()
            wall[name].note((time.perf_counter() - began) * 1e3)
            work[name].note((time.process_time() - busy) * 1e3)
    return wall, work


def _embedded_parts() -> tuple[Callable[[], Any], str]:
    """A maker of fresh parts (each way changes its own), and what their weights are."""
    from engine.mind.model import embedded as shipped

    try:
        shipped.check(shipped.FOLDER)
    except FileNotFoundError:
        return _random_parts, "random, of the design's architecture: the embedded model's own are not here"
    return shipped.load, "the embedded model's own"


class _random_parts:
    """The embedded architecture of the design, 13.3 million parameters."""

    def __init__(self) -> None:
        from diffusers import LCMScheduler, UNet2DConditionModel

        torch.manual_seed(0)
        self.unet = UNet2DConditionModel(
            sample_size=32, in_channels=5, out_channels=5, block_out_channels=(64, 128, 256), layers_per_block=1,
            cross_attention_dim=256, down_block_types=("DownBlock2D", "DownBlock2D", "SimpleCrossAttnDownBlock2D"),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn", attention_head_dim=32, norm_num_groups=16,
            up_block_types=("SimpleCrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"), encoder_hid_dim=DIM,
            encoder_hid_dim_type="text_proj", resnet_time_scale_shift="scale_shift", addition_embed_type="text",
            addition_embed_type_num_heads=8,
        ).eval().requires_grad_(False)  # fmt: skip
        self.codec = from_blocks(torch.rand(4, 3, 64, 64), 24).eval().requires_grad_(False)
        self.scheduler = LCMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="sample",
                                      rescale_betas_zero_snr=True, clip_sample=False)  # fmt: skip
        self.encoder = None


def _plain(parts: Any, dtype: torch.dtype, condition: Tensor, noise: Tensor) -> Callable[[], Any]:
    """The UNet and the scheduler as diffusers' pipelines call them, with the words already encoded, then the codec."""
    unet, codec, scheduler = parts.unet.to(dtype), parts.codec.float(), parts.scheduler
    large = unet.config.in_channels
    words, latents = condition[None].to(dtype), noise[None, :large].to(dtype)
    small = noise.new_zeros(1, len(noise) - large, *noise.shape[1:])

    @torch.no_grad()
    def paint() -> Any:
        scheduler.set_timesteps(1)
        time = scheduler.timesteps[0]
        said = unet(scheduler.scale_model_input(latents, time), time, encoder_hidden_states=words, return_dict=False)[0]
        clean = scheduler.step(said, time, latents, return_dict=False)[1]
        picture = transposed(codec, torch.cat([clean.float(), small], 1))
        return picture[0].clamp(0, 1).permute(1, 2, 0).numpy()

    return paint


def transposed(codec: Lapped, latent: Tensor) -> Tensor:
    """The codec's decoding as books have it: every place adds its window of 16 pixels. (n, 3, h, w), not clamped."""
    around = F.pad(latent * codec.spread + codec.mean, (1, 1, 1, 1), mode="replicate")
    edge = HOP + (WINDOW - HOP) // 2
    return F.conv_transpose2d(around, codec.synthesis, stride=HOP)[..., edge:-edge, edge:-edge] + 0.5


def _ours(parts: Any, dtype: torch.dtype) -> Model:
    family = LargeForms(parts.unet, parts.codec, parts.scheduler, SentenceWords(parts.encoder)).eval().requires_grad_(False)
    lay(family.network, dtype)
    lay(family.codec, torch.float32 if family.codec.exact else dtype)
    return Model(family, "embedded", SIZE, Cpu())


def _difference(wanted: Any, rgba: Any) -> float:
    """Largest difference in levels of 255."""
    return float(abs(rgba[..., :3].astype("f4") - wanted * 255).max())
