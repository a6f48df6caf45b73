"""Turns: who has had the wall, and how long. A scene tires of it while it plays and rests while others do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

HOUR = 3600.0  # seconds in which a turn is forgotten to 1/e
MOST = 0.3  # share of the last hour after which a scene has had enough: over a day none has more than a third


@dataclass(slots=True)
class Turns:
    """Shares of the wall's last hour, an exponential mean. One thread; owes no clock."""

    shares: dict[str, float] = field(default_factory=dict)

    def pass_by(self, name: str, seconds: float) -> None:
        """So long has this scene had the wall since the last call."""
        keep = math.exp(-max(0.0, seconds) / HOUR)
        self.shares = {each: share * keep for each, share in self.shares.items() if share > 1e-6}
        self.shares[name] = self.shares.get(name, 0.0) + 1.0 - keep

    def share(self, name: str) -> float:
        """0..1 of the last hour; also how tired it is."""
        return self.shares.get(name, 0.0)

    def tired(self, name: str, scenes: int) -> bool:
        """Whether it has had enough, among so many scenes: of three somebody has to have a third, of one all."""
        return self.share(name) > max(MOST, 1.5 / max(1, scenes))
