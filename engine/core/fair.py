"""Who is next, among people: one who presses waits behind himself, and nobody waits behind him more than once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from cachetools import LRUCache

T = TypeVar("T")
REMEMBERED = 4096  # people whose last turn is known


class FairQueue(Generic[T]):
    """Things that wait, by key, each of a person: next is the oldest thing of whoever had a turn longest ago.

    So a person who brings a hundred is served as often as one who brings two. `most` may wait: of more, the oldest of
    whoever has most goes. Not thread-safe; a turn costs a pass over what waits.
    """

    def __init__(self, most: int = 1 << 62):
        self.most = most
        self._waiting: OrderedDict[Hashable, tuple[Hashable, T]] = OrderedDict()
        self._turns: LRUCache[Hashable, int] = LRUCache(REMEMBERED)  # by person: the number of their last turn
        self._turn = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: object) -> bool:
        return key in self._waiting

    def __iter__(self) -> Iterator[T]:
        """In the order in which they came."""
        return iter([thing for _, thing in self._waiting.values()])

    def put(self, key: Hashable, person: Hashable, thing: T) -> T | None:
        """It waits behind the others of its person; the same key again keeps its place. Returns what had to go for it."""
        self._waiting[key] = person, thing
        if len(self) <= self.most:
            return None
        people = [person for person, _ in self._waiting.values()]
        many = max(dict.fromkeys(people), key=people.count)
        return self.pop(next(key for key, (person, _) in self._waiting.items() if person == many))

    def back(self, key: Hashable, person: Hashable, thing: T) -> None:
        """It could not be served after all: the first of all in its person's line, whose turn it was."""
        self.put(key, person, thing)
        self._waiting.move_to_end(key, last=False)
        self._turns.pop(person, None)

    def pop(self, key: Hashable) -> T | None:
        """Take one out, if it is there; this is nobody's turn."""
        return self._waiting.pop(key, (None, None))[1]

    def next(self, first: Hashable = None) -> T | None:
        """Whose turn it is, taken out; `first`, a key, goes before all others. None: nobody waits."""
        key = first if first in self else min(self._waiting, key=lambda key: self._turns.get(self._waiting[key][0], 0), default=None)
        if key is None:
            return None
        person, thing = self._waiting.pop(key)
        self._turn += 1
        self._turns[person] = self._turn
        return thing
