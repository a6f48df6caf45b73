"""The lineage of an archive as W3C PROV (PROV-JSON, W3C Submission 24 April 2013): who came from whom, and how much.

Words leave the archive only where the n-gram rule lets them: founding captions, and sentences that enough different
visits wrote. Latents and vectors do not leave it.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any, TextIO

from engine.core.messages import KINDS
from engine.mind.memory.archive import Archive, Fragment
from engine.mind.memory.words import Crowd

PREFIX = {"prov": "http://www.w3.org/ns/prov#", "hm": "urn:hypermnesia:"}
HOW = "shares of memories are measured; the shares of words against memories, and of the gap, are declared (thought.py)"


def export(archive: Archive, out: TextIO) -> int:
    """Write one PROV-JSON document; returns how many fragments it tells of. Streams: a million fragments need no memory."""
    crowd = Crowd()
    for fragment in archive.select("state = 0 AND kind IN (1, 2)"):
        crowd.add(fragment.words, fragment.visit)
    sections: dict[str, Iterator[tuple[str, dict[str, Any]]]] = {
        "entity": ((f"hm:fragment/{f.id}", _entity(f, crowd)) for f in archive.select()),
        "agent": ((f"hm:kind/{kind}", {"prov:type": _agent(kind)}) for kind in KINDS),
        "wasAttributedTo": (
            (f"_:a{f.id}", {"prov:entity": f"hm:fragment/{f.id}", "prov:agent": f"hm:kind/{f.kind}"}) for f in archive.select()
        ),
        "wasDerivedFrom": _edges(archive),
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
        "prov:type": "hm:Fragment", "hm:kind": fragment.kind, "hm:day": day.isoformat(), "hm:mass": fragment.mass,
        "hm:depth": fragment.depth, "hm:state": ("here", "withdrawn", "in a stratum")[fragment.state],
        "hm:seed": fragment.seed, "hm:structure": fragment.structure, "hm:gap": round(fragment.gap, 4), "hm:shares": HOW,
    }  # fmt: skip
    if fragment.stratum:
        found["hm:stratum"] = f"hm:fragment/{fragment.stratum}"
    if fragment.words and crowd.allows(fragment.words):
        found["prov:label"] = fragment.words
    return found


def _agent(kind: str) -> str:
    return "prov:SoftwareAgent" if kind in ("machine", "founding", "sensor") else "prov:Person"


def _edges(archive: Archive) -> Iterator[tuple[str, dict[str, Any]]]:
    for child, parent, share in archive.edges():
        yield (
            f"_:d{child}-{parent}",
            {"prov:generatedEntity": f"hm:fragment/{child}", "prov:usedEntity": f"hm:fragment/{parent}", "hm:share": share},
        )
