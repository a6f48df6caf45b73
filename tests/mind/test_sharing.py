"""One mind's gap is everybody's: two small minds with a memory each, and what one of them found."""

from dataclasses import replace

import torch

from engine.core.messages import Dream, Gap, Text, Withdraw
from engine.mind.letters import answer
from engine.mind.mind import Mind
from engine.places.wire import packed, unpacked
from tests.mind.small_mind import options, parts

SAID = ("a red moon at night", "a blue river at noon", "a violet tower in the fog", "a golden mountain under a dark sky")


def mind(folder):
    """A mind that people have said the same to as to the other; of its own accord it remembers what the other does not."""
    made = Mind(options(folder, founding=24), parts=parts())
    for number, words in enumerate(SAID):
        answer(made, Text(words, key=f"key {number}"))
    return made


def thought(one, dream):
    one.ponder(dream, 0.0)
    return one.thought


def test_a_gap_is_said_once_by_names_that_the_other_knows_and_turns_the_words_of_the_same_sentence(tmp_path):
    a, b = mind(tmp_path / "a"), mind(tmp_path / "b")
    dream = Dream(SAID[0], key="key 0", beta=0.9)
    found = a.sharing.say(thought(a, dream))
    assert found is not None and found.gap == a.thought.gap and a.sharing.say(a.thought) is None
    assert found.sentences or found.founding
    before = thought(b, dream).condition
    answer(b, unpacked(packed(found)))
    [(recall, part)] = b.sharing.pulls(dream, SAID[0])
    assert 0.0 < part <= 0.5 * 0.9 * found.gap + 1e-9 and abs(recall.weights.sum() - 1.0) < 1e-9
    assert not torch.equal(thought(b, dream).condition, before)
    assert b.sharing.pulls(dream, SAID[1]) == b.sharing.pulls(replace(dream, key="key 1"), SAID[0]) == b.sharing.pulls(replace(dream, beta=0.0), SAID[0]) == []
    for one in (a, b):
        one.close()


def test_what_was_taken_back_or_is_not_known_turns_nothing(tmp_path):
    one = mind(tmp_path)
    dream = Dream(SAID[0], key="key 0", beta=0.9)
    for second in range(5):  # whoever waits for a picture has one, and is recalled
        one.ponder(dream, float(second))
    answer(one, Gap("key 0", SAID[0], 0.5, (("key 1", 0.7), ("never said", 0.3))))
    [(recall, _)] = one.sharing.pulls(dream, SAID[0])
    assert [one.memory.fragments[row].words for row in recall.rows] == [SAID[1]] and recall.weights.tolist() == [1.0]
    [taken] = answer(one, Withdraw(one.keeper.archive.code_for("key 1")))
    assert taken.found and one.sharing.pulls(dream, SAID[0]) == []
    one.close()
