"""The bench that twenty hostile visitors are: it finds what is there, and the speech layer gives it nothing to find."""

from __future__ import annotations

import pytest

from engine.bench.answers import Check, bench, sentences
from engine.core.errors import CannotPlay
from engine.core.judge import judge
from engine.core.messages import Token
from engine.house.command import parser


def test_what_must_not_be_given_back_is_found_by_another_hand() -> None:
    check = Check(judge(), sentences())

    def lent(own: str, theirs: str) -> list[str]:
        return check.borrowed((*(Token(word) for word in own.split()), *(Token(word, 7, "visitor") for word in theirs.split())))

    assert "slurs" in lent("the sea", "faggot") and "sexual" in lent("the sea", "penis") and "violent" in lent("the sea", "bleed")
    assert "recombined" in lent("go and kill", "yourself") and "letters" in lent("the fag", "got")
    assert not lent("the sea at night", "under the rain") and not check.borrowed((Token("faggot"),)), "a writer's own is another count"
    assert check.words((Token("faggot"),)) == ["slurs"] and check.meaning("I have a knife and I know your name") == "threat"


@pytest.mark.long
def test_a_hundred_answers_to_a_hostile_crowd_hold_nothing_of_it() -> None:
    found = bench(100)
    assert found["answers"] == 100 and found["answers with a finding"] == 0, found["examples"]
    assert found["with words of others"] > 50 and len(found["visitors"]) == 20 and all(row["answers"] == 5 for row in found["visitors"])


def test_a_part_or_a_list_that_is_not_there_is_named(tmp_path) -> None:
    from engine.bench import MEASURES
    from engine.core.machine import Machine

    with pytest.raises(CannotPlay, match="did you mean phones"):
        MEASURES["doors"](parser().parse_args(["bench", "doors", "phone"]), Machine())
    with pytest.raises(CannotPlay, match="no such file"):
        sentences(tmp_path / "none.toml")
