"""Every scene, played in the dark: what it asks for, what it sounds, what it shows."""

import itertools
import time

import pytest

from engine.core.messages import Ancestor, Keystroke, Lineage, Set, State, Text, Touch
from engine.loop import rehearse
from engine.show.cast import Cast
from engine.show.programme import Programme
from engine.show.rehearsal import Solo
from engine.show.scene import SCENES, load

FILES = sorted(SCENES.glob("*.py"))
SAID = (Text("the sea at night", at=1.0), Keystroke(3.0), Touch(0.2, 0.4), Set("/hm/beta", (0.9,)))


def remembering(scene):
    people = tuple(Ancestor(i, 0.2, depth=i % 3, x=i / 5) for i in range(1, 6))
    scene.state = State(picture=1, gap=0.4, light=0.8, motion=0.5, lineage=Lineage(people, count=5))
    return scene


class Held(Solo):
    """A show whose mind has one picture and keeps it."""

    def update(self, now, state):
        super().update(now, remembering(self.scene).state)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_scene_plays_two_seconds_on_an_empty_and_on_a_full_memory(path):
    assert len(rehearse(Solo(load(path)), 2.0, SAID).shown) == 120
    stage = rehearse(Held(load(path)), 2.0, SAID)
    assert stage.grains, "it sounds"
    assert all(0 <= g.gain <= 1 and -1 <= g.pan <= 1 and g.duration > 0 for g in stage.grains)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_two_plays_are_the_same(path):
    first, second = (rehearse(Held(load(path)), 2.0, SAID) for _ in range(2))
    assert first.grains == second.grains and first.shown == second.shown


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_scene_passes_words_and_forces_on(path):
    scene = load(path)
    rehearse(Solo(scene), 0.2, SAID)
    from engine.core.clock import Now

    dream = scene.dream(Now(1, 0.1, 0.1))
    assert dream.words == "the sea at night" and dream.beta == 0.9 and dream.degree == 2


def grains_of(gap):
    class Still(Solo):
        def update(self, now, state):
            from dataclasses import replace

            super().update(now, replace(remembering(self.scene).state, gap=gap))

    return rehearse(Still(load(SCENES / "gap.py")), 4.0).grains


def test_the_gap_is_heard_as_two_streams_that_part():
    def spread(grains):
        """How far the two streams of one memory are apart, in seconds and semitones."""
        voices = sorted((g for g in grains if g.source > 0 and abs(g.rate) == 1.0), key=lambda g: (g.source, g.duration))
        pairs = [(a, b) for a, b in itertools.pairwise(voices) if a.duration == b.duration and a.source == b.source]
        assert pairs
        return sum(abs(b.time - a.time) + abs(b.detune - a.detune) for a, b in pairs) / len(pairs)

    assert spread(grains_of(0.0)) == 0.0
    assert 0.0 < spread(grains_of(0.3)) < spread(grains_of(0.9))


def test_a_touched_place_is_heard_in_the_voices_of_those_who_made_it():
    from engine.core.clock import Now
    from engine.core.messages import Told

    scene = remembering(load(SCENES / "lineage.py"))
    scene.touch(Touch(0.1, 0.5), Now(60, 1.0, 1 / 60))
    scene.told(Told("", (Ancestor(77, 0.6), Ancestor(78, 0.15))))
    heard = list(scene.sound(Now(61, 61 / 60, 1 / 60)))
    gains = {who: max(g.gain for g in heard if g.source == who and g.pan == 0.0) for who in (77, 78)}
    assert gains[78] ** 2 / gains[77] ** 2 == pytest.approx(0.15 / 0.6, rel=1e-3)  # their power is their share
    assert min(g.time for g in heard) > 61 / 60 + 0.1, "stamped from when the mind answered, not from the touch"


def test_a_programme_changes_scene_on_a_word_and_holds_it():
    show = Programme(Cast(FILES), "gap")
    rehearse(show, 0.5, [Set("/hm/scene", ("lineage",)), Set("/hm/hold", (True,))])
    assert show.name == "lineage" and show.hold


def test_panic_keys_act_on_the_next_frame():
    from engine.stage.layer import dark

    show = Programme(Cast(FILES), "gap")
    assert rehearse(show, 1.0, [Set("/hm/blackout", ())]).shown[1] == dark
    show = Programme(Cast(FILES), "gap")
    assert rehearse(show, 1.0, [Set("/hm/veto", ())]).shown[1] == dark


def test_every_address_of_the_directory_is_understood(caplog):
    show = Programme(Cast(FILES), "gap")
    nodes = [n for n in show.directory().nodes if n.writable and n.address not in ("/hm/text", "/hm/touch", "/hm/scene")]
    assert len(nodes) > 15
    said = []
    for node in nodes:
        argument = {"f": (node.low or 0.0,), "s": node.value, "T": (False,), "i": (3,), "": ()}[node.types]
        said.append(Set(node.address, argument))
    rehearse(show, 0.2, said)
    assert not caplog.records
    assert all(node.description for node in nodes), [n.address for n in nodes if not n.description]


def test_a_saved_scene_that_is_broken_never_reaches_the_wall(tmp_path, caplog):
    path = tmp_path / "small.py"
    path.write_text("from engine import Scene\n\nclass Small(Scene):\n    pass\n")
    show = Programme(Cast([path]), "small", live=True)
    good = show.scene

    def save(verb):
        path.write_text(f"from engine import Scene, dreamed\n\nclass Small(Scene):\n    def draw(self, now):\n        return dreamed.{verb}()\n")
        rehearse(show, 1.0)
        while show.cast.trying:
            time.sleep(0.05)
            rehearse(show, 1.0)

    save("feedbakc")
    assert show.scene is good
    assert "did you mean .feedback()?" in caplog.text
    save("feedback")
    assert show.scene is not good
