"""Each person's sentence has the wall for itself for a while; a performer waits for nobody."""

from __future__ import annotations

import itertools

from engine.core.messages import Dream, State, Text
from engine.show.floor import LEAST, MOST, STAY, UNSEEN, Floor


def said(number: int, kind: str = "visitor", person: str = "somebody") -> Text:
    return Text(f"sentence {number}", kind, f"k{number}", at=100.0 + number, person=person)  # type: ignore[arg-type]


def shows(text: Text | None, made: float = 1.0) -> State:
    return State(made=made, asked=text.at, dream=Dream("", key=text.key)) if text else State(made=made)


def played(floor: Floor, seconds: float, start: float = 0.0, light: float = 0.5) -> list[tuple[float, str]]:
    """What got the wall, and when, where each sentence's picture is there after `light` seconds."""
    found, began = [], start
    for tick in range(int(seconds * 10)):
        now = start + tick / 10
        there = floor.present if now - began >= light else None
        if text := floor.look(shows(there), now):
            found.append((now, text.key))
            began = now
    return found


def test_the_first_words_have_the_wall_at_once() -> None:
    floor, one = Floor(), said(1)
    assert floor.put(one, 5.0) == one


def test_two_sentences_that_come_together_each_have_their_time() -> None:
    floor = Floor()
    floor.put(said(1), 0.0)
    assert floor.put(said(2), 0.1) is None
    (when, key), *rest = played(floor, 20.0)
    assert key == "k2" and 0.5 + STAY / 2 <= when <= 0.8 + STAY / 2 and not rest and floor.present is None


def test_what_is_said_while_the_show_wakes_up_is_seen_when_there_are_pictures() -> None:
    """The waking house has a clock of its own, which the show's begins anew."""
    floor = Floor()
    first = floor.put(said(1), 3.0)
    assert first and floor.put(said(2), 20.0) is None
    assert not any(floor.look(State(), 3.0 + tick / 10) for tick in range(600)), "no picture yet: nobody was seen"
    assert [key for _, key in played(floor, 30.0)] == ["k2"]


def test_a_hundred_at_once_are_quick_and_those_who_never_had_the_wall_are_counted() -> None:
    floor = Floor()
    for number in range(100):
        floor.put(said(number), 0.0)
    shown = played(floor, 60.0)
    assert len(shown) == MOST and floor.overtaken == 99 - MOST
    assert shown[-1][1] == "k99" and min(b - a for (a, _), (b, _) in itertools.pairwise(shown)) >= LEAST
    assert shown[0][0] <= LEAST + 0.6


def test_a_performer_and_a_script_wait_for_nobody() -> None:
    floor = Floor()
    floor.put(said(1), 0.0)
    for text in (said(2, "performer"), said(3, person="")):
        assert floor.put(text, 0.1) == text
    assert floor.put(said(4), 0.2)


def test_light_counts_from_the_turn() -> None:
    floor = Floor()
    floor.put(said(1), 0.0)
    floor.put(said(2), 1.0)
    state = shows(floor.present)
    floor.look(state, 1.0)
    text = floor.look(state, 1.0 + STAY)
    assert text and text.at == 102.0 + STAY


def test_a_scene_that_dreams_its_own_words_does_not_keep_others_waiting_for_ever() -> None:
    floor = Floor()
    floor.put(said(1), 0.0)
    floor.put(said(2), 0.0)
    assert not floor.look(shows(None), UNSEEN - 0.1) and floor.look(shows(None), UNSEEN)


def test_what_was_taken_back_waits_no_more() -> None:
    floor = Floor()
    floor.put(said(1), 0.0)
    floor.put(said(2), 0.0)
    floor.put(said(3), 0.0)
    floor.forget("k2")
    floor.forget("k1")
    text = floor.look(shows(None), 0.1)
    assert text and text.key == "k3" and not floor.waiting


def test_one_who_writes_without_a_pause_waits_behind_himself() -> None:
    """Two sentences a second of one person; five others write once each meanwhile: all are seen, none after more than one of his."""
    floor = Floor()
    for number in range(40):
        floor.put(said(number, person="hasty"), number / 10)
    for number in range(40, 45):
        floor.put(said(number, person=f"other {number}"), 4.0)
    shown = [key for _, key in played(floor, 60.0, 4.0)]
    waits = {f"k{number}": shown.index(f"k{number}") for number in range(40, 45)}
    assert max(waits.values()) <= 5, f"{shown}"
    assert floor.overtaken == 45 - 1 - MOST
