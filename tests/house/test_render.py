"""What is played offline: keys of a score sound as they do live."""

from types import SimpleNamespace

from engine.core.machine import Machine, StageFacts
from engine.core.messages import Ancestor, Keystroke, Lineage, Set, State
from engine.house.doctor import eyes
from engine.house.render import OfflineSound
from engine.sound.options import SoundOptions


def test_a_key_of_a_score_sounds_and_none_in_the_dark():
    mind = SimpleNamespace(state=State(lineage=Lineage((Ancestor(7, 0.5),))), newest=lambda after: None, serial=0)
    sound = OfflineSound(SoundOptions(voices=4), mind)
    sound.hear(Keystroke(3.0))
    sound.hear(Set("/hm/blackout", (True,)))
    sound.hear(Keystroke(3.0))
    sound.hear(Set("/hm/blackout", (False,)))
    sound.hear(Set("/hm/sound/keys", (-60.0,)))
    sound.hear(Keystroke(3.0))
    assert sound.grains == 1


def test_the_doctor_says_how_often_the_wall_may_flash():
    assert [f.todo for f in eyes(Machine())] == [""]
    assert "tell everybody at the door" in next(eyes(Machine(stage=StageFacts(flashes=9)))).todo
