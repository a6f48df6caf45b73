"""Fetching: only what is read, announced before it begins, and never by accident."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.mind.model.fetch import chosen, fetch
from engine.mind.model.folder import ModelMissing
from engine.mind.model.models import describe, models, present
from tests.mind.model.turbo_models import save_sd_turbo, tiny_vae

SD_TURBO = {  # what the public repository holds, in short
    "model_index.json": 600, "README.md": 9000, "LICENSE.md": 11000, "sd_turbo.safetensors": 5_200_000_000,
    "unet/config.json": 1800, "unet/diffusion_pytorch_model.safetensors": 3_460_000_000,
    "unet/diffusion_pytorch_model.fp16.safetensors": 1_730_000_000, "unet/diffusion_pytorch_model.bin": 3_460_000_000,
    "vae/config.json": 600, "vae/diffusion_pytorch_model.safetensors": 330_000_000,
    "text_encoder/config.json": 600, "text_encoder/model.safetensors": 1_360_000_000,
    "text_encoder/model.fp16.safetensors": 680_000_000, "tokenizer/vocab.json": 1_000_000,
    "tokenizer/merges.txt": 500_000, "scheduler/scheduler_config.json": 400, "output_tile.jpg": 500_000,
}  # fmt: skip


class Shelf:
    """A hub on the disk: repositories are folders, bringing is copying into the hub's cache layout."""

    def __init__(self, repositories: dict[str, Path], cache: Path):
        self.repositories, self.cache = repositories, cache
        self.brought: list[str] = []

    def files(self, name: str) -> dict[str, int]:
        if name not in self.repositories:
            raise ModelMissing(f"the hub knows no model {name!r}")
        root = self.repositories[name]
        return {str(file.relative_to(root)): file.stat().st_size for file in root.rglob("*") if file.is_file()}

    def bring(self, name: str, file: str) -> Path:
        self.brought.append(f"{name}:{file}")
        repository = self.cache / ("models--" + name.replace("/", "--"))
        (repository / "refs").mkdir(parents=True, exist_ok=True)
        (repository / "refs" / "main").write_text("0" * 40)
        target = repository / "snapshots" / ("0" * 40) / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.repositories[name] / file, target)
        return target


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    root = tmp_path_factory.mktemp("hub")
    folder = save_sd_turbo(root / "sd")
    (folder / "README.md").write_text("---\nlicense: other\nlicense_name: stabilityai-ai-community\n---\n# Thin\n")
    tiny_vae().save_pretrained(root / "taesd")
    shelf = Shelf({"somebody/thin-turbo": folder, "madebyollin/taesd": root / "taesd"}, root / "cache")
    fetch("somebody/thin-turbo", shelf, say=lambda line: None)
    return shelf


def test_only_what_is_read_is_brought() -> None:
    found = chosen(SD_TURBO)
    assert "unet/diffusion_pytorch_model.safetensors" in found
    assert "tokenizer/merges.txt" in found
    for left in ("sd_turbo.safetensors", "unet/diffusion_pytorch_model.bin", "output_tile.jpg",
                 "unet/diffusion_pytorch_model.fp16.safetensors", "text_encoder/model.fp16.safetensors"):  # fmt: skip
        assert left not in found


def test_a_repository_without_safetensors_is_refused() -> None:
    with pytest.raises(ModelMissing, match="opens no pickles"):
        chosen({"model_index.json": 1, "unet/config.json": 1, "unet/model.bin": 1})


def test_a_fetch_brings_the_small_decoder_too(shelf: Shelf) -> None:
    assert any(file.startswith("madebyollin/taesd:") for file in shelf.brought)


def test_a_fetch_says_what_it_does(shelf: Shelf) -> None:
    said: list[str] = []
    fetch("madebyollin/taesd", shelf, said.append)
    assert said[0].startswith("madebyollin/taesd: 2 files, ")
    assert "100%" in said[-1]


def test_what_was_fetched_is_listed_with_its_licence(shelf: Shelf) -> None:
    found = {one.name: one for one in present(shelf.cache)}
    assert "embedded" in found
    thin = found["somebody/thin-turbo"]
    assert thin.licence == "stabilityai-ai-community"
    assert thin.pipeline == "StableDiffusionPipeline"
    assert thin.trouble == ""
    assert thin.fits(10**9)
    assert not thin.fits(10**5)


def test_a_partial_fetch_is_listed_with_what_is_missing(shelf: Shelf, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(shelf.cache, cache)
    next(cache.rglob("unet/*.safetensors")).unlink()
    said: list[str] = []
    models(said.append, cache, memory=10**9)
    assert any("unet/*.safetensors is missing" in line for line in said)


def test_a_model_is_described_in_a_line(shelf: Shelf) -> None:
    line = describe(str(shelf.repositories["somebody/thin-turbo"]))
    assert "licence stabilityai-ai-community, 1 step" in line
    with pytest.raises(ModelMissing, match="no model folder"):
        describe("/nowhere/at/all")
