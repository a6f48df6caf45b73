"""Who of several minds dreams for the wall, and what reaches whom: no network, no time but what is given."""

from engine.core.messages import Dream, Resume, Returned, Stored, Text, Withdraw, Withdrawn
from engine.places.minds import SLOW, Ask, Duty
from engine.places.post import AGAIN, Post


def house(*minds):
    duty = Duty()
    for mind in minds:
        duty.ready(mind)
    return duty


def asked(orders):
    """By mind: the words it is to dream of, or None where it is to rest."""
    return {mind: None if order.rest else order.dream.words for mind, order in orders if isinstance(order, Ask)}


def test_one_mind_dreams_and_the_other_stands_by():
    duty = house("a", "b")
    duty.ask(Dream("sea", key="1"), 0.0)
    assert asked(duty.orders(0.0)) == {"a": "sea", "b": None}
    assert duty.answered("a", 1, 0.5) and duty.on == "a"
    assert not duty.answered("b", 1, 0.6), "nobody asked it"
    assert duty.orders(0.7) == [] and set(asked(duty.orders(1.1))) == {"a", "b"}, "said again once a second"


def test_words_that_come_while_one_thinks_go_to_the_other_and_nothing_is_cut():
    duty = house("a", "b")
    duty.ask(Dream("sea", key="1"), 0.0)
    duty.answered("a", duty.term, 0.5)
    duty.last = Resume(3, 1.0, (1, 1, 1), b"xx")
    duty.ask(Dream("fire", key="2"), 1.0)  # a is free, and on the wall
    assert asked(duty.orders(1.0))["a"] == "fire"
    duty.ask(Dream("snow", key="3"), 1.2)  # a has not answered yet
    orders = duty.orders(1.2)
    assert orders[0] == ("b", duty.last) and asked(orders)["b"] == "snow" and asked(orders).get("a") != "snow"
    assert duty.answered("a", 2, 1.3), "the wall shows the older words until the newer are there"
    assert duty.answered("b", 3, 1.5) and duty.on == "b"
    assert not duty.answered("a", 2, 1.6), "and nothing older after them"
    assert asked(duty.orders(1.6))["a"] is None and duty.handed == 1


def test_a_mind_that_is_lost_is_followed_by_another_from_the_last_latent_at_once():
    duty = house("a", "b")
    duty.ask(Dream("sea", key="1"), 0.0)
    duty.orders(0.0)
    duty.answered("a", duty.term, 0.4)
    duty.last = Resume(3, 9.0, (1, 1, 1), b"xx")
    duty.lost("a")
    orders = duty.orders(5.0)
    assert orders == [("b", duty.last), ("b", Ask(duty.term, Dream("sea", key="1")))]
    assert duty.answered("b", duty.term, 5.2) and duty.on == "b"
    duty.ready("a")  # it comes back, and nothing is cut
    assert asked(duty.orders(6.5))["a"] is None and not duty.answered("a", duty.term, 6.6)


def test_one_that_is_slow_slows_nobody():
    duty = house("a", "b")
    duty.ask(Dream("sea", key="1"), 0.0)
    duty.orders(0.0)
    assert "b" not in {m for m, o in asked(duty.orders(SLOW - 0.1)).items() if o}
    assert asked(duty.orders(SLOW + 0.1))["b"] == "sea"
    assert duty.answered("b", 1, SLOW + 0.5) and duty.on == "b"
    assert not duty.answered("a", 1, SLOW + 0.6)


def test_newer_words_win_where_nobody_is_free_and_a_closed_house_rests():
    duty = house("a")
    duty.ask(Dream("sea", key="1"), 0.0)
    duty.ask(Dream("fire", key="2"), 0.1)
    assert asked(duty.orders(0.1)) == {"a": "fire"}
    duty.ask(Dream("fire", key="2", beta=0.9), 0.2)
    assert duty.orders(0.2)[0][1].dream.beta == 0.9, "a force that is turned reaches it at once"
    duty.rest(True)
    assert asked(duty.orders(0.3)) == {"a": None}
    duty.rest(False)
    assert asked(duty.orders(0.4)) == {"a": "fire"}


def test_without_any_mind_nothing_is_said_and_the_first_that_comes_is_asked():
    duty = house()
    duty.ask(Dream("sea", key="1"), 0.0)
    assert duty.orders(0.0) == []
    duty.ready("a")
    assert asked(duty.orders(9.0)) == {"a": "sea"}


def test_every_mind_hears_every_sentence_until_it_has_answered_and_one_answer_comes_back():
    post = Post()
    post.meet("a")
    post.meet("b")
    text = Text("the sea", key="k")
    post.hear(text)
    assert post.due("a", 0.0) == [text] and post.due("a", 1.0) == []
    assert post.answer("a", Stored("k", 1, "code"), ["a", "b"])
    assert post.due("a", AGAIN + 1) == []
    assert post.due("b", 100.0) == [text], "it was away all the time"
    assert not post.answer("b", Stored("k", 7, "code"), ["a", "b"]) and post.due("b", 200.0) == []
    assert post.answer("b", Returned("k", "v", ()), ["a", "b"]) and not post.answer("a", Returned("k", "v", ()), ["a", "b"])


def test_what_the_loop_says_again_had_no_answer():
    post = Post()
    post.meet("a")
    post.hear(Text("the sea", key="k"))
    assert post.answer("a", Stored("k", 1, "code"), ["a"])
    post.hear(Text("the sea", key="k"))  # the answer was lost on its way through the house
    assert post.due("a", 0.0) and post.answer("a", Stored("k", 1, "code"), ["a"])


def test_a_withdrawal_waits_for_every_mind_and_a_wrong_code_for_those_that_are_there():
    post = Post()
    for mind in ("a", "b", "away"):
        post.meet(mind)
    post.hear(Withdraw("code"))
    assert not post.answer("a", Withdrawn("code", False), ["a", "b"])
    assert post.answer("b", Withdrawn("code", True), ["a", "b"])
    assert post.waiting("away", Withdraw) == 1 and post.waiting("a") == 0
    post.hear(Withdraw("wrong"))
    assert not post.answer("a", Withdrawn("wrong", False), ["a", "b"]) and post.answer("b", Withdrawn("wrong", False), ["a", "b"])
