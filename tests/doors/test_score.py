"""A show that was written down: the ten visitors that the scenes bring along, and scores that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.messages import Keystroke, Text, Touch
from engine.doors.score import ScoreError, read
from engine.show.scene import SCENES

VISITORS = SCENES / "ten-visitors.jsonl"


def test_ten_visitors_write_in_two_languages_within_three_minutes() -> None:
    messages = read(VISITORS)
    said = [message for message in messages if isinstance(message, Text)]
    assert len({message.visit for message in said}) == 10
    assert any(isinstance(message, Keystroke) for message in messages)
    assert any(isinstance(message, Touch) for message in messages)
    assert all(0 <= message.at <= 180 for message in messages)
    assert any(" the " in f" {one.words} " for one in said) and any(" la " in f" {one.words} " for one in said)


def test_nobody_s_keystrokes_say_what_they_write() -> None:
    assert all(message.bits >= 0 and not hasattr(message, "words") for message in read(VISITORS) if isinstance(message, Keystroke))


def test_a_score_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "evening.jsonl").write_text('{"score": 1, "origin": 0.0}\n')
    with pytest.raises(ScoreError, match="evening"):
        read(tmp_path / "evenin.jsonl")


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "show.jsonl"
    path.write_text('{"score": 1, "origin": 0.0}\n{"at": 1.0, "kind of message": "Shout"}\n')
    with pytest.raises(ScoreError, match=r"show\.jsonl:2"):
        read(path)
