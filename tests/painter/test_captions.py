"""Captions say what is there, in two languages, and never what was held out."""
from __future__ import annotations

import random
import subprocess
import sys

import pytest

from engine.painter.attributes import OFFERS, Attributes, draw
from engine.painter.captions import HELD_OUT, bridge_phrases, caption, elide, is_held_out, to_english


def test_a_caption_mentions_what_is_there() -> None:
    rng = random.Random(1)
    red = [caption(Attributes("room", colour="red"), rng, "en") for _ in range(300)]
    assert sum("red" in text for text in red) > 150
    assert sum("room" in text or "house" in text for text in red) > 150
    night = [caption(Attributes("sea", time="night"), rng, "fr") for _ in range(300)]
    assert sum("nuit" in text for text in night) > 150


def test_a_caption_says_no_colour_that_is_not_there() -> None:
    rng = random.Random(2)
    for _ in range(300):
        text = caption(Attributes("sea", time="noon"), rng, "en")
        assert not any(word in text.split() for word in ("red", "blue", "green", "night", "rain"))


def test_french_is_a_third_where_no_language_is_asked() -> None:
    rng = random.Random(3)
    texts = [caption(Attributes("forest", weather="rain"), rng) for _ in range(900)]
    french = sum(any(word in text for word in ("forêt", "bois", "arbres", "pluie", "pleut", "pluvieux")) for text in texts)
    assert .26 < french / len(texts) < .40


def test_held_out_words_and_sentences_never_reach_a_training_caption() -> None:
    rng = random.Random(4)
    for kind in OFFERS:
        for _ in range(250):
            text = caption(draw(kind, rng), rng)
            assert text and not is_held_out(Attributes(kind), text), text
            assert "{" not in text and "  " not in text


def test_every_held_out_entry_is_recognised() -> None:
    assert all(is_held_out(Attributes("sea"), f"the {word}") for word in HELD_OUT.words)
    assert all(is_held_out(Attributes("sea"), text) for text in HELD_OUT.french)
    assert all(is_held_out(Attributes(**{"kind": "sea", **parts}), "") for parts in HELD_OUT.compositions)
    assert not is_held_out(Attributes("sea", time="noon"), "the sea at noon")


@pytest.mark.parametrize(("french", "english"), [
    ("une ville en feu", "a city on fire"),
    ("la mer la nuit", "the sea at night"),
    ("ma grand-mère", "my grandmother"),
    ("ma grand mere", "my grandmother"),
    ("la forêt sous la pluie", "the forest in the rain"),
    ("je me souviens de la mer", "I remember the sea"),
    ("je me souviens d'une chambre rouge", "I remember a red room"),
    ("J’ai peur de la nuit", "I am afraid of the night"),
    ("l'amour", "love"),
    ("la guerre", "war"),
    ("un champ de fleurs blanches", "a field of white flowers"),
    ("les vieilles maisons abandonnées", "the old abandoned houses"),
    ("une belle fleur bleue", "a beautiful blue flower"),
    ("des oiseaux noirs dans le ciel", "black birds in the sky"),
    ("une montagne en hiver", "a mountain in winter"),
    ("un visage dans l'ombre", "a face in shadow"),
    ("qu'est-ce que la mémoire ?", "what is memory?"),
    ("l'hyperproduction", "hyperproduction"),
    ("foret", "forest"),
    ("une rose rouge", "a red rose"),
    ("une nuit d'été", "a summer night"),
    ("un oiseau bleu vole au-dessus des toits", "a blue bird flies above the roofs"),
    ("un escalier qui descend", "a staircase that goes down"),
    ("la lettre que je n'ai jamais envoyée", "the letter that I have never sent"),
    ("ma grand-mère dans un xylophage", "my grandmother in a xylophage"),
])
def test_french_becomes_english(french: str, english: str) -> None:
    assert to_english(french) == english


@pytest.mark.parametrize("text", ["the main street", "a city on fire", "chat", "a red table in the rain", "the sea at night", "", "42 !?", "日本の海"])
def test_what_is_not_french_is_left_alone(text: str) -> None:
    assert to_english(text) == text


def test_english_captions_and_bridges_pass_through_untouched() -> None:
    rng = random.Random(6)
    for kind in OFFERS:
        for _ in range(60):
            text = caption(draw(kind, rng), rng, "en")
            assert to_english(text) == text
    assert all(to_english(text) == text for text in bridge_phrases())


def test_captions_in_french_become_english_that_keeps_their_words() -> None:
    rng = random.Random(5)
    kept = [to_english(caption(Attributes("city", extra="burning"), rng, "fr")) for _ in range(200)]
    assert not any(word in text for text in kept for word in ("ville", "flammes", "immeubles"))


def test_french_contracts_and_elides() -> None:
    assert elide("je rêve de le désert") == "je rêve du désert"
    assert elide("un souvenir de une étoile") == "un souvenir d'une étoile"
    assert elide("je pense à les bois") == "je pense aux bois"


def test_bridges_are_many_and_different() -> None:
    phrases = bridge_phrases()
    assert len(phrases) == len(set(phrases)) >= 400


def test_captions_need_no_torch() -> None:
    code = "import sys, engine.painter.captions; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
