"""Folders of one small model as hubs, tools, Macs and broken copies leave it: opened, or refused with the right sentence."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from engine.mind.model.find import find
from engine.mind.model.folder import ModelMissing
from engine.mind.model.models import describe
from engine.mind.model.opening import open_family
from tests.mind.model.turbo_models import save_sd_turbo

UNET, TEXT = "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"
Layout = Callable[[Path], Path]  # makes a copy of the model into another layout; returns what is given to --model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sd_turbo(tmp_path_factory.mktemp("model") / "turbo")


@pytest.fixture
def copy(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(model, tmp_path / "turbo")
    return tmp_path / "turbo"


def rename(folder: Path, *pairs: tuple[str, str]) -> Path:
    for old, new in pairs:
        (folder / old).rename(folder / new)
    return folder


def variant(folder: Path, *names: str) -> Path:
    """Every part under variants of its own, in turn."""
    files = sorted(folder.glob("*/*.safetensors"))
    for number, file in enumerate(files):
        file.rename(file.with_name(file.name.replace(".safetensors", f".{names[number % len(names)]}.safetensors")))
    return folder


def shards(folder: Path, first: str, second: str, index: str = "", lost: str = "") -> Path:
    """The UNet in two."""
    tensors = load_file(folder / UNET)
    (folder / UNET).unlink()
    names = sorted(tensors)
    halves = dict.fromkeys(names[::2], first) | dict.fromkeys(names[1::2], second)
    for shard in (first, second):
        save_file({name: tensors[name] for name in names if halves[name] == shard}, folder / "unet" / shard)
    if index:
        table = {"metadata": {"total_size": 1}, "weight_map": halves | ({lost: first} if lost else {})}
        (folder / "unet" / index).write_text(json.dumps(table))
    return folder


def marked(folder: Path) -> Path:
    for file in (folder / "model_index.json", folder / "unet" / "config.json"):
        file.write_text(file.read_text(), encoding="utf-8-sig")
    return folder


def edited(folder: Path, **parts: list[str | None]) -> Path:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | parts))
    return folder


def hub(folder: Path) -> Path:
    """The hub's cache: every file a link to a blob that is called by its hash."""
    repository = folder.parent / "models--somebody--turbo"
    (repository / "refs").mkdir(parents=True)
    (repository / "blobs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    for file in [each for each in folder.rglob("*") if each.is_file()]:
        blob = repository / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        link = repository / "snapshots" / ("0" * 40) / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        file.rename(blob)
        link.symlink_to(blob)
    return repository


def inside(folder: Path) -> Path:
    (folder.parent / "from the stick" / "models").mkdir(parents=True)
    folder.rename(folder.parent / "from the stick" / "models" / "turbo")
    return folder.parent / "from the stick"


def mac(folder: Path) -> Path:
    for file in [each for each in folder.rglob("*") if each.is_file()]:
        file.with_name(f"._{file.name}").write_bytes(b"\0\5\x16\7" + bytes(100))
    return folder


def linked(folder: Path) -> Path:
    moved = folder.rename(folder.parent / "elsewhere")
    folder.mkdir()
    for entry in moved.iterdir():
        (folder / entry.name).symlink_to(entry)
    return folder


def sums(folder: Path, spoilt: bool = False) -> Path:
    line = hashlib.sha256((folder / UNET).read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{line[::-1] if spoilt else line}  {UNET}\n")
    return folder


def changed(folder: Path, file: str, write: Callable[[bytes], bytes]) -> Path:
    (folder / file).write_bytes(write((folder / file).read_bytes()))
    return folder


MIDDLE = "diffusion_pytorch_model"
OPENED: dict[str, Layout] = {
    "plain": lambda folder: folder,
    "fp16 everywhere": lambda folder: variant(folder, "fp16"),
    "fp16 in some parts only": lambda folder: rename(folder, (UNET, f"unet/{MIDDLE}.fp16.safetensors")),
    "a variant of its own in each part": lambda folder: variant(folder, "fp16", "bf16"),
    "in shards": lambda folder: shards(folder, f"{MIDDLE}-00001-of-00002.safetensors", f"{MIDDLE}-00002-of-00002.safetensors", f"{MIDDLE}.safetensors.index.json"),
    "in shards of a variant": lambda folder: shards(folder, f"{MIDDLE}.fp16-00001-of-00002.safetensors", f"{MIDDLE}.fp16-00002-of-00002.safetensors", f"{MIDDLE}.safetensors.index.fp16.json"),
    "in shards of an older tool, without an index": lambda folder: shards(folder, f"{MIDDLE}-00001-of-00002.fp16.safetensors", f"{MIDDLE}-00002-of-00002.fp16.safetensors"),
    "moving averages beside what they were taken of": lambda folder: rename(changed(folder, f"unet/{MIDDLE}.non_ema.safetensors", bytes) if (shutil.copy(folder / UNET, folder / f"unet/{MIDDLE}.non_ema.safetensors")) else folder, (UNET, f"unet/{MIDDLE}.ema.safetensors")),
    "byte order marks": marked,
    "endings in capitals": lambda folder: rename(folder, (UNET, f"unet/{MIDDLE}.SAFETENSORS")),
    "the path of its index": lambda folder: folder / "model_index.json",
    "a folder some way down": inside,
    "a feature extractor that is named and absent": lambda folder: edited(folder, feature_extractor=["transformers", "CLIPImageProcessor"], safety_checker=["stable_diffusion", "X"]),
    "the hub's cache": hub,
    "links": linked,
    "over a Mac": mac,
    "with its sums": sums,
}  # fmt: skip

REFUSED: dict[str, tuple[Layout, str]] = {
    "a pickle in a part": (lambda folder: rename(folder, (UNET, f"unet/{MIDDLE}.bin")), r"unet/ has only diffusion_pytorch_model\.bin, a pickle, and opening one may run any program"),
    "a checkpoint": (lambda folder: rename(folder, (UNET, "turbo.ckpt")) / "turbo.ckpt", r"turbo\.ckpt is a pickle"),
    "cut short": (lambda folder: changed(folder, UNET, lambda data: data[:-9]), r"unet/diffusion_pytorch_model\.safetensors is cut short: [\d,]+ of [\d,]+ bytes are here"),
    "cut in its first bytes": (lambda folder: changed(folder, UNET, lambda data: data[:100]), "unet/.* is cut short: 100 bytes"),
    "a pointer": (lambda folder: changed(folder, UNET, lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "unet/.*: a pointer of git-lfs: `git lfs pull`"),
    "a pointer in place of a tokenizer": (lambda folder: changed(folder, "tokenizer/tokenizer.json", lambda data: b"version https://git-lfs.github.com/spec/v1\n"), r"tokenizer/tokenizer\.json: a pointer"),
    "empty": (lambda folder: changed(folder, TEXT, lambda data: b""), r"text_encoder/model\.safetensors: empty"),
    "a web page": (lambda folder: changed(folder, UNET, lambda data: b"<!doctype html><title>403</title>"), "unet/.* is no safetensors file, whatever its name says: it is a web page"),
    "a shard that is missing": (lambda folder: shards(folder, f"{MIDDLE}-00001-of-00003.safetensors", f"{MIDDLE}-00003-of-00003.safetensors"), r"unet/diffusion_pytorch_model-00002-of-00003\.safetensors is missing"),
    "an index that names more": (lambda folder: shards(folder, f"{MIDDLE}-00001-of-00002.safetensors", f"{MIDDLE}-00002-of-00002.safetensors", f"{MIDDLE}.safetensors.index.json", "lost.weight"), r"unet/ is not whole: its index names lost\.weight, which no shard holds"),
    "another hash": (lambda folder: sums(folder, spoilt=True), "unet/.* is not what it was when it was made"),
    "a link that leads nowhere": (lambda folder: changed(folder, UNET, bytes) if (folder / UNET).unlink() or (folder / UNET).symlink_to(folder / "gone") else folder, "unet/.* is missing|a link that leads nowhere"),
    "a part that is missing": (lambda folder: rename(folder, ("vae", "somewhere")), "vae/ is missing"),
    "no tokenizer": (lambda folder: rename(folder, ("tokenizer/tokenizer.json", "tokenizer/x")), r"tokenizer/vocab\.json is missing"),
    "an index that is no JSON": (lambda folder: changed(folder, "model_index.json", lambda data: data[:-30]), r"model_index\.json is no JSON"),
    "an index that is a list": (lambda folder: changed(folder, "model_index.json", lambda data: b"[]"), r"model_index\.json holds a list where an object"),
    "an index without parts": (lambda folder: changed(folder, "model_index.json", lambda data: b"{}"), "names no part"),
    "a config that is no JSON": (lambda folder: changed(folder, "unet/config.json", lambda data: b"{"), r"unet/config\.json is no JSON"),
    "a part of a model": (lambda folder: folder / "unet", r"is a part of a model \(unet\); name the whole: .*turbo"),
    "two models": (lambda folder: shutil.copytree(folder, folder.parent / "other").parent, r"holds 2 models; name one of them: .*other, .*turbo"),
    "packed": (lambda folder: rename(folder, (UNET, "turbo.zip")) / "turbo.zip", r"turbo\.zip is packed: unpack it"),
    "nothing": (lambda folder: folder / "scheduler" / "none", "no model folder at"),
}  # fmt: skip


@pytest.mark.parametrize("layout", OPENED)
def test_it_is_opened(copy: Path, model: Path, layout: str) -> None:
    folder = find(OPENED[layout](copy))
    with safe_open(model / UNET, "pt") as file:
        name = sorted(file.keys())[0]
        wanted = file.get_tensor(name)
    family = open_family(folder, torch.float32)
    assert torch.equal(family.state_dict()[f"network.{name}"], wanted)
    assert folder.bytes > 0 and folder.fingerprint() and "StableDiffusionPipeline" in folder.pipeline


@pytest.mark.parametrize("layout", REFUSED)
def test_it_is_refused(copy: Path, layout: str) -> None:
    make, says = REFUSED[layout]
    given = make(copy)
    with pytest.raises((ModelMissing, ValueError), match=says) as wrong:
        find(given)
    assert "\n" not in str(wrong.value)


def test_a_model_that_is_fetched_only_in_part_says_so(copy: Path) -> None:
    repository = hub(copy)
    next((repository / "snapshots").rglob("unet/*.safetensors")).resolve().unlink()
    with pytest.raises(ModelMissing, match=r"unet/\*\.safetensors is missing"):
        describe(str(repository))


def test_a_pipe_among_the_configs_is_not_waited_for(copy: Path) -> None:
    os.mkfifo(copy / "vae" / "old_config.json")
    assert find(copy).fingerprint()


def test_a_folder_of_links_is_made_once_and_again_when_a_file_has_changed(copy: Path) -> None:
    first = find(variant(copy, "fp16")).path
    assert find(copy).path == first != copy and (first / UNET).is_symlink()
    changed(copy, f"unet/{MIDDLE}.fp16.safetensors", bytes)
    assert find(copy).path != first
