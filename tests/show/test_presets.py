"""Presets, glides and cues: the pure book, the hand at the doors, and a real OSC client at a real show without light."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.clock import Clock
from engine.core.messages import Directory, Health, Set
from engine.core.supervisor import Room, Supervisor
from engine.doors.options import DoorsOptions
from engine.doors.oscquery import describe
from engine.house.rooms import DoorsRoom
from engine.loop import NullMind, NullStage, ScriptedDoors, perform
from engine.show.cast import Cast
from engine.show.performer import Performer
from engine.show.presets import Book, Cue, Glide, PresetError, between, keeps
from engine.show.programme import Programme
from engine.show.scene import files, load
from engine.sound.nodes import NODES
from tests.doors.doors_house import Performer as Client

DAWN = {"/hm/scene": ("gap",), "/hm/scene/gap/beta": (0.2,), "/hm/sound/gain": (0.0,), "/hm/seed": (1,)}
STORM = {"/hm/scene": ("lineage",), "/hm/scene/gap/beta": (0.8,), "/hm/sound/gain": (-8.0,), "/hm/seed": (9,)}


def test_half_way_numbers_are_half_way_and_words_have_changed() -> None:
    assert between(DAWN, STORM, 0.0) == DAWN and between(DAWN, STORM, 1.0) == STORM
    assert between(DAWN, STORM, 0.25) == DAWN | {
        "/hm/scene/gap/beta": (pytest.approx(0.35),),
        "/hm/sound/gain": (-2.0,),
    }
    half = between(DAWN, STORM, 0.5)
    assert half["/hm/scene/gap/beta"] == (pytest.approx(0.5),) and half["/hm/scene"] == ("lineage",)


def test_a_glide_begins_and_ends_softly_and_arrives_exactly() -> None:
    glide = Glide(DAWN, STORM, 10.0, 4.0)
    beta = [glide.at(10.0 + 0.4 * k)["/hm/scene/gap/beta"][0] for k in range(11)]
    steps = [b - a for a, b in itertools.pairwise(beta)]
    assert beta[0] == 0.2 and beta[-1] == 0.8 and min(steps) > 0.0
    assert steps[0] < 0.5 * max(steps) and steps[-1] < 0.5 * max(steps)
    assert glide.at(10.0)["/hm/scene"] == ("lineage",), "words do not wait"
    assert not glide.over(13.9) and glide.over(14.0)


def test_a_book_is_written_and_read_again_whatever_its_names_are(tmp_path: Path) -> None:
    book = Book().with_preset('aube "à deux"\n'.strip(), DAWN).with_preset("storm", STORM | {"/hm/blackout": (True,)})
    book = book.with_cue(Cue("storm", 12.5))
    book.write(tmp_path / "presets.toml")
    assert Book.read(tmp_path / "presets.toml") == book
    assert book.presets["storm"] == STORM, "panic keys are not stored"
    assert Book.read(tmp_path / "none.toml") == Book()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[presets.a]\n", "nothing is called presets; did you mean preset?"),
        ("[preset.a\n", "presets.toml"),
        ("[[cue]]\npreset = 'dwan'\n[preset.dawn]\n", "no preset is called dwan; did you mean dawn?"),
        ("[[cue]]\nseconds = 3\n", "preset and seconds"),
        ("[preset.a]\n'/hm/seed' = 1979-05-27\n", "is no number and no word"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_before_the_show(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "presets.toml").write_text(text)
    with pytest.raises(PresetError, match=said.replace("?", r"\?")):
        Book.read(tmp_path / "presets.toml")


def test_what_was_never_stored_names_the_nearest() -> None:
    with pytest.raises(PresetError, match=r"no preset is called strom; did you mean storm\?"):
        Book().with_preset("storm", STORM).find("strom")
    with pytest.raises(PresetError, match="/hm/preset/store NAME makes the first"):
        Book().find("storm")


class Hands:
    """A show without light, sound and mind, a performer at its doors, and seconds that pass when told to."""

    def __init__(self, path: Path):
        self.now, self.doors = 0.0, ScriptedDoors()
        self.programme = Programme(Cast(files(), make=load), "gap")
        self.programme.others = NODES
        self.performer = Performer(self.doors, path, lambda: self.now)
        self.sets: list[Set] = []
        self.play()

    def play(self, *said: Set, seconds: float = 0.1) -> None:
        self.doors.messages += said
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now += 1 / 60
            for message in self.performer.drain():
                assert isinstance(message, Set)
                self.sets.append(message)
                self.programme.receive(message, Clock(source=lambda: self.now).start())
            self.performer.tell((), self.programme.values)

    def value(self, address: str) -> object:
        return self.programme.values()[address][0]


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    hands = Hands(tmp_path / "presets.toml")
    hands.play(Set("/hm/beta", (0.2,)), Set("/hm/sound/gain", (0.0,)))
    hands.play(Set("/hm/preset/store", ("dawn",)))
    hands.play(Set("/hm/beta", (0.8,)), Set("/hm/sound/gain", (-8.0,)), Set("/hm/scene", ("lineage",)))
    hands.play(Set("/hm/preset/store", ("storm",)))
    return hands


def test_a_recalled_preset_sets_scene_forces_and_sound_at_once(hands: Hands) -> None:
    hands.play(Set("/hm/preset/recall", ("dawn",)))
    assert hands.value("/hm/scene") == "gap" and hands.value("/hm/scene/lineage/beta") == 0.2
    assert hands.value("/hm/sound/gain") == 0.0 and Set("/hm/sound/gain", (0.0,)) in hands.sets, (
        "the sound room hears it"
    )


def test_a_preset_is_the_same_after_a_restart(hands: Hands) -> None:
    again = Hands(hands.performer.path)
    assert again.value("/hm/beta") == 0.25
    again.play(Set("/hm/preset/recall", ("storm",)))
    assert again.programme.values() | {"/hm/hold": ()} == hands.programme.values() | {"/hm/hold": ()}


def test_a_show_begins_with_the_preset_called_start(hands: Hands) -> None:
    hands.play(Set("/hm/preset/store", ("start",)))
    assert Hands(hands.performer.path).value("/hm/beta") == 0.8


def test_a_glide_takes_its_time_and_yields_to_a_hand(hands: Hands) -> None:
    hands.play(Set("/hm/preset/glide", ("dawn", 2.0)), seconds=1.0)
    assert 0.4 < hands.value("/hm/beta") < 0.6 and -6.0 < hands.value("/hm/sound/gain") < -2.0
    hands.play(Set("/hm/beta", (0.77,)), seconds=1.5)
    assert hands.value("/hm/beta") == 0.77 and hands.value("/hm/sound/gain") == 0.0
    sent = len(hands.sets)
    hands.play(seconds=1.0)
    assert len(hands.sets) == sent, "a glide that has arrived is silent"


def test_a_morph_is_a_fader_between_two_presets(hands: Hands) -> None:
    hands.play(Set("/hm/preset/morph", ("dawn", "storm", 0.25)))
    assert hands.value("/hm/beta") == pytest.approx(0.35) and hands.value("/hm/sound/gain") == pytest.approx(-2.0)


def test_cues_step_forth_and_back_and_end_with_a_word(hands: Hands) -> None:
    hands.play(Set("/hm/cue/add", ("dawn", 0.0)), Set("/hm/cue/add", ("storm", 0.5)))
    hands.play(Set("/hm/cue/next"))
    assert hands.value("/hm/beta") == 0.2
    hands.play(Set("/hm/cue/next"), seconds=0.25)
    assert 0.2 < hands.value("/hm/beta") < 0.8
    hands.play(Set("/hm/cue/next"), seconds=0.5)
    assert hands.value("/hm/beta") == 0.8 and hands.performer.cue == 2
    assert any("there is no cue 3; there are 2" in news.what for news in hands.doors.told)
    hands.play(Set("/hm/cue/back"))
    assert hands.value("/hm/beta") == 0.2 and Book.read(hands.performer.path).cues == (Cue("dawn"), Cue("storm", 0.5))


def test_what_a_performer_may_ask_for_names_what_is_valid_now(hands: Hands) -> None:
    recall = next(node for node in hands.performer.nodes() if node.address == "/hm/preset/morph")
    assert describe(recall, None)["RANGE"] == [{"VALS": ["dawn", "storm"]}] * 2 + [{"MIN": 0.0, "MAX": 1.0}]
    assert (
        all(keeps(a) for a in hands.performer.book.presets["dawn"])
        and "/hm/beta" not in hands.performer.book.presets["dawn"]
    )
    hands.play(Set("/hm/preset/forget", ("dawn",)))
    assert list(hands.performer.book.presets) == ["storm"]


class Paced(NullStage):
    """Dark frames in real time, until somebody closes it."""

    closed = False

    @property
    def open(self) -> bool:
        return not self.closed and self.time < 20.0

    def show(self, layer: object, at: float) -> None:
        time.sleep(1 / 60)
        self.time += 1 / 60


@pytest.mark.realtime
@pytest.mark.shared
def test_an_osc_client_stores_recalls_and_is_told_the_nearest_name(tmp_path: Path) -> None:
    """Real UDP into the doors' own process, the real loop and programme; mind, sound and light are stand-ins."""
    options = DoorsOptions(osc_port=0, tcp_port=-1, query_port=-1, web_port=-1, advertise=False)
    programme = Programme(Cast(files(), make=load), "gap")
    programme.others = NODES
    room = Room("doors", "engine.doors.room:serve", lambda: (options, None))
    stage = Paced(0)
    with Supervisor([room]):
        doors = DoorsRoom(
            room,
            lambda: Directory((*programme.directory().nodes, *performer.nodes())),
            lambda: programme.directory_serial + performer.serial,
            Health,
        )
        performer = Performer(doors, tmp_path / "presets.toml")

        def visit() -> Iterator[None]:
            """One step of the client per frame; ends by closing the stage."""
            while not (doors.opened and doors.opened.osc):
                yield
            client = Client(doors.opened.osc)
            while [address for address, _ in client.ask("/hm/beta")] != ["/hm/beta"]:  # till the doors know it
                yield
            for address, *args in STEPS:
                client.play(address, *args)
                yield from (None for _ in range(20))
            heard = client.hear(0.5)
            assert heard == [
                ("/hm/error", ["/hm/preset/recall knows no 'strom'; did you mean storm?", "/hm/preset/recall"])
            ]
            client.play("/hm/preset/recall", "storm")
            yield from (None for _ in range(30))
            client.close()

        steps = visit()
        show = stage.show

        def paced(layer: object, at: float) -> None:
            show(layer, at)
            stage.closed = next(steps, stage) is stage

        stage.show = paced  # type: ignore[method-assign]
        perform(programme, Clock(60), performer, NullMind(), stage, stage)
    assert stage.closed and programme.scene.beta == pytest.approx(0.9, abs=1e-6)
    assert "storm" in Book.read(tmp_path / "presets.toml").presets


STEPS = (("/hm/beta", 0.9), ("/hm/preset/store", "storm"), ("/hm/beta", 0.1), ("/hm/preset/recall", "strom"))
