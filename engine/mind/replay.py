"""Making pictures again from their records.

A record (`State`) holds the seed of the walk through noise, the hash of the structure, the words, every force of the
request and the time of the mind's clock. A picture of the stream is made of the last one too, so records are played in
order, from a mind that stands where the first of them began: the same archive and options. Where thoughts and pictures
take turns (`render`, and every mind whose room is not live), that gives the same bytes on a CPU. In a live room a thought
takes as long as it takes, so its pictures come again only as nearly as its thoughts fall.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.core.messages import Picture, State
from engine.mind.mind import Mind


def replay(mind: Mind, records: Iterable[State]) -> Iterator[Picture]:
    """Make the pictures of consecutive records anew. Raises ValueError for a record of another structure."""
    for record in records:
        here = f"{mind.parts.dreamer.structure} {mind.keeper.structure}"
        if record.structure != here:
            raise ValueError(f"picture {record.picture} was made by structure {record.structure}, this one is {here}")
        mind.walk_on(record.seed)
        yield mind.picture(replace(record.dream, words=record.words), record.time)
