"""Whom a picture descends from, generation by generation, with what each has of it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.mind.memory.archive import Archive, Fragment
from engine.mind.memory.provenance import who
from engine.mind.memory.words import Crowd

WORDS = 0  # stands for what the words of a sentence have of its picture themselves
GIVEN = 4  # at least so many of them are no founding memories, where there are any
MOST = 7  # members of a generation that are drawn; the others stand together


@dataclass(frozen=True, slots=True)
class Member:
    """One memory in the tree of a picture; `fragment` 0: words themselves, or all others of a generation."""

    fragment: int
    kind: str  # who gave it; "anonymous" where it was taken back, "words", "others"
    share: float  # of the picture at the root, by all ways that lead here
    words: str = ""  # that may be shown
    day: int = 0  # since 1970-01-01
    count: int = 1


@dataclass(frozen=True, slots=True)
class Family:
    """`generations[0]` is the picture alone; `bonds` are (generation, from member, to member of the next, share)."""

    root: Fragment
    generations: tuple[tuple[Member, ...], ...]
    bonds: tuple[tuple[int, int, int, float], ...]
    depth: int  # longest line, also where it is not drawn
    count: int  # distinct origins


def family(archive: Archive, number: int, most: int = 4, own: bool = False) -> Family:
    """The tree of a fragment, at most so many generations above it. `own`: whoever asks gave its words and may read them.

    A memory that several descend from stands once in a generation, with all that it has of the picture. Raises KeyError.
    """
    root = archive.fragment(number)
    if root is None:
        raise KeyError(number)
    crowd = Crowd()
    for one in archive.select("state = 0 AND kind IN (1, 2)"):
        crowd.add(one.words, one.visit)
    here = _member(archive, number, 1.0, crowd)
    generations: list[tuple[Member, ...]] = [(Member(number, here.kind, 1.0, root.words if own else here.words, here.day),)]
    bonds: list[tuple[int, int, int, float]] = []
    while len(generations) <= most:
        found = [(k, parent, member.share * share) for k, member in enumerate(generations[-1]) if member.fragment for parent, share in _parents(archive, member) if share > 0]
        if not any(parent for _, parent, _ in found):
            break
        shares: dict[int, float] = {}
        for _, parent, share in found:
            shares[parent] = shares.get(parent, 0.0) + share
        by_share = sorted(shares.keys() - {WORDS}, key=lambda one: -shares[one])
        given = [one for one in by_share if one > 0][:GIVEN]  # people, and dreams: their line goes on
        named = _beside([*given, *[one for one in by_share if one not in given][: MOST - len(given)]], found)
        members = [_member(archive, one, shares[one], crowd) for one in named]
        if WORDS in shares:
            named.append(WORDS)
            members.append(Member(WORDS, "words", shares[WORDS]))
        if rest := shares.keys() - set(named):
            members.append(Member(0, "others", sum(shares[one] for one in rest), count=len(rest)))
        place = {one: k for k, one in enumerate(named)}
        joined: dict[tuple[int, int], float] = {}
        for k, parent, share in found:
            bond = k, place.get(parent, len(named))
            joined[bond] = joined.get(bond, 0.0) + share
        bonds += [(len(generations), k, above, share) for (k, above), share in joined.items()]
        generations.append(tuple(members))
    line = archive.lines([number]).get(number)
    return Family(root, tuple(generations), tuple(bonds), root.depth, line.count if line else 1)


def _beside(named: list[int], found: list[tuple[int, int, float]]) -> list[int]:
    """Members of a generation as near as can be to those who descend from them, so that few bands cross (barycentres, Sugiyama
    1981); the largest first among those of one child. `found`: (place of the child, parent, share)."""
    shares, places = dict.fromkeys(named, 0.0), dict.fromkeys(named, 0.0)
    for child, parent, share in found:
        if parent in shares:
            shares[parent] += share
            places[parent] += share * child
    return sorted(named, key=lambda one: (round(places[one] / shares[one], 6), -shares[one]))


def _parents(archive: Archive, member: Member) -> list[tuple[int, float]]:
    """A sentence is its own parent for what its words have of its picture: that part ends here."""
    return [(WORDS if parent == member.fragment else parent, share) for parent, share in archive.parents(member.fragment)]


def _member(archive: Archive, number: int, share: float, crowd: Crowd) -> Member:
    found = archive.fragment(number)
    if found is None:
        return Member(number, "anonymous", share)
    shown = found.words if found.words and (found.kind == "founding" or crowd.allows(found.words)) else ""
    return Member(number, who(found), share, shown, found.day)
