"""Training on a configuration small enough to run whole: its stages, its stops and its resumptions."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.atelier import export, learn, settings
from engine.atelier.card import write_card
from engine.atelier.heads import NAMES, label, values
from engine.atelier.train import main
from engine.atelier.workshop import STAGES, Workshop
from engine.mind.memory import founding
from engine.mind.model import embedded
from engine.mind.model.encoder import DIM, Encoder
from engine.painter import captions, paint
from engine.painter.paint import Attributes

FOUNDING = 24
TINY = {
    "run": {"precision": "fp32", "founding": FOUNDING},
    "cache": {"size_px": 64, "shard": 2, "rounds": 1, "captions": 2},
    "codec": {"channels": 8, "batch": 4, "crop_px": 32, "warmup": 1},
    "heads": {"captions": 320, "batch": 64},
    "teacher": {"batch": 4, "batch_large": 2, "warmup": 2},
    "student": {"batch": 4, "batch_large": 4, "warmup": 2, "round": 2, "replay": 2},
    "reader": {"batch": 8, "warmup": 2, "width": 16},
    "unet": {"block_out_channels": [16, 16, 32], "cross_attention_dim": 32, "attention_head_dim": 8, "norm_num_groups": 8},
}


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder()


def workshop(folder: Path, encoder: Encoder, steps: int, **rest: object) -> Workshop:
    return Workshop(settings.load(changes=TINY), folder, minutes=0, steps=steps, encoder=encoder, out=lambda line: None, **rest)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Workshop:
    """A whole training of six steps a stage, exported."""
    made = workshop(tmp_path_factory.mktemp("training"), encoder, steps=6)
    made.train()
    export.export(made, made.folder / "model", processes=1)
    return made


def lent(trained: Workshop, folder: Path, *names: str) -> None:
    """Parts of a training, seen from another folder."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).symlink_to(trained.folder / name)


def losses(folder: Path, stage: str) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "log" / f"{stage}.jsonl").read_text().splitlines()]


def stop_at(learner: learn.Learner, step: int) -> None:
    while learner.step < step:
        learner.learn()
    learner.save()


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(one, other) for one, other in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_one_run_leaves_weights_that_load_and_dream(trained: Workshop, encoder: Encoder) -> None:
    model = embedded.load(trained.folder / "model")
    large = model.unet.config["in_channels"]
    with torch.inference_mode():
        noise = torch.randn(1, large, 8, 8, generator=torch.Generator().manual_seed(1))
        said = model.unet(noise, torch.tensor([999]), encoder.condition(["a red sea"])).sample
        latents = torch.cat([said, torch.zeros(1, model.codec.channels - large, 8, 8)], 1)
        picture = model.codec.decode(latents)
    assert picture.shape == (1, 3, 64, 64)
    assert torch.isfinite(picture).all()
    assert model.reader.vector(latents).shape == (1, DIM)
    assert set(model.heads.values) >= {"kind", "time", "colour", "weather"}


@pytest.mark.parametrize(("stage", "needed"), [("codec", ()), ("heads", ()), ("teacher", ("codec",)), ("student", ("codec", "teacher.pt"))])
def test_stopping_and_resuming_gives_the_same_losses_as_not_stopping(
    stage: str, needed: tuple[str, ...], trained: Workshop, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = losses(trained.folder, stage)
    lent(trained, tmp_path, "spent.json", *needed)
    if stage == "codec":  # it learns before anything is encoded
        (tmp_path / "shards").mkdir()
        for part in ("words.json", "pictures.npy"):
            for path in (trained.folder / "shards").glob(f"*.{part}"):
                (tmp_path / "shards" / path.name).symlink_to(path)
    else:
        lent(trained, tmp_path, "shards")
    run = learn.run

    def run_three_steps(learner: learn.Learner, **rest: object) -> None:
        stop_at(learner, 3)

    monkeypatch.setattr("engine.atelier.workshop.run", run_three_steps)
    getattr(workshop(tmp_path, encoder, steps=6), stage)()
    monkeypatch.setattr("engine.atelier.workshop.run", run)
    getattr(workshop(tmp_path, encoder, steps=6), stage)()
    assert losses(tmp_path, stage) == pytest.approx(whole[3:], rel=1e-5)


def test_a_finished_stage_is_not_learned_again(trained: Workshop, encoder: Encoder) -> None:
    before = losses(trained.folder, "teacher")
    workshop(trained.folder, encoder, steps=6).teacher()
    assert losses(trained.folder, "teacher") == before


def test_a_codec_is_not_learned_further_once_pictures_are_encoded_with_it(trained: Workshop, encoder: Encoder) -> None:
    before = (trained.folder / "codec" / "lapped.safetensors").read_bytes()
    workshop(trained.folder, encoder, steps=60).codec()
    assert (trained.folder / "codec" / "lapped.safetensors").read_bytes() == before


def test_the_codec_learns_and_orders_its_channels_by_what_they_carry(trained: Workshop) -> None:
    codec = trained.codec_learned()
    assert (codec.carries.diff() <= 1e-6).all()
    pictures = trained.cache.pictures(0)
    latents = codec.encode(pictures)
    assert latents.shape[1] == codec.channels == 8
    assert float((codec.decode(latents) - pictures).abs().mean()) < 0.5 * float((pictures - pictures.mean()).abs().mean())


def test_heads_read_what_captions_say_and_leave_the_rest_unsaid(encoder: Encoder, tmp_path: Path) -> None:
    made = Workshop(settings.load(changes={**TINY, "heads": {"captions": 2400, "batch": 512}}), tmp_path, 0, steps=60, encoder=encoder,
                    out=lambda line: None)  # fmt: skip
    made.heads()
    said = made.heads_learned().said(encoder.sentences(["a red flower at night"])[0])
    assert (said["kind"], said["colour"]) == ("flower", "red")
    assert "season" not in said


def test_a_training_goes_on_from_exported_weights_on_other_pictures(trained: Workshop, tmp_path: Path, encoder: Encoder) -> None:
    """The codec stands still, the student is the young teacher, the card adds up both trainings."""
    weights = trained.folder / "model"
    made = workshop(tmp_path, encoder, steps=2, start=weights)
    before = embedded.load(weights)
    assert same(made.unet(), before.unet)
    made.train()
    export.export(made, tmp_path / "model", processes=1)
    after = embedded.load(tmp_path / "model")
    assert {part: same(getattr(before, part), getattr(after, part)) for part in ("codec", "unet", "reader")} == {"codec": True, "unet": False, "reader": False}
    assert not torch.equal(made.cache.pictures(0)[:1], trained.cache.pictures(0)[:1])
    write_card(tmp_path / "model")
    assert "| teacher |" in (card := (tmp_path / "model" / "README.md").read_text(encoding="utf-8")) and "| 8 |" in card


def test_weights_that_are_not_there_cannot_be_gone_on_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "unet" in capsys.readouterr().err


def test_a_body_of_other_latents_lends_a_young_unet_what_fits(trained: Workshop, tmp_path: Path, encoder: Encoder) -> None:
    body = {name: value.clone().contiguous() for name, value in trained.unet("student").state_dict().items()}
    body["conv_in.weight"] = body["conv_in.weight"][:, :4].clone()  # of four channels: does not fit
    body["mid_block.resnets.0.conv1.weight"] += 1.0
    save_file(body, tmp_path / "body.safetensors")
    said: list[str] = []
    made = workshop(tmp_path / "out", encoder, steps=2, body=(tmp_path / "body.safetensors",))
    made.out = said.append
    own, young = made.unet().state_dict(), workshop(tmp_path / "young", encoder, steps=2).unet().state_dict()
    assert torch.equal(own["mid_block.resnets.0.conv1.weight"], body["mid_block.resnets.0.conv1.weight"])
    assert torch.equal(own["conv_in.weight"], young["conv_in.weight"])
    (told,) = (line for line in said if "body.safetensors" in line)
    assert 90 <= int(re.search(r"takes (\d+)%", told)[1]) <= 100  # type: ignore[index]


def test_every_stage_notes_the_time_it_took(trained: Workshop) -> None:
    assert set(json.loads((trained.folder / "spent.json").read_text())) == set(STAGES)


def test_nothing_held_out_is_in_the_cache_or_among_the_founders(trained: Workshop) -> None:
    for shard in range(trained.cache.count("words.json")):
        words = trained.cache.words(shard)
        for attributes, texts in zip(words.attributes, words.captions, strict=True):
            assert not any(captions.is_held_out(Attributes(**attributes), text) for text in texts)
    assert not any(captions.is_held_out(recipe.shows, "") for recipe in export.recipes(3 * len(paint.KINDS)))


def test_the_founding_table_says_what_its_recipes_show_and_what_is_read_in_them(trained: Workshop, encoder: Encoder) -> None:
    folder = trained.folder / "model"
    table = founding.load(folder / founding.FILE)
    assert len(table) == len(table.recipes) == FOUNDING
    assert [recipe.shows.kind for recipe in table.recipes] == list(paint.KINDS[:FOUNDING])
    assert np.abs(table.t - encoder.sentences(list(table.captions))).max() < 0.01
    model = embedded.load(folder)
    with torch.inference_mode():
        read = model.reader.vector(model.codec.encode(table.recipes[5].paint((64, 64))[None]))
    assert float(torch.cosine_similarity(read, torch.from_numpy(table.v[5:6]))) > 0.999


def test_after_painters_have_changed_heads_and_what_is_new_are_made_again_in_place(trained: Workshop, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.folder / "model", tmp_path / "model")
    before = founding.load(folder / founding.FILE)
    foggy = list(before.recipes)
    foggy[3] = replace(foggy[3], shows=Attributes(foggy[3].shows.kind, weather="fog"), version=1)
    founding.save(folder / founding.FILE, replace(before, recipes=foggy))
    heads = (folder / "heads" / "heads.safetensors").read_bytes()
    quick = TINY | {"run": {"precision": "fp32", "founding": FOUNDING, "minutes": 0.01}}
    export.renew(folder, settings.load(changes=quick), lambda line: None, processes=1)
    after = founding.load(folder / founding.FILE)
    assert len(after) == FOUNDING and all(recipe.stands for recipe in after.recipes)
    assert after.recipes[3] != foggy[3] and after.recipes[3].shows.kind == foggy[3].shows.kind and after.captions[3] == after.recipes[3].caption
    others = [row for row in range(FOUNDING) if row != 3]
    assert [after.recipes[row] for row in others] == [before.recipes[row] for row in others] and np.abs(after.v[others] - before.v[others]).max() < 1e-3
    assert np.abs(after.v[3] - before.v[3]).max() > 1e-3 and (folder / "heads" / "heads.safetensors").read_bytes() != heads
    assert main(["--renew", str(tmp_path / "nowhere")]) == 2


def test_the_weights_are_small_files_and_the_card_tells_how_they_were_made(trained: Workshop) -> None:
    folder = trained.folder / "model"
    write_card(folder)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| teacher |" in card and "procedural" in card
    assert all(file.stat().st_size < 16e6 for file in folder.rglob("*") if file.is_file())


def test_a_misspelt_setting_is_named_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"train.toml: nothing is called student.guidence; did you mean guidance"):
        settings.load(changes={"student": {"guidence": 2.0}})


def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="must sum to 1"):
        settings.load(changes={"share": {"reader": 0.5}})


def test_a_folder_with_a_training_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spent.json").write_text("{}")
    assert main(["--out", str(tmp_path)]) == 2
    assert "--resume" in capsys.readouterr().err


def test_what_a_caption_says_is_labelled_and_what_it_leaves_out_is_not() -> None:
    """"at sunset" was looked for as "t sunset": its article had been taken off, and nobody ever said the hour."""
    table = values()
    shown = Attributes("sea", time="sunset", weather="rain", colour="red")
    names = dict(zip(NAMES, label(shown, "the red sea at sunset", "en", table), strict=True))
    assert (table["kind"][names["kind"]], table["time"][names["time"]], table["colour"][names["colour"]]) == ("sea", "sunset", "red")
    assert names["weather"] == 0
