"""Training on a configuration small enough to run whole: its stages, its stops and its resumptions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engine.atelier import export, learn, settings
from engine.atelier.card import write_card
from engine.atelier.train import main
from engine.atelier.workshop import STAGES, Workshop
from engine.mind.model import embedded
from engine.mind.model.encoder import Encoder

TINY = {
    "run": {"precision": "fp32", "founding": 2},
    "cache": {"sizes_px": [64, 128], "shard": 2, "rounds": 2, "captions": 2},
    "autoencoder": {"batch": 4, "crop_px": 32, "warmup": 2},
    "finish": {"batch": 2, "crop_px": 64, "warmup": 2, "critic": 4, "dreams": 2, "pool": 2, "round": 4},
    "teacher": {"batch": 4, "batch_tiny": 4, "batch_large": 2, "warmup": 2},
    "student": {"batch": 4, "batch_tiny": 4, "batch_large": 4, "warmup": 2, "round": 2, "replay": 2},
    "reader": {"batch": 8, "warmup": 2, "width": 16},
    "vae": {"encoder_block_out_channels": [16] * 4, "decoder_block_out_channels": [16] * 4, "num_decoder_blocks": [1, 1, 1, 0]},
    "unet": {"block_out_channels": [16, 16, 32], "cross_attention_dim": 32, "attention_head_dim": 8, "norm_num_groups": 8},
}


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder.load()


def workshop(folder: Path, encoder: Encoder, steps: int) -> Workshop:
    return Workshop(settings.load(changes=TINY), folder, minutes=0, steps=steps, encoder=encoder, out=lambda line: None)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Workshop:
    """A whole training of six steps a stage, exported."""
    made = workshop(tmp_path_factory.mktemp("training"), encoder, steps=6)
    made.train()
    export.export(made, made.folder / "model")
    return made


def losses(folder: Path, stage: str) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "log" / f"{stage}.jsonl").read_text().splitlines()]


def stop_at(learner: learn.Learner, step: int) -> None:
    while learner.step < step:
        learner.learn()
    learner.save()


def test_one_run_leaves_weights_that_load_and_dream(trained: Workshop, encoder: Encoder) -> None:
    model = embedded.load(trained.folder / "model")
    with torch.inference_mode():
        noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
        latents = model.unet(noise, torch.tensor([999]), encoder.condition(["a red sea"])).sample
        picture = embedded.to_pictures(model.vae, latents)
    assert picture.shape == (1, 3, 64, 64)
    assert torch.isfinite(picture).all()
    assert model.reader.vector(latents).shape == (1, 384)


@pytest.mark.parametrize("stage", ["teacher", "student", "finish"])
def test_stopping_and_resuming_gives_the_same_losses_as_not_stopping(
    stage: str, trained: Workshop, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = losses(trained.folder, stage)
    needed = {"teacher": (), "student": ("teacher.pt",), "finish": ("teacher.pt", "student.pt")}[stage]
    for name in ("shards", "spent.json", "autoencoder.pt", *needed):
        (tmp_path / name).symlink_to(trained.folder / name)
    halted = workshop(tmp_path, encoder, steps=6)
    run = learn.run

    def run_three_steps(learner: learn.Learner, **rest: object) -> None:
        stop_at(learner, 3)

    monkeypatch.setattr("engine.atelier.workshop.run", run_three_steps)
    getattr(halted, stage)()
    monkeypatch.setattr("engine.atelier.workshop.run", run)
    getattr(workshop(tmp_path, encoder, steps=6), stage)()
    assert losses(tmp_path, stage) == pytest.approx(whole[3:], rel=1e-5)


def test_a_finished_stage_is_not_learned_again(trained: Workshop, encoder: Encoder) -> None:
    before = losses(trained.folder, "teacher")
    workshop(trained.folder, encoder, steps=6).teacher()
    assert losses(trained.folder, "teacher") == before


def test_a_training_goes_on_from_exported_weights_on_other_pictures(trained: Workshop, tmp_path: Path, encoder: Encoder) -> None:
    """The encoder stands still, the student is the young teacher, the card adds up both trainings."""
    weights = trained.folder / "model"
    made = Workshop(settings.load(changes=TINY), tmp_path, 0, steps=2, encoder=encoder, out=lambda line: None, start=weights)
    before = embedded.load(weights)
    assert all(torch.equal(a, b) for a, b in zip(made.unet().parameters(), before.unet.parameters(), strict=True))
    made.train()
    export.export(made, tmp_path / "model")
    after = embedded.load(tmp_path / "model")
    same = {
        part: all(torch.equal(a, b) for a, b in zip(getattr(before, part).parameters(), getattr(after, part).parameters(), strict=True))
        for part in ("unet", "reader")
    }
    assert same == {"unet": False, "reader": False}
    assert all(torch.equal(a, b) for a, b in zip(before.vae.encoder.parameters(), after.vae.encoder.parameters(), strict=True))
    assert not torch.equal(made.cache.pictures(0)[:1], trained.cache.pictures(0)[:1])
    write_card(tmp_path / "model")
    assert "| teacher |" in (card := (tmp_path / "model" / "README.md").read_text(encoding="utf-8")) and "| 8 |" in card


def test_another_decoder_is_learned_beside_the_encoder_of_exported_weights(trained: Workshop, tmp_path: Path, encoder: Encoder) -> None:
    """Latents keep their meaning, so everything that was learned of them stays."""
    changed = settings.load(changes={**TINY, "vae": {**TINY["vae"], "num_decoder_blocks": [1, 2, 0, 0]}})
    weights = trained.folder / "model"
    made = Workshop(changed, tmp_path, 0, steps=2, encoder=encoder, out=lambda line: None, start=weights)
    made.paint()
    made.autoencoder()
    before, young, after = embedded.load(weights).vae, made.vae(), made.vae(trained=True)
    assert after.config.num_decoder_blocks == [1, 2, 0, 0]
    for one in (young, after):
        assert all(torch.equal(a, b) for a, b in zip(before.encoder.parameters(), one.encoder.parameters(), strict=True))
    assert torch.equal(before.decoder.layers[0].weight, young.decoder.layers[0].weight), "what fits is taken over"
    assert not torch.equal(young.decoder.layers[0].weight, after.decoder.layers[0].weight)
    assert losses(tmp_path, "autoencoder")


def test_weights_that_are_not_there_cannot_be_gone_on_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "unet" in capsys.readouterr().err


def test_every_stage_notes_the_time_it_took(trained: Workshop) -> None:
    assert set(json.loads((trained.folder / "spent.json").read_text())) == set(STAGES)


def test_the_autoencoder_begins_by_seeing_colour(trained: Workshop) -> None:
    from engine.atelier.autoencoder import see_colour

    vae = trained.vae()
    red, blue = torch.zeros(2, 3, 64, 64), torch.zeros(2, 3, 64, 64)
    red[:, 0], blue[:, 2] = 0.8, 0.8
    see_colour(vae, torch.cat([red, blue, torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))]))
    with torch.inference_mode():
        back = embedded.to_pictures(vae, embedded.to_latents(vae, torch.cat([red, blue]))).mean((2, 3))
    assert (back[:2].argmax(1) == 0).all() and (back[2:].argmax(1) == 2).all()


def test_the_encoder_stands_still_while_the_decoder_is_finished(trained: Workshop) -> None:
    before, after = trained._trained(trained.vae(), "autoencoder").state_dict(), trained.vae(trained=True).state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"decoder"}


def test_a_critic_learns_to_tell_and_the_decoder_to_please_it(trained: Workshop) -> None:
    """One step moves the critic towards telling paintings from decodings, and leaves no gradient on it from pleasing."""
    from engine.atelier.finish import FinishStage

    vae = trained._trained(trained.vae(), "autoencoder").train()
    stage = FinishStage(vae, trained.unet("student"), trained.cache, trained.batches(), trained.settings.finish, trained.autocast, 1)
    told = []
    optimiser = torch.optim.Adam(stage.module.critic.parameters(), lr=2e-3)
    for _ in range(40):
        loss, figures = stage.loss(0, learn.chance("same"), late=False)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        told.append(figures["critic"])
    assert told[-1] < 0.8 * told[0], "the critic learns nothing"
    assert figures["weight"] > 0


def test_nothing_held_out_is_in_the_cache(trained: Workshop) -> None:
    from engine.painter import captions
    from engine.painter.paint import Attributes

    for shard in range(trained.cache.count("words.json")):
        words = trained.cache.words(shard)
        for attributes, texts in zip(words.attributes, words.captions, strict=True):
            assert not any(captions.is_held_out(Attributes(**attributes), text) for text in texts)


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
