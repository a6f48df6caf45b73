"""So many within a window, for each client."""

from __future__ import annotations

from collections import deque

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
