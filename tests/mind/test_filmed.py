"""A source that takes its time is asked beside the stream: nothing waits for it, and a bridge still ends where it leads."""

import threading
from dataclasses import replace
from pathlib import Path

import torch

from engine.core.messages import Dream
from engine.mind.carried import Carried, Chunk, Reel, Script
from engine.mind.filmed import Beside
from engine.mind.mind import Mind
from engine.mind.rivals import TURN, Rival, Rivals
from engine.mind.rows.continuation import similarity
from tests.mind.small_mind import options, painter, parts


class Slow(Carried):
    """Answers when it is allowed to, and counts how often it was asked."""

    name = "slow"

    def __init__(self) -> None:
        super().__init__(painter())
        self.may, self.asked = threading.Event(), 0
        self.made: Chunk | None = None

    def next_chunk(self, state: Reel, words: Script) -> Chunk:
        self.asked += 1
        assert self.may.wait(5.0)
        self.made = super().next_chunk(state, words)
        return self.made


def script(mind: Mind) -> tuple[Reel, Script]:
    """Where a small film is, and what it is asked for."""
    for n in range(4):
        mind.picture(Dream("a golden moon in the fog", film=0.74), n / 10)
    thought, dreamer = mind.thought, mind.parts.dreamer
    assert thought is not None
    reel, noise = Reel.begun(dreamer.decode(thought.start), thought.start, thought.parents, thought.again.places), torch.zeros(dreamer.latent)
    return reel, Script(thought.words, (thought.key, thought.words), thought.condition, thought.start, thought.parents, thought.again.places, noise, noise, 0.2, 0.74)


def test_nothing_waits_for_a_slow_source_and_what_it_made_ahead_is_taken(tmp_path: Path) -> None:
    slow = Slow()
    reel, words = script(Mind(options(tmp_path, founding=32), parts=parts()))
    beside = Beside(slow, Carried(painter()))
    first = beside.next_chunk(reel, words)
    beside.ahead(first.end, words)
    assert beside.next_chunk(first.end, words).end.chunk == 2 and slow.made is None, "the quick one goes on while the slow one thinks"
    slow.may.set()
    assert beside._job is not None and beside._job[1].result(5.0)
    assert beside.next_chunk(first.end, words) is slow.made and slow.asked == 1, "what was made ahead is not taken"
    beside.close()


def test_a_bridge_ends_where_it_leads_also_where_a_slow_source_has_answered_already(tmp_path: Path) -> None:
    slow = Slow()
    slow.may.set()
    reel, words = script(Mind(options(tmp_path, founding=32), parts=parts()))
    beside = Beside(slow, Carried(painter()))
    beside.ahead(reel, words)
    assert beside._job is not None and beside._job[1].result(5.0)
    goal = painter().imagine(painter().condition("a white tower at noon"), torch.zeros(painter().latent))
    end = beside.next_chunk(reel, replace(words, last=goal, left=1)).end
    assert similarity(torch.from_numpy(painter().decode(goal)[..., :3].copy()).permute(2, 0, 1).float() / 255, end.pixels) > 0.99
    beside.close()


def test_whoever_has_the_next_turn_is_known_a_chunk_ahead() -> None:
    rivals, source = Rivals(), Carried(painter())
    two = Rival(source, 1, "one"), Rival(source, 2, "other", lingered=60.0)
    turns = []
    for _ in range(12 * TURN):
        now, after = rivals.turn(two), rivals.after(two)
        assert not turns or turns[-1][1] is now, "another one than was said"
        turns.append((now, after))
    whose = [now.name for now, _ in turns]
    assert all(len(set(whose[k : k + TURN])) == 1 for k in range(0, len(whose), TURN)) and whose.count("other") == 3 * whose.count("one")
