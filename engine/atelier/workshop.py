"""The stages of training in their order, each in its share of the budget.

Every stage keeps its time and its state in the folder, so a run that is stopped anywhere goes on there.
A longer budget on a finished folder learns further: teacher, student, heads and reader go on with what the cache
then holds. The codec never does once pictures are encoded, for their latents would no longer fit.

A training may also begin with exported weights (`start`): their codec stands still, their student is the young
teacher, and other pictures are painted than those that they have learned from. Or with a `body` alone: a UNet of other
latents or other words, of which every tensor is taken that has the same name and shape.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.atelier import diffusion
from engine.atelier.cache import Cache
from engine.atelier.codec import CodecStage, Crops
from engine.atelier.dataset import Batches
from engine.atelier.heads import HeadsStage, heads, young
from engine.atelier.learn import Clock, Learner, Log, Stage, chance, run
from engine.atelier.reading import ReaderStage
from engine.atelier.sentences import PROOF
from engine.atelier.settings import Settings
from engine.atelier.student import StudentStage
from engine.atelier.teacher import TeacherStage
from engine.core.sheet import sheet
from engine.mind.model.cpu import computes_bfloat16
from engine.mind.model.encoder import Encoder
from engine.mind.model.lapped import Lapped, deblocked, from_blocks, ordered
from engine.mind.model.reader import Reader
from engine.painter.said import Heads

STAGES = ("paint", "codec", "encode", "heads", "teacher", "student", "reader")


@dataclass
class Workshop:
    """A training run in a folder. `minutes` is the budget of all stages; `steps`, for tests, fixes the learned ones."""

    settings: Settings
    folder: Path
    minutes: float
    device: str = "cpu"
    steps: int = 0
    clock: Clock = time.monotonic
    out: Callable[[str], None] = print
    start: Path | None = None  # a folder of exported weights to go on from
    body: tuple[Path, ...] = ()  # files of a UNet whose fitting tensors a young one takes over
    encoder: Encoder | None = None
    spent: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.earlier = json.loads((self.start / "training.json").read_text(encoding="utf-8")) if self.start else None
        seen = sum(self.earlier["pictures"].values()) if self.earlier else 0
        self.cache = Cache(self.folder, self.settings.cache, self.device, first=seen)
        kind = "cuda" if self.device.startswith("cuda") else "cpu"
        self.autocast = torch.autocast(kind, torch.bfloat16, enabled=self._half(kind))
        self.plan = diffusion.scheduler(self.settings.scheduler)
        self.noising = diffusion.Noising(self.plan, self.device)
        self._ledger = self.folder / "spent.json"
        if self._ledger.exists():
            self.spent = json.loads(self._ledger.read_text(encoding="utf-8"))

    def _half(self, kind: str) -> bool:
        """Whether to compute in bf16: where it is asked for, or ("auto") wherever the processor does it by itself."""
        if self.settings.run.precision == "auto":
            return kind == "cuda" or computes_bfloat16()
        return self.settings.run.precision == "bf16"

    def seconds(self, stage: str) -> float:
        """The share of the budget that a stage has."""
        return float(getattr(self.settings.share, stage)) * self.minutes * 60

    def train(self) -> None:
        """All stages, from wherever the folder stands."""
        for number, stage in enumerate(STAGES, 1):
            self.out(f"stage {number} of {len(STAGES)}: {stage}, {self.seconds(stage) / 60:.1f} minutes")
            getattr(self, stage)()

    # Making the cache

    def paint(self) -> None:
        """Paint shards until the time is used; at least every kind once, at least two shards."""
        least = min(self.cache.most, len({*range(2), *range(self._kinds)}))
        self._shards("paint", "words.json", self.cache.paint, least, self.cache.most)

    def encode(self) -> None:
        """Write latents and conditioning of painted shards until the time is used."""
        codec, encoder = self.codec_learned(), self.words
        painted = self.cache.count("words.json")
        self._shards("encode", "latents.npy", lambda shard: self._encode(shard, codec, encoder), min(self._kinds, painted), painted)

    def _encode(self, shard: int, codec: Lapped, encoder: Encoder) -> None:
        if not self.cache.has(shard, "states.npy"):
            self.cache.encode_words(shard, encoder)
        self.cache.encode_pictures(shard, codec.encode)

    def _shards(self, stage: str, part: str, make: Callable[[int], None], least: int, most: int) -> None:
        said = self.clock()
        for shard in range(self.cache.count(part), most):
            if shard >= least and (self.steps or self.spent.get(stage, 0.0) >= self.seconds(stage)):
                break
            began = self.clock()
            make(shard)
            self.spend(stage, self.clock() - began)
            if self.clock() - said > 20:
                said = self.clock()
                left = self.seconds(stage) - self.spent[stage]
                self.out(f"{stage:12s} {shard + 1} shards of {self.settings.cache.shard} pictures, {left / 60:.1f} min left")

    def spend(self, stage: str, seconds: float) -> None:
        self.spent[stage] = self.spent.get(stage, 0.0) + seconds
        self._ledger.write_text(json.dumps({key: round(value, 2) for key, value in self.spent.items()}), encoding="utf-8")

    @property
    def _kinds(self) -> int:
        return self.cache.most // self.settings.cache.rounds

    # Learning

    def codec(self) -> None:
        if self.start or self.cache.count("latents.npy"):  # the cache is made of its latents
            return
        torch.manual_seed(self.settings.run.seed)
        crops = Crops(self.cache, torch.device(self.device))
        side = self.settings.codec.crop_px
        pictures = torch.cat([crops.draw(chance(self.settings.run.seed, "blocks", turn), 64, side) for turn in range(8)])
        self._learn(CodecStage(from_blocks(pictures, self.settings.codec.channels).to(self.device), self.cache, self.settings.codec))
        learned = self._trained(Lapped(self.settings.codec.channels).to(self.device), "codec")
        deblocked(ordered(learned, torch.cat([pictures, crops.unseen(64)[..., :side, :side]]))).save(self.folder / "codec")

    def heads(self) -> None:
        self._learn(HeadsStage(self.words, self.settings.heads, self.settings.run.seed))

    def teacher(self) -> None:
        unet = self.unet()
        self._learn(TeacherStage(unet, self.batches(self._large), self.noising, self.settings.teacher, self.autocast,
                                 lambda module, path: self.show(module, path, self.settings.student.guidance, 4), self.worth()))

    def student(self) -> None:
        teacher = self.unet("teacher")
        self._learn(StudentStage(copy.deepcopy(teacher), teacher, self.batches(self._large), self.noising, self.settings.student,
                                 self.autocast, lambda module, path: self.show(module, path, 1.0, 1), self.worth(), self.settings.run.seed))

    def reader(self) -> None:
        torch.manual_seed(self.settings.run.seed)
        reader = Reader.load(self.start / "reader").requires_grad_(True) if self.start else self.young_reader()
        self._learn(ReaderStage(reader.train().to(self.device), self.batches(), self.settings.reader, self.autocast))

    def _learn(self, stage: Stage) -> None:
        learner = Learner(stage, self.folder, self.settings.run.seed, steps=self.steps, clock=self.clock,
                          seconds=0.0 if self.steps else self.seconds(stage.name))
        if learner.resume():
            self.out(f"{stage.name:12s} resumed at step {learner.step}")
        if not learner.done:
            run(learner, log=Log(self.folder / "log", stage.name, self.out), sheets=self.folder / "sheets",
                sheet_seconds=self.settings.run.sheet_minutes * 60, checkpoint_seconds=self.settings.run.checkpoint_minutes * 60)
        self.spent[stage.name] = learner.elapsed
        self.spend(stage.name, 0.0)

    # Parts

    @property
    def words(self) -> Encoder:
        if self.encoder is None:
            self.encoder = Encoder()
        return self.encoder

    @property
    def _large(self) -> int:
        """How many channels the UNet hears and says: the largest."""
        return int(self.settings.unet["in_channels"])

    def worth(self) -> Tensor:
        """(c, 1, 1), mean 1: what an error in each of these channels counts, by the root of what it carries."""
        root = self.codec_learned().carries[: self._large].sqrt()
        return (root / root.mean())[:, None, None].to(self.device)

    def batches(self, channels: int = 0) -> Batches:
        channels = channels or self.settings.codec.channels
        return Batches(self.cache, self.words, self.cache.count("latents.npy"), self.device, channels)

    def codec_learned(self) -> Lapped:
        """The codec that latents are made with."""
        return Lapped.load((self.start or self.folder) / "codec").to(self.device)

    def heads_learned(self) -> Heads:
        return heads(self._trained(young(), "heads"))

    def young_reader(self) -> Reader:
        return Reader(self.settings.reader.width, self.settings.codec.channels)

    def unet(self, trained: str = "") -> UNet2DConditionModel:
        """The UNet, young, or the averaged weights of a stage."""
        torch.manual_seed(self.settings.run.seed + 1)
        if self.start and not trained:
            unet = UNet2DConditionModel.from_pretrained(self.start / "unet", torch_dtype=torch.float32, local_files_only=True)
        else:
            unet = UNet2DConditionModel(**self.settings.unet)
        if self.body and not trained:
            self.out(f"the UNet takes {take_over(unet, self.body):.0%} of its numbers from {', '.join(path.name for path in self.body)}")
        unet = unet.to(self.device, memory_format=torch.channels_last)
        return self._trained(unet, trained) if trained else unet

    def _trained(self, module: Any, stage: str) -> Any:
        path = self.folder / f"{stage}.pt"
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: the stage {stage} has not run")
        state = torch.load(path, map_location=self.device, weights_only=True)
        module.load_state_dict(state["averaged"] or state["module"])
        return module.eval()

    @torch.inference_mode()
    def show(self, unet: nn.Module, path: Path, guidance: float, steps: int) -> dict[str, float]:
        """The proof sheet: the same sentences and seeds every time, at 256 px."""
        was = unet.training
        unet.eval()
        texts = [text for text in PROOF for _ in range(2)]
        side = self.settings.cache.size_px // 8
        with self.autocast:
            states, empty = self.words.condition(texts).to(self.device), self.words.condition([""]).to(self.device)
            latents = diffusion.dream(unet, self.noising, states, empty, range(len(texts)), (self._large, side, side), guidance=guidance, steps=steps)
        unet.train(was)
        codec = self.codec_learned()
        pictures = codec.decode(padded(latents.float(), codec.channels))
        sheet(pictures, PROOF, 8, path, per_label=2)
        across = (pictures[..., 1:] - pictures[..., :-1]).abs().mean()
        return {"gradient": float(across), "std": float(latents.float().std()), "apart": float((pictures[::2] - pictures[1::2]).abs().mean())}


def padded(latents: Tensor, channels: int) -> Tensor:
    """(n, k, h, w) -> (n, channels, h, w): nothing is said of the smaller channels, so they are what they are on average."""
    return torch.nn.functional.pad(latents, (0, 0, 0, 0, 0, channels - latents.shape[1]))


@torch.no_grad()
def take_over(module: nn.Module, files: tuple[Path, ...]) -> float:
    """Copy every tensor of these files whose name and shape fit; the part of the module's numbers that were taken."""
    own, taken = module.state_dict(), 0
    for name, value in ((n, v) for file in files for n, v in load_file(file).items()):
        if name in own and own[name].shape == value.shape:
            own[name].copy_(value)
            taken += value.numel()
    return float(taken / sum(value.numel() for value in own.values()))
