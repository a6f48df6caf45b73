"""Commands that are sent together all arrive, in order; of values the newest is enough."""

from __future__ import annotations

from pathlib import Path

from engine.core.messages import Message, Set, Text
from engine.doors.moderation import Moderator
from engine.doors.options import DoorsOptions
from engine.doors.porter import Porter
from engine.doors.post import Letter, Post
from engine.loop import ScriptedDoors
from engine.show.cast import Cast
from engine.show.directory import mapping_nodes
from engine.show.performer import Performer
from engine.show.programme import Programme
from engine.show.scene import files, load


def sent(tmp_path: Path, *messages: Message) -> list[Message]:
    """What reaches the loop of messages that come while it does not look, with the nodes of a real show."""
    letters: list[Letter] = []
    looks = [False]
    post = Post(letters.append, lambda: looks[0])
    porter = Porter(DoorsOptions(), post, Moderator("open"))
    nodes = (*Programme(Cast(files(), make=load), "gap").directory().nodes, *mapping_nodes(["wall"]))
    porter.nodes.replace((*nodes, *Performer(ScriptedDoors(), tmp_path / "presets.toml").nodes()))
    post.put(*messages)
    looks[0] = True
    assert post.flush() and post.lost == 0
    return [message for letter in letters for message in letter]


def test_three_cues_are_three_cues(tmp_path: Path) -> None:
    cues = [Set("/hm/cue/add", (name, 1.0)) for name in ("dawn", "storm", "night")]
    assert sent(tmp_path, *cues) == cues


def test_of_commands_and_events_none_is_merged(tmp_path: Path) -> None:
    said: list[Message] = [
        Set("/hm/cue/next"), Set("/hm/cue/next"), Set("/hm/preset/recall", ("dawn",)), Set("/hm/preset/store", ("a",)),
        Set("/hm/preset/store", ("b",)), Set("/hm/preset/recall", ("dawn",)), Set("/hm/mapping/wall/corner", (0, 0.1, 0.1)),
        Set("/hm/mapping/wall/corner", (1, 0.9, 0.1)), Set("/hm/cue/go", (1,)), Set("/hm/cue/go", (2,)), Text("the sea"), Text("the sea"),
    ]  # fmt: skip
    assert sent(tmp_path, *said) == said


def test_a_fader_s_newest_value_alone_goes_on_but_not_past_a_command_that_may_read_it(tmp_path: Path) -> None:
    faded = [Set("/hm/beta", (n / 100,)) for n in range(100)]
    store = Set("/hm/preset/store", ("half",))
    assert sent(tmp_path, *faded[:51], store, *faded[51:]) == [faded[50], store, faded[99]]


def test_panic_goes_first_and_its_newest_word_counts(tmp_path: Path) -> None:
    on, off = Set("/hm/blackout", (True,)), Set("/hm/blackout", (False,))
    assert sent(tmp_path, Text("the sea"), on, off, on, Set("/hm/veto"), Set("/hm/veto")) == [on, Set("/hm/veto"), Set("/hm/veto"), Text("the sea")]
