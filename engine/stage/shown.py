"""What a wall shows at an instant, for another wall to show the same: the layer, and where it is between which two pictures."""

from __future__ import annotations

from dataclasses import dataclass

from engine.stage.layer import Layer, dark


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame of the wall that leads, described. A picture is named by the second at which it was made (`State.made`)."""

    at: float = 0.0  # scene seconds
    house: float = 0.0  # monotonic seconds of the machine that leads
    layer: Layer = dark
    blackout: bool = False
    dimmed: float = 1.0  # how light the house is, 0..1
    end: float = 0.0  # the picture that the in-between goes to; 0: none yet
    began: float = 0.0  # house seconds at which this in-between began
    begun: float = 0.0  # house seconds at which it would have begun, had it always gone at this pace: where it is follows from it
    duration: float = 0.5  # seconds that it takes
    coming: float = 0.0  # the picture of the next in-between, once its flow is known; 0: not yet
    then: float = 0.0  # house seconds at which the next in-between will begin, where `coming` is known
