"""The lineage of an archive as W3C PROV (PROV-JSON, W3C Submission 24 April 2013): who came from whom, and how much.

Words leave the archive only where the n-gram rule lets them: founding captions, and sentences that enough different
visits wrote. Latents and vectors do not leave it.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any, TextIO

from engine.core.messages import KINDS
from engine.mind.memory.archive import WITHDRAWN, Archive, Fragment
from engine.mind.memory.words import Crowd

ANONYMOUS = "anonymous"  # who took something back: its place in the lineage stands, nameless
PREFIX = {"prov": "http://www.w3.org/ns/prov#", "hm": "urn:hypermnesia:"}
HOW = "shares of memories are measured; the shares of words against memories, and of the gap, are declared (thought.py)"


def ancestry(archive: Archive, of: Iterable[int]) -> set[int]:
    """These fragments and everybody they descend from, as far as parents were written down."""
    found, waiting = set[int](), list(of)
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += [parent for parent, _ in archive.parents(one)]
    return found


def evening(archive: Archive, day: datetime.date) -> set[int]:
    """What came into the memory on a day, with everybody that descends from: times are kept by the day."""
    return ancestry(archive, [f.id for f in archive.select("day = ? AND id > 0", (day - datetime.date(1970, 1, 1)).days)])


def export(archive: Archive, out: TextIO, only: Collection[int] | None = None) -> int:
    """Write one PROV-JSON document, of `only` these fragments or of all; returns how many it tells of.

    Streams: a million fragments need no memory.
    """

    def told() -> Iterator[Fragment]:
        return (f for f in archive.select() if only is None or f.id in only)

    crowd = Crowd()
    for fragment in archive.select("state = 0 AND kind IN (1, 2)"):
        crowd.add(fragment.words, fragment.visit)
    sections: dict[str, Iterator[tuple[str, dict[str, Any]]]] = {
        "entity": ((f"hm:fragment/{f.id}", _entity(f, crowd)) for f in told()),
        "agent": ((f"hm:kind/{kind}", {"prov:type": _name(_agent(kind))}) for kind in (*KINDS, ANONYMOUS)),
        "wasAttributedTo": (
            (f"_:a{f.id}", {"prov:entity": f"hm:fragment/{f.id}", "prov:agent": f"hm:kind/{who(f)}"}) for f in told()
        ),
        "wasDerivedFrom": _edges(archive, only),
    }
    out.write('{"prefix": ' + json.dumps(PREFIX))
    count = 0
    for name, members in sections.items():
        out.write(f',\n"{name}": {{')
        for number, (key, value) in enumerate(members):
            out.write((",\n" if number else "\n") + f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
            count += name == "entity"
        out.write("}")
    out.write("}\n")
    return count


def _entity(fragment: Fragment, crowd: Crowd) -> dict[str, Any]:
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=fragment.day)
    found: dict[str, Any] = {
        "prov:type": _name("hm:Fragment"), "hm:kind": who(fragment), "hm:day": day.isoformat(), "hm:mass": fragment.mass,
        "hm:depth": fragment.depth, "hm:state": ("here", "withdrawn", "in a stratum")[fragment.state],
        "hm:seed": fragment.seed, "hm:structure": fragment.structure, "hm:gap": round(fragment.gap, 4), "hm:shares": HOW,
    }  # fmt: skip
    if fragment.stratum:
        found["hm:stratum"] = _name(f"hm:fragment/{fragment.stratum}")
    if fragment.words and crowd.allows(fragment.words):
        found["prov:label"] = fragment.words
    return found


def who(fragment: Fragment) -> str:
    """The kind of whoever gave it; of what was taken back nobody knows any more."""
    return ANONYMOUS if fragment.state == WITHDRAWN else fragment.kind


def _name(name: str) -> dict[str, str]:
    """A qualified name as PROV-JSON writes it."""
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _agent(kind: str) -> str:
    return "prov:SoftwareAgent" if kind in ("machine", "founding", "sensor") else "prov:Person"


def _edges(archive: Archive, only: Collection[int] | None) -> Iterator[tuple[str, dict[str, Any]]]:
    for child, parent, share in archive.edges():
        if only is not None and child not in only:
            continue
        yield (
            f"_:d{child}-{parent}",
            {"prov:generatedEntity": f"hm:fragment/{child}", "prov:usedEntity": f"hm:fragment/{parent}", "hm:share": share},
        )
