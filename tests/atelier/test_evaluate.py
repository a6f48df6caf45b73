"""The judge, on pictures whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engine.atelier import judge
from engine.atelier.card import curve_table, table, write_card
from engine.atelier.evaluate import main
from engine.atelier.figures import Studio, held_out_scenes, history, roughness
from engine.atelier.judge import Paintings
from engine.mind.model import embedded
from engine.painter.paint import Attributes

COLOURS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.7, 0.2), "blue": (0.1, 0.2, 0.9)}


def flags(each: int, seed: int) -> Paintings:
    """Pictures of one colour, as plain as can be."""
    draw = torch.Generator().manual_seed(seed)
    names = [name for name in COLOURS for _ in range(each)]
    colours = torch.tensor([COLOURS[name] for name in names])[:, :, None, None]
    pictures = colours.expand(-1, 3, 64, 64) + 0.05 * torch.randn(len(names), 3, 64, 64, generator=draw)
    return Paintings(pictures.clamp(0, 1), [Attributes(kind="sky", colour=name) for name in names], [f"a {name} sky" for name in names])


@pytest.fixture(scope="module")
def trained() -> judge.Judge:
    return judge.train_judge(flags(8, 0), steps=24, seed=0, batch=12)


def test_the_judge_tells_true_captions_from_swapped_ones(trained: judge.Judge) -> None:
    seen = flags(1, 1)
    true = judge.retrieval(trained, seen.pictures, seen.captions)[0]
    swapped = judge.retrieval(trained, seen.pictures.roll(1, 0), seen.captions)[0]
    assert true == 1.0 and swapped == 0.0


def test_a_probe_counts_only_what_was_asked(trained: judge.Judge) -> None:
    seen = flags(4, 2)
    found = judge.accuracy(trained, seen.pictures, seen.attributes)
    assert found["colour"] == 1.0
    assert "time" not in found


def test_a_grey_model_fails_the_colour_probe(trained: judge.Judge) -> None:
    grey = torch.full((12, 3, 64, 64), 0.4)
    assert judge.accuracy(trained, grey, flags(4, 2).attributes)["colour"] < 0.5


def test_distance_is_nothing_to_itself_and_grows_with_a_shift() -> None:
    features = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    assert judge.distance(features, features) == pytest.approx(0, abs=1e-6)
    assert judge.distance(features, features + 2) == pytest.approx(24, rel=1e-3)


def test_french_and_english_fall_into_one_bag() -> None:
    assert set(judge.bag("une mer rouge")) & set(judge.bag("a red sea"))
    assert judge.bag("") == judge.bag("?")


def test_noise_and_blur_are_told_apart() -> None:
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(picture, 3, 1, 1)
    assert all(a < b for a, b in zip(roughness(blurred), roughness(picture), strict=True))


def test_held_out_scenes_keep_what_is_held_out() -> None:
    from engine.painter import captions

    assert all(captions.is_held_out(scene, "") for scene in held_out_scenes(16, 3))


def test_the_card_shows_every_figure_that_was_measured(tmp_path: Path) -> None:
    rows = [{"name": "retrieval R@10", "value": "0.41", "beside": "real paintings 0.97", "how": "256 captions"}]
    figures = {"rows": rows, "date": "2026-01-01", "quick": True, "seed": 1}
    (tmp_path / "figures.json").write_text(json.dumps(figures))
    write_card(tmp_path)
    assert table(figures) in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "--quick" in table(figures)


def test_evaluating_nothing_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", str(tmp_path)]) == 1
    assert "hypermnesia train" in capsys.readouterr().err


@pytest.fixture(scope="module")
def shipped() -> Studio:
    return Studio(embedded.load(), bf16=False)


@pytest.mark.parametrize(("words", "channel"), [("a red room", 0), ("a green field", 1), ("a blue sky", 2), ("une chambre rouge", 0)])
def test_the_shipped_weights_answer_to_colour_words_in_one_step(shipped: Studio, words: str, channel: int) -> None:
    mean = shipped.pictures([words] * 2, [0, 1], 128).mean((2, 3))
    assert (mean.argmax(1) == channel).all()


def test_the_shipped_weights_are_not_grey_mush(shipped: Studio) -> None:
    day, night = shipped.pictures(["the sea at noon", "the sea at night"], [0, 0], 128)
    assert float(day.mean() - night.mean()) > 0.15
    fire = shipped.pictures(["fire"], [0], 128)[0]
    assert float(fire.std()) > 0.15


def test_the_curve_tells_a_student_that_learned_from_one_that_did_not(trained: judge.Judge, tmp_path: Path) -> None:
    studio = Studio(embedded.load(), bf16=False)
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


def test_shipped_dreams_stay_pictures_at_every_strength(shipped: Studio) -> None:
    from engine.atelier.diffusion import Noising, denoise

    model = shipped.model
    states = model.encoder.condition(["a forest in the fog"])
    noising = Noising(model.scheduler, "cpu")
    memory = shipped.latents(states, [4], 128)
    noise = torch.randn(memory.shape, generator=torch.Generator().manual_seed(1))
    for t in (300, 600, 900):
        at = torch.tensor([t])
        with torch.inference_mode():
            clean = denoise(model.unet, noising, noising.add(memory, noise, at), at, states, states, guidance=1.0, steps=1)
        assert 0.2 < float(clean.std()) < 1.5
        # the further from noise, the more of the memory stays
        assert float((clean - memory).abs().mean()) < float((noise - memory).abs().mean()) / 2
