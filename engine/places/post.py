"""What people do reaches every mind: sentences, withdrawals and an operator's words wait here for the minds that have not had them.

Every mind keeps every sentence, so no word is lost with a machine. A sentence has a key, and an archive stores a key once, so
saying it again costs nothing. One that is away hears of everything when it is back, as long as this show plays.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

from engine.core.messages import Judged, News, Returned, Stored, Text, Unkept, Withdraw, Withdrawn

AGAIN, AT_ONCE = 3.0, 32  # seconds until what a mind has not answered is said again; letters in one turn
MOST = 20_000  # letters that wait for one mind; then the oldest go, and are counted
TOLD = 8_192  # answers that are known to have been given

Waiting = Text | Withdraw | Judged


class Post:
    """For one house. One thread."""

    def __init__(self, minds: tuple[str, ...] = ()) -> None:
        self._waits: dict[str, OrderedDict[str, tuple[Waiting, float]]] = {mind: OrderedDict() for mind in minds}
        self._told: OrderedDict[str, None] = OrderedDict()
        self.lost = 0  # letters that were given up for a mind that stayed away

    def meet(self, mind: str) -> None:
        """From here on everything is kept for this mind, too."""
        self._waits.setdefault(mind, OrderedDict())

    def hear(self, letter: Waiting) -> None:
        """Keep a letter for every mind that is known. What the loop says again, it has had no answer to."""
        name = _name(letter)
        for kind in (Stored, Withdrawn):
            self._told.pop(f"{kind.__name__} {name}", None)
        for waits in self._waits.values():
            waits.setdefault(name, (letter, 0.0))
            if len(waits) > MOST:
                waits.popitem(last=False)
                self.lost += 1

    def due(self, mind: str, now: float) -> list[Waiting]:
        """What is to be said to a mind that is there, now."""
        waits = self._waits.get(mind, OrderedDict())
        names = [name for name, (_, when) in waits.items() if now >= when][:AT_ONCE]
        letters = [waits[name][0] for name in names]
        for name, letter in zip(names, letters, strict=True):
            if isinstance(letter, Judged):  # an operator's word has no answer: it waits for a mind that is away, and is said once
                del waits[name]
            else:
                waits[name] = letter, now + AGAIN
        return letters

    def waiting(self, mind: str, kind: type[Waiting] | None = None) -> int:
        """How many letters wait for a mind."""
        return sum(1 for letter, _ in self._waits.get(mind, {}).values() if kind is None or isinstance(letter, kind))

    def answer(self, mind: str, news: News, there: Collection[str]) -> bool:
        """A mind has answered: whether the house is to hear of it. Each answer is given once, whoever gives it first.

        `there`: minds that can be reached. That nobody was given a code is so when none of them knows it.
        """
        if isinstance(news, (Stored, Withdrawn)):
            self._waits.get(mind, OrderedDict()).pop(_name(news), None)
        if isinstance(news, Withdrawn) and not news.found and any(_name(news) in self._waits.get(other, ()) for other in there):
            return False
        if isinstance(news, (Stored, Withdrawn, Returned, Unkept)):
            name = f"{type(news).__name__} {_name(news)}"
            if name in self._told:
                return False
            self._told[name] = None
            if len(self._told) > TOLD:
                self._told.popitem(last=False)
        return True


def _name(letter: Text | Withdraw | Judged | Stored | Withdrawn | Returned | Unkept) -> str:
    """What a letter and its answer have in common."""
    if isinstance(letter, Judged):
        return f"judged {letter.key}"
    return f"withdraw {letter.code}" if isinstance(letter, (Withdraw, Withdrawn)) else letter.key
