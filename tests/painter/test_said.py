"""What the words say of each attribute, and that heads can leave a thing unsaid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.meaning import Encoder
from engine.mind.model import embedded
from engine.painter.attributes import OFFERS
from engine.painter.said import Heads


def small() -> Heads:
    """Two attributes over four directions; the first direction says nothing."""
    weight = {"kind": np.eye(4, dtype=np.float32)[:3] * 4, "time": np.eye(4, dtype=np.float32)[[0, 3]] * 4}
    return Heads({"kind": ("", "sea", "fire"), "time": ("", "night")}, weight, {"kind": np.zeros(3, np.float32), "time": np.zeros(2, np.float32)})


@pytest.fixture(scope="module")
def shipped() -> Heads:
    return Heads.load(embedded.FOLDER / "heads")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_chances_are_probabilities() -> None:
    for name in ("kind", "time"):
        for vector in np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32) * 50:
            chances = small().chances(name, vector)
            assert np.isfinite(chances).all() and chances.sum() == pytest.approx(1, abs=1e-5)


def test_what_is_said_is_found_and_what_is_unsaid_is_left_out() -> None:
    unsaid, sea, fire, night = np.eye(4, dtype=np.float32)
    assert small().said(unsaid) == {}
    assert small().said(sea) == {"kind": "sea"} and small().said(fire) == {"kind": "fire"}
    assert small().said((sea + night) / 2**0.5) == {"kind": "sea", "time": "night"}
    assert small().said((sea + fire) / 2**0.5) == {}, "two things at once: not sure"


def test_kinds_are_ranked_whether_or_not_one_was_said() -> None:
    kinds = small().kinds(np.array([0.9, 0.1, 0.3, 0], np.float32), 2)
    assert [name for name, _ in kinds] == ["fire", "sea"] and sum(share for _, share in kinds) == pytest.approx(1)


def test_saved_heads_say_the_same_and_missing_ones_are_named(tmp_path: Path) -> None:
    small().save(tmp_path)
    again, vector = Heads.load(tmp_path), np.array([0, 1, 0, 1], np.float32)
    assert again.values == small().values and again.said(vector) == small().said(vector)
    with pytest.raises(FileNotFoundError, match=r"heads\.safetensors is missing; make them with `hypermnesia train`"):
        Heads.load(tmp_path / "nowhere")


def test_the_shipped_heads_speak_of_what_painters_can_show(shipped: Heads) -> None:
    assert set(shipped.values["kind"][1:]) <= set(OFFERS)
    assert all(values[0] == "" for values in shipped.values.values())
    assert all(shipped.weight[name].shape == (len(values), 512) for name, values in shipped.values.items())


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("a red flower", {"kind": "flower", "colour": "red"}), ("一朵红花", {"kind": "flower", "colour": "red"}),
     ("霧の中の森", {"kind": "forest", "weather": "fog"}), ("البحر في الليل", {"kind": "sea", "time": "night"}),
     ("une forêt dans la brume", {"kind": "forest"}), ("the city at night", {"kind": "city", "time": "night"})],
)  # fmt: skip
def test_the_shipped_heads_hear_kind_and_attributes_in_any_language(shipped: Heads, encoder: Encoder, words: str, wanted: dict[str, str]) -> None:
    said = shipped.said(encoder.sentence([words])[0])
    assert wanted.items() <= said.items(), said


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("deux lunes au-dessus de la mer", {"light": "two moons"}), ("two moons over the mountains", {"kind": "mountains", "light": "two moons"}),
     ("a rainbow over the field", {"kind": "field", "light": "rainbow"}), ("three boats on the lake", {"kind": "lake", "figure": "boats"}),
     ("my old shoes", {"kind": "shoes"}), ("un vieux vélo", {"kind": "bicycle"}), ("eine Tasse Kaffee", {"kind": "cup"}), ("una guitarra", {"kind": "guitar"}),
     ("мой зонтик", {"kind": "umbrella"}), ("the chair where he sat", {"kind": "chair"}), ("un gâteau d'anniversaire", {"kind": "cake"})],
)  # fmt: skip
def test_the_shipped_heads_hear_things_and_what_stands_in_the_sky(shipped: Heads, encoder: Encoder, words: str, wanted: dict[str, str]) -> None:
    kind, said = shipped.subject(encoder.sentence([words])[0])
    assert wanted.items() <= (said | {"kind": kind}).items(), (kind, said)


def test_the_shipped_heads_invent_no_colour(shipped: Heads, encoder: Encoder) -> None:
    for words in ("the sea", "my grandmother", "a ship in the storm", "une ville"):
        assert "colour" not in shipped.said(encoder.sentence([words])[0]), words
