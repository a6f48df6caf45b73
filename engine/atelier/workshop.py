"""The stages of training in their order, each in its share of the budget.

Every stage keeps its time and its state in the folder, so a run that is stopped anywhere goes on there.
A longer budget on a finished folder learns further: teacher, student, finish and reader go on with what the cache
then holds. The encoder never does once pictures are encoded, for their latents would no longer fit.

A training may also begin with exported weights (`start`): their encoder stands still, their student is the young
teacher, and other pictures are painted than those that they have learned from. Their decoder is learned on only where
the settings want one of another shape.
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
from diffusers import AutoencoderTiny, UNet2DConditionModel
from torch import Tensor, nn

from engine.atelier import diffusion
from engine.atelier.autoencoder import AutoencoderStage, see_colour
from engine.atelier.cache import Cache
from engine.atelier.dataset import Batches
from engine.atelier.finish import Critic, Finish, FinishStage
from engine.atelier.learn import Clock, Learner, Log, Stage, chance, run
from engine.atelier.reading import ReaderStage
from engine.atelier.sentences import PROOF
from engine.atelier.settings import Settings
from engine.atelier.student import StudentStage
from engine.atelier.teacher import TeacherStage
from engine.core.sheet import sheet
from engine.mind.model.cpu import computes_bfloat16
from engine.mind.model.embedded import to_latents, to_pictures
from engine.mind.model.encoder import Encoder
from engine.mind.model.reader import Reader

STAGES = ("paint", "autoencoder", "encode", "teacher", "student", "finish", "reader")


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
        vae, encoder = self.vae(trained=True), self.words
        painted = self.cache.count("words.json")
        self._shards("encode", "latents.npy", lambda shard: self._encode(shard, vae, encoder), min(self._kinds, painted), painted)

    def _encode(self, shard: int, vae: nn.Module, encoder: Encoder) -> None:
        def latents(pictures: Tensor) -> Tensor:
            with self.autocast:
                return to_latents(vae, pictures.contiguous(memory_format=torch.channels_last)).float()

        if not self.cache.has(shard, "states.npy"):
            with self.autocast:
                self.cache.encode_words(shard, encoder)
        self.cache.encode_pictures(shard, latents)

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

    def autoencoder(self) -> None:
        frozen = self.start or self.cache.count("latents.npy")  # the encoder: the cache is made of its latents
        if frozen and not self._other_decoder:
            return
        vae = self.vae()
        vae.encoder.requires_grad_(not frozen)
        stage = AutoencoderStage(vae, self.cache, self.settings.autoencoder, self.autocast)
        if not frozen:
            see_colour(vae, torch.cat([stage.crops(chance(self.settings.run.seed, "colour", turn)) for turn in range(8)]))
        self._learn(stage)

    def teacher(self) -> None:
        unet = self.unet()
        self._learn(TeacherStage(unet, self.batches(), self.noising, self.settings.teacher, self.autocast,
                                 lambda module, path: self.show(module, path, self.settings.student.guidance, 4)))

    def student(self) -> None:
        teacher = self.unet("teacher")
        self._learn(StudentStage(copy.deepcopy(teacher), teacher, self.batches(), self.noising, self.settings.student,
                                 self.autocast, lambda module, path: self.show(module, path, 1.0, 1), self.settings.run.seed))

    def finish(self) -> None:
        self._learn(FinishStage(self._unfinished().train(), self.unet("student"), self.cache, self.batches(), self.settings.finish,
                                self.autocast, self.settings.run.seed))

    def reader(self) -> None:
        torch.manual_seed(self.settings.run.seed)
        reader = Reader.load(self.start / "reader").requires_grad_(True) if self.start else Reader(self.settings.reader.width)
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
            self.encoder = Encoder.load(device=self.device)
        return self.encoder

    def batches(self) -> Batches:
        return Batches(self.cache, self.words, self.cache.count("latents.npy"), self.device)

    def vae(self, trained: bool = False) -> AutoencoderTiny:
        """The autoencoder, young or as trained so far (then frozen)."""
        if trained and not (self.folder / "finish.pt").exists():
            return self._unfinished()
        vae = self._young(AutoencoderTiny, "vae", self.settings.run.seed)
        if self._other_decoder:
            vae = _with_decoder(vae, self.settings.vae).to(self.device, memory_format=torch.channels_last)
        return self._trained(Finish(vae, Critic(self.settings.finish.critic)), "finish").vae if trained else vae

    def _unfinished(self) -> AutoencoderTiny:
        """The autoencoder as the stage `finish` takes it over."""
        vae = self.vae()
        return vae.eval() if self.start and not self._other_decoder else self._trained(vae, "autoencoder")

    @property
    def _other_decoder(self) -> bool:
        """Whether the settings want another decoder than the weights that this training began with."""
        if self.start is None:
            return False
        config = json.loads((self.start / "vae" / "config.json").read_text(encoding="utf-8"))
        return bool(config["num_decoder_blocks"] != self.settings.vae["num_decoder_blocks"])

    def unet(self, trained: str = "") -> UNet2DConditionModel:
        """The UNet, young, or the averaged weights of a stage."""
        unet = self._young(UNet2DConditionModel, "unet", self.settings.run.seed + 1)
        return self._trained(unet, trained) if trained else unet

    def _young(self, kind: Any, part: str, seed: int) -> Any:
        """A part before this training: from chance, or as the weights have it that it goes on from."""
        torch.manual_seed(seed)
        if self.start:
            made = kind.from_pretrained(self.start / part, torch_dtype=torch.float32, local_files_only=True)
        else:
            made = kind(**getattr(self.settings, part))
        return made.to(self.device, memory_format=torch.channels_last)

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
        side = max(self.settings.cache.sizes_px) // 8
        with self.autocast:
            states, empty = self.words.condition(texts).to(self.device), self.words.condition([""]).to(self.device)
            latents = diffusion.dream(unet, self.noising, states, empty, range(len(texts)), (side, side), guidance=guidance, steps=steps)
            pictures = to_pictures(self.vae(trained=True), latents).float()
        unet.train(was)
        sheet(pictures, PROOF, 8, path, per_label=2)
        across = (pictures[..., 1:] - pictures[..., :-1]).abs().mean()
        return {"gradient": float(across), "std": float(latents.float().std()), "apart": float((pictures[::2] - pictures[1::2]).abs().mean())}


def _with_decoder(vae: AutoencoderTiny, shape: dict[str, Any]) -> AutoencoderTiny:
    """The encoder of `vae` with a decoder as `shape` has it, which takes over what has the same name and size."""
    made = AutoencoderTiny(**shape)
    made.encoder.load_state_dict(vae.encoder.state_dict())
    own = made.decoder.state_dict()
    fits = {name: value for name, value in vae.decoder.state_dict().items() if name in own and own[name].shape == value.shape}
    made.decoder.load_state_dict(fits, strict=False)
    return made
