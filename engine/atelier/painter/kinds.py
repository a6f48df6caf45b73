"""Which painter paints which kind, and what the darkroom does with it."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from engine.atelier.painter import elements, insides, lands, living, towns, waters
from engine.atelier.painter.canvas import Canvas
from engine.atelier.painter.scene import Scene


@dataclass(frozen=True)
class Kind:
    """`sky`: the painter uses the hour's own sky and light. `tone`: how much of the print takes the said colour."""
    paint: Callable[[Canvas, Scene], Tensor]
    sky: bool = True
    tone: float = .82


PAINTERS: dict[str, Kind] = {
    "sea": Kind(waters.sea), "lake": Kind(waters.lake), "mountains": Kind(lands.mountains), "forest": Kind(lands.forest),
    "desert": Kind(lands.desert), "city": Kind(towns.city), "field": Kind(lands.field, tone=.25), "room": Kind(insides.room, tone=.35),
    "flower": Kind(living.flower, sky=False, tone=0), "face": Kind(living.face, sky=False, tone=.4),
    "fire": Kind(elements.fire, sky=False, tone=0), "cosmos": Kind(elements.cosmos, sky=False, tone=0),
    "abstract": Kind(elements.abstract, sky=False, tone=0)}
