"""Row 17, two levels: words make objects, and their statistics ask for another structure; only a person gives leave.

The frame is what stands around every recall: which part people have of it at least, and how many memories the founding
table weighs as much as. At night the archive's statistics may ask for another; what they ask for lies there as a proposal,
with a diff in words, until somebody at the desk accepts or refuses it. No sentence, no sensor and no address of OSC can.
Every change stays in the archive's history, and the frame is part of the structure's hash, which stands in every record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from engine.mind.memory.archive import Archive

FACT, PROPOSED, HISTORY = "frame", "frame proposed", "frame history"
MANY = 500.0  # sentences of people at which they ask for half of what they can ever have
LEAST = 0.03  # of a change, relative, below which nothing is asked for


@dataclass(frozen=True, slots=True)
class Frame:
    """What every recall stands in."""

    people: float = 0.15  # part of a recall that people have at least, if they are there at all
    alike: float = 240.0  # memories that the whole founding table weighs as much as

    def told(self, other: Frame, sentences: int) -> str:
        """What would be another, in words; "" where nothing would."""
        said = []
        if self.people != other.people:
            said.append(f"people's memories have at least {other.people:.0%} of a recall instead of {self.people:.0%}")
        if self.alike != other.alike:
            said.append(f"all founding memories weigh as {other.alike:.0f} others instead of {self.alike:.0f}")
        return f"{' and '.join(said)}, because {sentences} sentences of people are here" if said else ""


def wanted(sentences: int) -> Frame:
    """What so many sentences of people ask for."""
    part = sentences / (sentences + MANY)
    return Frame(round(0.15 + 0.3 * part, 3), round(240.0 - 180.0 * part))


def standing(archive: Archive) -> Frame:
    """The frame that stands."""
    kept = archive.fact(FACT)
    return Frame(**json.loads(kept)) if kept else Frame()


def proposal(archive: Archive) -> str:
    """What the statistics ask for, in words; "" for nothing."""
    kept = archive.fact(PROPOSED)
    return str(json.loads(kept)["told"]) if kept else ""


def ask(archive: Archive) -> str:
    """Look at the statistics, at night: what they ask for lies in the archive from now on, in words. Changes nothing else."""
    sentences = archive.count("state = 0 AND kind IN (1, 2)")
    now, then = standing(archive), wanted(sentences)
    far = max(abs(then.people / now.people - 1.0), abs(then.alike / now.alike - 1.0))
    told = now.told(then, sentences) if far > LEAST else ""
    refused = archive.fact(HISTORY) and json.loads(archive.fact(HISTORY))[-1]
    if refused and not refused["accepted"] and refused["told"] == told:
        told = ""  # the same is not asked for twice
    archive.set_fact(PROPOSED, json.dumps({"told": told, "frame": asdict(then)}).encode() if told else b"")
    return told


def decide(archive: Archive, accepted: bool) -> Frame:
    """Somebody at the desk has decided; returns the frame that stands from now on. Without a proposal nothing changes."""
    kept, now = archive.fact(PROPOSED), standing(archive)
    if not kept:
        return now
    asked: Mapping[str, object] = json.loads(kept)
    then = replace(now, **asked["frame"]) if accepted else now  # type: ignore[arg-type]
    told = archive.fact(HISTORY)
    history = [*(json.loads(told) if told else []), {"day": archive.date, "told": asked["told"], "accepted": accepted}]
    archive.set_fact(HISTORY, json.dumps(history).encode())
    archive.set_fact(FACT, json.dumps(asdict(then)).encode())
    archive.set_fact(PROPOSED, b"")
    return then
