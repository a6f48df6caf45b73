"""So many within a window, for each client; and who was held back."""

from __future__ import annotations

from collections import Counter, deque

from cachetools import LRUCache


class Limiter:
    """So many within a window, for each client. `time` in seconds from any clock. One thread."""

    def __init__(self, most: int, window: float, clients: int = 4096):
        self.most, self.window = most, window
        self._seen: LRUCache[str, deque[float]] = LRUCache(clients)

    def wait(self, client: str, time: float) -> float:
        """Seconds that a client has to wait; 0 = go on, and it is counted."""
        seen = self._seen.setdefault(client, deque())
        while seen and seen[0] <= time - self.window:
            seen.popleft()
        if len(seen) >= self.most:
            return seen[0] + self.window - time
        seen.append(time)
        return 0.0


class Held:
    """What was held back in the last minute, and of whom: a person at the desk should see that somebody presses. One thread."""

    WINDOW, MANY = 60.0, 50  # seconds; times from which it is said

    def __init__(self) -> None:
        self._times: deque[tuple[float, str]] = deque(maxlen=4096)

    def add(self, who: str, now: float) -> None:
        self._times.append((now, who))

    def note(self, now: float) -> str:
        """In a sentence, or "" where it was not much."""
        recent = Counter(who for then, who in self._times if then > now - self.WINDOW)
        if recent.total() < self.MANY:
            return ""
        (most, times), others = recent.most_common(1)[0], len(recent) - 1
        beside = f", the others under {others} more addresses" if others else ""
        return f"somebody presses at the doors: {recent.total()} texts and pages were held back in the last minute, {times} of {most}{beside}; others do not wait for them"
