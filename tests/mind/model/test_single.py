"""One file of weights, offline: it is opened, it paints what its folder would paint, and what it lacks is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from engine.mind.model.codec import Full, Tiny
from engine.mind.model.device import Cpu
from engine.mind.model.families import PlainUNet
from engine.mind.model.find import find
from engine.mind.model.folder import ModelMissing
from engine.mind.model.load import load
from engine.mind.model.model import Model
from tests.mind.model import original_layout as original
from tests.mind.model.turbo_models import small_tokenizer, tiny_vae

WORDS = len(small_tokenizer())


def network(**changes: Any) -> UNet2DConditionModel:
    torch.manual_seed(3)
    made: dict[str, Any] = {
        "sample_size": 64, "block_out_channels": (64, 128), "layers_per_block": 2, "cross_attention_dim": 64,
        "attention_head_dim": (1, 2), "use_linear_projection": True,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    }  # fmt: skip
    return UNet2DConditionModel(**(made | changes)).eval()


def text(kind: Any = CLIPTextModel, width: int = 64, activation: str = "quick_gelu", projection: int = 64) -> Any:
    torch.manual_seed(width)
    config = CLIPTextConfig(
        vocab_size=WORDS, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=2, hidden_act=activation,
        num_attention_heads=width // 64, projection_dim=projection, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    return kind(config).eval()


def large_vae() -> AutoencoderKL:
    torch.manual_seed(5)
    return AutoencoderKL(
        block_out_channels=(32, 32), layers_per_block=1, latent_channels=4, down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, scaling_factor=0.18215,
    ).eval()  # fmt: skip


class Made:
    """A file, and the parts that went into it."""

    def __init__(self, kind: str, folder: Path):
        self.kind, self.vae, self.second = kind, large_vae(), None
        parts = [original.vae(self.vae)]
        if kind == "sd1":
            self.unet, self.text = network(attention_head_dim=8, use_linear_projection=False), text()
            parts.append(original.clip(self.text, "cond_stage_model.transformer.text_model."))
        elif kind == "sd2":
            self.unet, self.text = network(), text(activation="gelu")
            parts.append(original.open_clip(self.text, "cond_stage_model.model.", unheard=1))
        else:
            self.unet = network(
                cross_attention_dim=192, transformer_layers_per_block=(1, 2), addition_embed_type="text_time",
                addition_time_embed_dim=8, projection_class_embeddings_input_dim=128 + 48,
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            )  # fmt: skip
            self.text = text()
            self.second = text(CLIPTextModelWithProjection, 128, "gelu", 128)
            parts.append(original.clip(self.text, "conditioner.embedders.0.transformer.text_model."))
            parts.append(original.open_clip(self.second, "conditioner.embedders.1.model."))
        small_tokenizer().save_pretrained(folder / "tokenizer")
        tiny_vae(16, (1, 1, 1, 1)).save_pretrained(folder / "vae_tiny")
        self.file = original.save(folder / f"{kind}.safetensors", original.unet(self.unet), *parts,
                                  note={"modelspec.license": "openrail++"})  # fmt: skip

    def open(self, **options: Any) -> Model:
        return load(self.file, (64, 64), "cpu", 1, numbers="float32", **options)


@pytest.fixture(scope="module", params=["sd1", "sd2", "sdxl"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_file_paints_what_the_parts_in_it_would_paint(made: Made) -> None:
    model = made.open()
    plain = PlainUNet(made.unet, Tiny(tiny_vae(16, (1, 1, 1, 1))), model.family.scheduler, model.family.words)
    plain.steps = model.family.steps
    parts = Model(plain.requires_grad_(False), "parts", (64, 64), Cpu())
    words, sheet = model.condition("a road"), torch.randn(model.latent, generator=torch.Generator().manual_seed(1))
    (shown, latent), (wanted, expected) = model.paint(words, sheet), parts.paint(words, sheet)
    assert (latent - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))
    assert abs(shown.astype(int) - wanted).max() <= 1


@torch.inference_mode()
def test_its_words_are_those_of_the_encoders_in_it(made: Made) -> None:
    tokens = small_tokenizer()("a road", padding="max_length", max_length=77, return_tensors="pt").input_ids
    condition = made.open().condition("a road")
    own = made.text(tokens, output_hidden_states=True)
    if made.second is None:
        ends = slice(0, 4)  # further on, the paddings differ from family to family
        assert (condition[ends] - own.last_hidden_state[0, ends]).abs().max() <= 1e-5
    else:
        assert (condition[:4, :64] - own.hidden_states[-2][0, :4]).abs().max() <= 1e-5
        assert condition.shape == (78, 192) and condition[-1, :128].abs().max() > 0


@torch.inference_mode()
def test_its_own_large_decoder_is_there_too(made: Made) -> None:
    model = load(made.file, (64, 64), "cpu", 1, numbers="float32", decoder="full")
    assert isinstance(model.family.codec, Full)
    made.vae.register_to_config(scaling_factor=model.family.codec.scale)
    latent = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(2))
    found, wanted = model.family.codec.decode(latent), Full(made.vae).decode(latent)
    assert (found - wanted).abs().max() <= 1e-5


def test_its_licence_steps_and_size_are_told(made: Made) -> None:
    model = made.open()
    assert model.licence == "openrail++"
    assert model.family.steps == (4 if made.kind == "sd1" else 1)
    assert find(made.file).pipeline == {"sd1": "LatentConsistencyModelPipeline", "sd2": "StableDiffusionPipeline",
                                        "sdxl": "StableDiffusionXLPipeline"}[made.kind]  # fmt: skip


def test_a_second_opening_reads_what_the_first_has_found(made: Made) -> None:
    first = find(made.file)
    (first.path / "kept").touch()
    assert (find(made.file).path / "kept").exists()
    assert made.open().structure == made.open().structure


def test_a_file_that_lacks_a_tensor_is_not_played(made: Made, tmp_path: Path) -> None:
    tensors = load_file(made.file)
    del tensors["model.diffusion_model.middle_block.0.in_layers.2.bias"]
    save_file(tensors, tmp_path / "holed.safetensors")
    for part in ("tokenizer", "vae_tiny"):
        (tmp_path / part).symlink_to(made.file.parent / part)
    with pytest.raises(ModelMissing, match=r"holed\.safetensors is not whole: its network has [\d,]+ numbers where"):
        load(tmp_path / "holed.safetensors", (64, 64), "cpu", 1, numbers="float32")


def test_what_a_file_is_instead_is_said(tmp_path: Path) -> None:
    def said(names: list[str]) -> str:
        save_file({name: torch.zeros(1) for name in names}, tmp_path / "x.safetensors")
        with pytest.raises((ValueError, ModelMissing)) as wrong:
            find(tmp_path / "x.safetensors")
        return str(wrong.value)

    assert "holds a LoRA" in said(["lora_unet_down.weight"])
    assert "holds a UNet alone" in said(["down_blocks.0.resnets.0.conv1.weight"])
    assert "possible: SD 1.5" in said(["encoder.layer"])
    assert "no text encoder" in said(["model.diffusion_model.input_blocks.0.0.weight"])


def test_a_file_that_is_cut_short_or_something_else_is_named(made: Made, tmp_path: Path) -> None:
    data = made.file.read_bytes()
    (tmp_path / "short.safetensors").write_bytes(data[:-100])
    with pytest.raises(ModelMissing, match=r"short\.safetensors is cut short"):
        find(tmp_path / "short.safetensors")
    (tmp_path / "other.safetensors").write_bytes(b"PK\3\4" + bytes(1000))
    with pytest.raises(ValueError, match="no safetensors file"):
        find(tmp_path / "other.safetensors")
    with pytest.raises(ModelMissing, match=r"did you mean .*short\.safetensors"):
        find(tmp_path / "shrt.safetensors")


def test_without_a_tokenizer_the_next_move_is_said(made: Made, tmp_path: Path) -> None:
    (tmp_path / "alone.safetensors").symlink_to(made.file)
    with pytest.raises(ModelMissing, match=rf"needs a tokenizer of {WORDS} words.*hypermnesia fetch stabilityai/sd-turbo"):
        find(tmp_path / "alone.safetensors")
