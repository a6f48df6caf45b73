"""Two rivals continue one picture under the same words, by turns; whom people linger on goes on more often.

A rival is a producer (`engine.mind.rows.producers`): its genes say how much of a picture it keeps, how fast it moves and how
much it dreams anew. Both go on from where the other has left off. The seconds for which people stay with the film of one
are worth to it what those with its single pictures are.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from engine.core.messages import Dream, Producer
from engine.mind.rows.producers import led

HOLD = (0.55, 0.9)  # what the gene of feedback means in film: how much of the last picture is kept
TEMPO = (0.6, 1.5)  # and that of the pulse: how fast it moves
EVEN = 30.0  # seconds of lingering that both are given: somebody new has a chance


class Rivals:
    """Whose turn it is. The stream's thread; `taken` for any."""

    def __init__(self) -> None:
        self.who = 0  # the producer whose chunk is shown; 0: nobody's in particular
        self._credit: dict[int, float] = {}
        self._stayed: dict[int, float] = {}
        self._lock = threading.Lock()

    def turn(self, two: tuple[Producer, ...]) -> Producer:
        """Who makes the next chunk: each as often as people have lingered on it, and both in turn where that is alike."""
        worth = {one.id: EVEN + one.lingered for one in two}
        self._credit = {one: self._credit.get(one, 0.0) + part / sum(worth.values()) for one, part in worth.items()}
        self.who = max(self._credit, key=lambda one: (self._credit[one], -one))
        self._credit[self.who] -= 1.0
        return next(one for one in two if one.id == self.who)

    def stay(self, seconds: float, autonomy: float) -> None:
        """So long its film was shown, with people there to this degree (0 somebody .. 1 nobody)."""
        if self.who:
            with self._lock:
                self._stayed[self.who] = self._stayed.get(self.who, 0.0) + seconds * (1.0 - autonomy)

    def taken(self) -> dict[int, float]:
        """Seconds that people stayed with each since the last call."""
        with self._lock:
            found, self._stayed = self._stayed, {}
        return found


def as_rival(dream: Dream, producer: Producer) -> tuple[Dream, float]:
    """A request as this producer makes it, and the tempo of its motion."""
    hold = HOLD[0] + (HOLD[1] - HOLD[0]) * producer.gene("feedback")
    tempo = TEMPO[0] + (TEMPO[1] - TEMPO[0]) * producer.gene("pulse")
    return replace(led(replace(dream, producers=1.0), producer), film=hold), tempo
