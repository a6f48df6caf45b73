"""Letters that must arrive: two ends, and a network between them that loses, repeats, and is cut."""

import random

import pytest

from engine.core.messages import Set, Text
from engine.places.channel import AGAIN, MOST, WINDOW, Channel
from engine.places.wire import Garbage, Sent, packed, unpacked


class Way:
    """From one end to the other and back; seconds pass by hand. `lose`: the share of letters that is lost, either way."""

    def __init__(self, lose=0.0, seed=0):
        self.a, self.b, self.lose, self.random = Channel(), Channel(), lose, random.Random(seed)
        self.now, self.came = 0.0, []

    def turn(self, seconds, twice=False):
        """Ten turns a second."""
        for _ in range(round(10 * seconds)):
            self.now += 0.1
            for sent in self.a.due(self.now) * (1 + twice):
                if self.random.random() < self.lose:
                    continue
                self.came += self.b.take(unpacked(packed(sent)))
                if self.random.random() >= self.lose:
                    self.a.got(unpacked(packed(self.b.receipt())))


def texts(count):
    return [Text(f"number {number}", key=str(number)) for number in range(count)]


@pytest.mark.parametrize("lose", [0.0, 0.3, 0.8])
def test_each_letter_comes_once_and_in_order_however_many_are_lost_or_repeated(lose):
    way = Way(lose)
    for text in texts(200):
        way.a.put(text)
        way.turn(0.1, twice=True)
    way.lose = 0.5 * lose
    way.turn(400 * lose + 2.0)
    assert way.came == texts(200) and way.a.waiting == 0


def test_what_belongs_together_comes_together_and_nothing_is_said_again_that_was_heard():
    way = Way()
    way.a.put(*texts(3))
    assert way.b.take(way.a.due(0.0)[0]) == tuple(texts(3))
    assert way.a.due(0.1) == [] and len(way.a.due(AGAIN + 0.01)) == 1, "until it is known to be there"
    way.a.got(way.b.receipt())
    assert way.a.waiting == 0


def test_a_fader_of_a_minute_ago_is_given_up_and_what_came_after_it_is_not_held_up():
    way = Way()
    way.a.put(Set("/hm/beta", (0.5,)), until=2.0)
    way.a.put(Text("kept"))
    way.lose = 1.0
    way.turn(60.0)
    way.lose = 0.0
    way.turn(1.0)
    assert way.came == [Text("kept")] and way.a.waiting == 0


def test_of_one_name_the_newest_alone_waits():
    way = Way()
    for value in range(100):
        way.a.put(Set("/hm/sound/gain", (float(value),)), name="/hm/sound/gain")
    assert way.a.waiting == 1
    way.turn(0.5)
    way.a.put(Set("/hm/sound/gain", (7.0,)), name="/hm/sound/gain")
    way.turn(0.5)
    assert way.came == [Set("/hm/sound/gain", (99.0,)), Set("/hm/sound/gain", (7.0,))]


def test_an_end_that_begins_anew_is_given_what_it_has_not_acknowledged_and_is_known_to_be_new():
    way = Way()
    way.a.put(Text("before"))
    way.turn(1.0)
    first = way.a.other
    assert first == way.b.session
    way.b = Channel()
    way.a.put(Text("after"))
    way.turn(1.0)
    assert way.came == [Text("before"), Text("after")] and way.a.other == way.b.session != first
    way.a = Channel()  # and the one that says
    way.a.put(Text("of another start"))
    way.turn(1.0)
    assert way.came[-1] == Text("of another start") and len(way.came) == 3


def test_who_has_nothing_to_say_is_heard_all_the_same():
    way = Way()
    way.turn(1.0)
    assert way.a.other == way.b.session and way.b.other == way.a.session and way.came == []


def test_too_much_waits_where_it_is_and_one_who_stays_away_costs_the_oldest():
    way = Way()
    for text in texts(WINDOW):
        way.a.put(text)
    assert way.a.full and len(way.a.due(0.0)) == WINDOW
    for text in texts(MOST):
        way.a.put(text)
    assert way.a.waiting == MOST and way.a.lost == WINDOW
    assert len(way.a.due(10.0)) == WINDOW, "no more than that is under way at once"


def test_garbage_in_a_letter_costs_that_letter():
    way = Way()
    with pytest.raises(Garbage):
        way.b.take(Sent(5, 1, 0, (b"garbage",)))
    assert way.b.receipt().number == 1
    assert way.b.take(Sent(5, 2, 1, (packed(Text("next")),))) == (Text("next"),)
