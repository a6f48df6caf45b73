"""One who presses waits behind himself; nobody waits behind him more than once."""

from __future__ import annotations

import itertools
import random

import pytest

from engine.core.fair import FairQueue


def test_who_brings_a_hundred_is_served_by_turns_with_who_brings_one() -> None:
    queue = FairQueue[str]()
    for number in range(100):
        queue.put(f"h{number}", "hasty", f"h{number}")
    queue.put("a", "ann", "a")
    queue.put("b", "ben", "b")
    assert [queue.next() for _ in range(4)] == ["h0", "a", "b", "h1"]
    queue.put("a2", "ann", "a2")
    assert queue.next() == "a2", "ann had her turn before the hasty one had his last"


def test_of_too_many_the_oldest_of_whoever_has_most_goes() -> None:
    queue = FairQueue[str](3)
    assert not any(queue.put(key, person, key) for key, person in (("a", "ann"), ("h0", "hasty"), ("h1", "hasty")))
    assert queue.put("h2", "hasty", "h2") == "h0" and queue.put("b", "ben", "b") == "h1"
    assert list(queue) == ["a", "h2", "b"]


def test_what_could_not_be_served_is_next_again() -> None:
    queue = FairQueue[str]()
    for key, person in (("a", "ann"), ("b", "ben"), ("a2", "ann")):
        queue.put(key, person, key)
    served = queue.next()
    queue.back("a", "ann", "a")
    assert [served, *(queue.next() for _ in range(4))] == ["a", "a", "b", "a2", None]


def test_one_that_is_asked_for_goes_first_and_one_that_is_taken_out_is_gone() -> None:
    queue = FairQueue[str]()
    for key in "abc":
        queue.put(key, key, key)
    assert queue.pop("a") == "a" and queue.pop("a") is None and "a" not in queue
    assert [queue.next("c"), queue.next("nobody's"), queue.next()] == ["c", "b", None]


@pytest.mark.parametrize("seed", range(20))
def test_between_two_turns_of_one_who_waits_everybody_has_one_at_most(seed: int) -> None:
    people = random.Random(seed).choices("abcdef", (9, 5, 1, 1, 1, 1), k=60)
    queue = FairQueue[tuple[str, int]]()
    for number, person in enumerate(people):
        queue.put(str(number), person, (person, number))
    served = [queue.next() for _ in people]
    assert None not in served and len(set(served)) == len(people) and queue.next() is None
    for person in set(people):
        turns = [at for at, one in enumerate(served) if one and one[0] == person]
        assert [served[at] for at in turns] == [(who, n) for n, who in enumerate(people) if who == person], "one's own keep their order"
        for before, after in itertools.pairwise(turns):
            others = [one[0] for one in served[before + 1 : after] if one]
            assert len(others) == len(set(others))
