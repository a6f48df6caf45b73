"""The judge, on pictures whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from engine.atelier import judge, presented, wall
from engine.atelier.card import curve_table, table, write_card
from engine.atelier.evaluate import main
from engine.atelier.figures import Studio, held_out_scenes, history, roughness
from engine.atelier.judge import Paintings
from engine.atelier.plain import plain
from engine.mind.memory import founding
from engine.mind.model import embedded
from engine.painter import captions, paint
from engine.painter.paint import Attributes

COLOURS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.7, 0.2), "blue": (0.1, 0.2, 0.9)}


def flags(each: int, seed: int) -> Paintings:
    """Pictures of one colour, as plain as can be."""
    draw = torch.Generator().manual_seed(seed)
    names = [name for name in COLOURS for _ in range(each)]
    colours = torch.tensor([COLOURS[name] for name in names])[:, :, None, None]
    pictures = colours.expand(-1, 3, 64, 64) + 0.05 * torch.randn(len(names), 3, 64, 64, generator=draw)
    return Paintings(pictures.clamp(0, 1), [Attributes(kind="sky", colour=name) for name in names])


@pytest.fixture(scope="module")
def trained() -> judge.Judge:
    return judge.train_judge(flags(8, 0), steps=20, seed=0, batch=12)


def test_the_judge_tells_what_was_asked_from_what_was_swapped(trained: judge.Judge) -> None:
    seen = flags(1, 1)
    true = judge.retrieval(trained, seen.pictures, seen.attributes)[0]
    swapped = judge.retrieval(trained, seen.pictures.roll(1, 0), seen.attributes)[0]
    assert true == 1.0 and swapped == 0.0


def test_a_probe_counts_only_what_was_asked(trained: judge.Judge) -> None:
    seen = flags(4, 2)
    found = judge.accuracy(trained, seen.pictures, seen.attributes)
    assert found["colour"] == 1.0
    assert "time" not in found


def test_a_grey_model_fails_the_colour_probe(trained: judge.Judge) -> None:
    grey = torch.full((12, 3, 64, 64), 0.4)
    assert judge.accuracy(trained, grey, flags(4, 2).attributes)["colour"] < 0.5


def test_a_plain_sentence_says_every_attribute_and_is_none_of_the_grammars() -> None:
    shown = Attributes("ship", "night", "moon", "storm", "red", "blue", "silent", "", "birds", "sails")
    said = plain(shown)
    assert said == "a silent red ship, sails, with birds, with blue light, at night, in a storm, under the moon"
    assert plain(Attributes("elder", colour="orange")) == "an orange old person"
    for kind in paint.KINDS:
        assert plain(Attributes(kind))


def test_a_word_that_does_not_show_is_not_asked_for() -> None:
    assert judge.shows(Attributes("sea", time="night"), "time", seed=3)
    assert judge.shown_only(Attributes("sea", time="night"), 3).time == "night"
    assert not judge.shows(Attributes("library", weather="clear"), "weather", seed=3), "it lies inside"
    assert judge.shown_only(Attributes("library", weather="clear"), 3).weather == ""


def test_a_judge_that_was_left_in_a_folder_is_read_there(trained: judge.Judge, tmp_path: Path) -> None:
    judge.leave(trained, tmp_path)
    said: list[str] = []
    again = judge.learned(60.0, 0, said.append, tmp_path)
    seen = flags(1, 1).pictures
    assert torch.allclose(again.see(seen), trained.see(seen), atol=2e-2) and "read from" in said[0]


def test_distance_is_nothing_to_itself_and_grows_with_a_shift() -> None:
    features = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    assert judge.distance(features, features) == pytest.approx(0, abs=1e-6)
    assert judge.distance(features, features + 2) == pytest.approx(24, rel=1e-3)


def test_noise_and_blur_are_told_apart() -> None:
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(picture, 3, 1, 1)
    assert all(a < b for a, b in zip(roughness(blurred), roughness(picture), strict=True))


def test_held_out_scenes_keep_what_is_held_out() -> None:
    assert all(captions.is_held_out(scene, "") for scene in held_out_scenes(16, 3))


def test_the_card_shows_every_figure_that_was_measured(tmp_path: Path) -> None:
    rows = [{"name": "retrieval R@10", "value": "0.41", "beside": "real paintings 0.97", "how": "256 captions"}]
    measured = {"rows": rows, "date": "2026-01-01", "quick": True, "seed": 1, "judge_minutes": 2.0}
    (tmp_path / "figures.json").write_text(json.dumps({"wall": measured}))
    write_card(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert table(measured, "wall") in card and "evaluate --wall --quick" in card
    assert "student alone\n" not in card, "what was not measured is not mentioned"


def test_the_card_of_the_shipped_weights_tells_their_own_shapes(tmp_path: Path) -> None:
    for part in ("unet", "codec", "reader", "founding.safetensors"):
        (tmp_path / part).symlink_to(embedded.FOLDER / part)
    write_card(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "diffusers has no class for it" in card and f"{len(founding.load(embedded.FOLDER / founding.FILE)):,}" in card
    assert f"latents (n, {embedded.Lapped.load(tmp_path / 'codec').channels}, h/8, w/8)" in card
    assert "{" not in card.replace("{}", "")


def test_evaluating_nothing_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", str(tmp_path)]) == 1
    assert "hypermnesia train" in capsys.readouterr().err


@pytest.fixture(scope="module")
def shipped() -> Studio:
    return Studio(embedded.load(), bf16=False)


@pytest.mark.parametrize(("words", "channel"), [("a red room", 0), ("a blue sky", 2), ("une chambre rouge", 0)])
def test_the_shipped_weights_answer_to_colour_words_in_one_step(shipped: Studio, words: str, channel: int) -> None:
    mean = shipped.pictures([words] * 2, [0, 1], 128).mean((2, 3))
    assert (mean.argmax(1) == channel).all()


def test_the_shipped_weights_are_not_grey_mush(shipped: Studio) -> None:
    day, night = shipped.pictures(["the sea at noon", "the sea at night"], [0, 0], 128)
    assert float(day.mean() - night.mean()) > 0.1


def test_the_curve_tells_a_student_that_learned_from_one_that_did_not(shipped: Studio, trained: judge.Judge, tmp_path: Path) -> None:
    studio = shipped
    learned = {name: value.half() for name, value in studio.model.unet.state_dict().items()}
    chance = {name: value * torch.rand(value.shape, generator=torch.Generator().manual_seed(0)) for name, value in learned.items()}
    for step, weights in ((0, chance), (9, learned)):
        torch.save({"averaged": weights, "step": step, "elapsed": 60.0 * step}, tmp_path / f"student-{step:06d}.pt")
    found = history(studio, sorted(tmp_path.glob("*.pt")), trained, flags(2, 3), lambda line: None)
    young, old = found["rows"]
    assert old["colour"] > young["colour"] and old["minutes"] == 9.0
    assert found["ceiling"]["R@10"] == 1.0
    assert "| 9 |" in curve_table(found | {"date": "2026-01-01", "seed": 1})


def test_a_curve_without_a_history_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--history", str(tmp_path)]) == 2
    assert "holds no student" in capsys.readouterr().err


# What is presented

def test_power_by_octave_tells_what_blur_takes() -> None:
    crisp = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    lost = wall.octaves(F.avg_pool2d(crisp, 3, 1, 1)) / wall.octaves(crisp)
    assert lost[0] < 0.3 and lost[-1] > 0.7
    assert (lost.diff() > 0).all()


def test_a_grid_of_eight_pixels_is_a_peak() -> None:
    noise = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    tiled = noise + 0.1 * (torch.arange(128) % 8 == 0)
    assert wall.grid(noise) < 6.0 < 12.0 < wall.grid(tiled)


@pytest.fixture(scope="module")
def stage(shipped: Studio) -> wall.Wall:
    from engine.mind.memory.founding import FILE, load
    from engine.mind.model.load import load as load_model
    from engine.mind.parts import Parts

    opened = load_model("embedded", (64, 64), "cpu")
    table = load(embedded.FOLDER / FILE).first(142)
    return wall.Wall(Parts(opened, shipped.model.reader, embedded.space(), table, shipped.model.heads), (96, 54))


def test_a_fresh_mind_is_seen_on_a_wall_of_its_own_size(stage: wall.Wall) -> None:
    look, again = (stage.say("a red room", 1) for _ in range(2))
    assert look.frame.shape == (3, 54, 96) and look.picture.shape == (3, 64, 64)
    assert torch.equal(look.frame, again.frame), "something of the first sentence was still there"
    assert float(look.frame.std()) > 0.02, "the wall is still dark"
    assert look.neff >= 8 - 1e-3 and look.largest <= 0.25 + 1e-3
    assert look.nearest > 0.2 and 0.3 < look.crisp < 1.5


def test_a_painting_hangs_on_the_wall_as_it_is(stage: wall.Wall) -> None:
    painting = torch.zeros(3, 64, 64)
    painting[0] = 0.8
    seen = stage.hang(painting)
    assert torch.allclose(seen.mean((1, 2)), torch.tensor([0.8, 0.0, 0.0]), atol=0.03)


def test_sixty_sentences_are_there_in_eight_languages() -> None:
    found = presented.sentences()
    assert len(found) == 60 and all(set(said) == set(presented.NAMES) for _, said in found)
    assert len({text for _, said in found for text in said.values()}) == 480, "a sentence stands twice"
    for means, _ in found:
        for name, value in presented.said_of(means).items():
            assert value in {"kind": paint.KINDS, "extra": paint.EXTRAS[means.kind], **{n: v for n, v in judge.PROBES.items() if n not in ("kind", "extra")}}[name]


def test_heads_hear_english_sentences_that_no_grammar_wrote(shipped: Studio) -> None:
    assert presented.heard(shipped.model, "en")["kind"] > 0.6


def test_a_blind_sheet_keeps_its_words_in_a_file_beside_it(
    stage: wall.Wall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.atelier.wall.opened", lambda: stage)
    monkeypatch.setattr("engine.atelier.sentences.VISITORS", ("a red room", "fire"))
    assert main(["--sheet", str(tmp_path / "sheet.png"), "--blind"]) == 0
    key = (tmp_path / "sheet.key.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split("\t")[1] for line in key) == ["a red room", "fire"]
    assert Image.open(tmp_path / "sheet.png").width == 5 * 320


def test_the_wall_of_other_weights_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--wall", "--model", str(tmp_path)]) == 2
    assert "weights that ship" in capsys.readouterr().err
