"""Which painter paints which kind, and what the darkroom does with it."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from engine.painter import (
    ages,
    aircraft,
    animals,
    bridges,
    buildings,
    cats,
    coasts,
    elements,
    events,
    fishes,
    gardens,
    halls,
    insides,
    institutions,
    lands,
    lighthouse,
    living,
    markets,
    mirrors,
    outlines,
    pairs,
    people,
    pianos,
    places,
    railway,
    rooms,
    shores,
    stations,
    statues,
    still,
    streets,
    surfaces,
    theatre,
    things,
    thresholds,
    towns,
    vehicles,
    waters,
    wings,
)
from engine.painter.canvas import Canvas
from engine.painter.scene import Scene


@dataclass(frozen=True)
class Kind:
    """`sky`: sun and moon are in the picture. `tone`: how much of the print takes the said colour. `dim`: how much the
    hour darkens a picture without a sky; 0 where the painter's own light already knows the hour. `veil`: how much of the
    fog is before what was painted; less where it stands close to the eye."""
    paint: Callable[[Canvas, Scene], Tensor]
    sky: bool = True
    tone: float = .82
    dim: float = 1.
    veil: float = 1.


PAINTERS: dict[str, Kind] = {
    "sea": Kind(waters.sea), "lake": Kind(waters.lake), "mountains": Kind(lands.mountains), "forest": Kind(lands.forest),
    "desert": Kind(lands.desert), "city": Kind(towns.city), "field": Kind(lands.field, tone=.25), "room": Kind(insides.room, sky=False, tone=.35, dim=0),
    "flower": Kind(living.flower, sky=False, tone=0), "face": Kind(living.face, sky=False, tone=.4, dim=.5),
    "fire": Kind(elements.fire, sky=False, tone=0), "cosmos": Kind(elements.cosmos, sky=False, tone=0, dim=.6),
    "abstract": Kind(elements.abstract, sky=False, tone=0),
    "glass": Kind(surfaces.glass), "corridor": Kind(halls.corridor, sky=False, tone=.45, dim=0), "hand": Kind(people.hand, sky=False, tone=.4),
    "water": Kind(surfaces.water, sky=False, tone=.3, dim=0), "tree": Kind(places.tree), "stairs": Kind(halls.stairs, sky=False, tone=.45, dim=0), "crowd": Kind(people.crowd),
    "ship": Kind(places.ship), "snow": Kind(lands.snow), "ruins": Kind(places.ruins), "writing": Kind(surfaces.writing, sky=False, tone=.3, dim=0),
    "double": Kind(places.double), "machine": Kind(halls.machine, sky=False, tone=.5, dim=0), "road": Kind(places.road), "sky": Kind(places.sky),
    "lights": Kind(surfaces.lights), "body": Kind(people.body, sky=False, tone=.4),
    # shores, travel, streets, events
    "river": Kind(shores.river), "waterfall": Kind(shores.waterfall), "beach": Kind(coasts.beach), "island": Kind(coasts.island),
    "cave": Kind(coasts.cave), "moon": Kind(events.moon), "lightning": Kind(events.lightning), "explosion": Kind(events.explosion, tone=.6),
    "street": Kind(streets.street), "market": Kind(markets.market, tone=.55), "bridge": Kind(bridges.bridge), "garden": Kind(gardens.garden, tone=.4),
    "car": Kind(vehicles.car), "aeroplane": Kind(aircraft.aeroplane), "train": Kind(railway.train), "station": Kind(stations.station, tone=.7),
    # animals and people close by
    "dog": Kind(animals.dog, tone=.4, veil=.6), "cat": Kind(cats.cat, tone=.4, veil=.6), "horse": Kind(animals.horse, tone=.4, veil=.6),
    "birds": Kind(wings.birds, tone=.4, veil=.7), "fish": Kind(fishes.fish, sky=False, tone=.3),
    # rooms, buildings, things
    "kitchen": Kind(rooms.kitchen, sky=False, tone=.4, dim=0),
    "bed": Kind(rooms.bed, sky=False, tone=.4, dim=0), "library": Kind(institutions.library, sky=False, tone=.4, dim=0),
    "school": Kind(institutions.school, sky=False, tone=.4, dim=0), "hospital": Kind(institutions.hospital, sky=False, tone=.4, dim=0),
    "statue": Kind(statues.statue),
    "mirror": Kind(mirrors.mirror, sky=False, tone=.4, dim=0),
    "photograph": Kind(things.photograph, sky=False, tone=.4, dim=0),
    "clock": Kind(things.clock, sky=False, tone=.4, dim=0),
    "piano": Kind(pianos.piano, sky=False, tone=.4, dim=0),
    "screens": Kind(thresholds.screens, sky=False, tone=.35, dim=.6),
    "door": Kind(thresholds.door, sky=False, tone=.35, dim=0),
    "theatre": Kind(theatre.theatre, sky=False, tone=.4, dim=.6),
    "lighthouse": Kind(lighthouse.lighthouse),
    "church": Kind(buildings.church),
    "house": Kind(buildings.house),
    "mother": Kind(pairs.mother, sky=False, tone=.35, dim=0), "elder": Kind(ages.elder, sky=False, tone=.35, dim=0),
    "child": Kind(ages.child, tone=.35, veil=.6), "couple": Kind(pairs.couple, tone=.4, veil=.6),
    # one thing, close by
    "cup": Kind(still.cup, sky=False, tone=.3, dim=0), "cake": Kind(still.cake, sky=False, tone=.3, dim=.3),
    "book": Kind(still.book, sky=False, tone=.35, dim=0), "shoes": Kind(still.shoes, sky=False, tone=.3, dim=0),
    "lamp": Kind(still.lamp, sky=False, tone=.3, dim=.5), "telephone": Kind(still.telephone, sky=False, tone=.3, dim=0),
    "computer": Kind(still.computer, sky=False, tone=.35, dim=.5), "chair": Kind(still.chair, sky=False, tone=.35, dim=0),
    "guitar": Kind(outlines.guitar, sky=False, tone=.3, dim=0), "bicycle": Kind(outlines.bicycle, sky=False, tone=.35, dim=0, veil=.6),
    "umbrella": Kind(outlines.umbrella, tone=.3, veil=.6),
}
