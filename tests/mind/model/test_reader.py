"""The reader: from latents back to words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.mind.model import embedded
from engine.mind.model.reader import Reader


@pytest.fixture
def reader() -> Reader:
    torch.manual_seed(0)
    return Reader(16, 24).eval()


@pytest.mark.parametrize("shape", [(16, 16), (32, 32), (32, 56), (9, 11)])
def test_latents_of_any_size_become_unit_vectors(reader: Reader, shape: tuple[int, int]) -> None:
    vectors = reader.vector(torch.randn(3, 24, *shape))
    assert vectors.shape == (3, 512)
    assert vectors.norm(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_other_latents_read_otherwise(reader: Reader) -> None:
    dark, light = reader.vector(torch.stack([torch.full((24, 16, 16), -1.0), torch.randn(24, 16, 16)]))
    assert dark @ light < 0.999


def test_nearest_words_are_ordered_by_likeness(reader: Reader) -> None:
    latents = torch.randn(1, 24, 16, 16, generator=torch.Generator().manual_seed(2))
    own = reader.vector(latents)[0].numpy()
    aside = np.roll(own, 1)
    vectors = np.stack([-own, own, (own + aside) / np.linalg.norm(own + aside)])
    assert reader.nearest(latents, ["against", "itself", "between"], vectors, 3) == [["itself", "between", "against"]]


def test_words_without_vectors_are_refused(reader: Reader) -> None:
    with pytest.raises(ValueError, match="2 words but 1 vectors"):
        reader.nearest(torch.zeros(1, 24, 8, 8), ["sea", "sky"], np.zeros((1, 512), np.float32))


def test_pictures_are_no_latents(reader: Reader) -> None:
    with pytest.raises(ValueError, match=r"\(n, 24, h, w\) latents, found \(1, 3, 64, 64\)"):
        reader.vector(torch.zeros(1, 3, 64, 64))


def test_a_saved_reader_reads_the_same(reader: Reader, tmp_path: Path) -> None:
    reader.save(tmp_path)
    latents = torch.randn(2, 24, 16, 16)
    assert float((Reader.load(tmp_path).vector(latents) * reader.vector(latents)).sum(1).min()) > 0.999


def test_missing_weights_are_named_with_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"unet/config.json is missing.*hypermnesia train"):
        embedded.load(tmp_path)


def test_weights_missing_beside_their_configuration_are_named(tmp_path: Path) -> None:
    for name in embedded.PARTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"unet/diffusion_pytorch_model.safetensors is missing"):
        embedded.load(tmp_path)
