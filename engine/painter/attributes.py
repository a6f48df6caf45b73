"""What a painting shows, in closed vocabularies, and how chance chooses it. Imports no torch: captions read it too."""
from __future__ import annotations

import random
from dataclasses import dataclass, field, fields, replace

TIMES = ("dawn", "noon", "sunset", "dusk", "night")
LIGHTS = ("sun", "moon", "stars", "lamp", "candle", "window", "neon", "backlight", "two moons", "crescent", "rainbow", "lightning")
WEATHERS = ("clear", "cloudy", "storm", "fog", "rain", "snow")
COLOURS = ("red", "orange", "golden", "green", "turquoise", "blue", "violet", "pink", "white", "black", "grey", "brown")
MOODS = ("melancholic", "dreamlike", "faded", "violent", "silent", "luminous", "dark", "joyful")
SEASONS = ("spring", "summer", "autumn", "winter")
FIGURES = ("person", "woman", "couple", "child", "birds", "tree", "house", "boat", "horse", "dog", "people", "children", "boats", "horses")


@dataclass(frozen=True)
class Attributes:
    """One painting in words of the vocabularies above; "" says nothing. `colour` rules the picture, `second` its light."""
    kind: str
    time: str = ""
    light: str = ""
    weather: str = ""
    colour: str = ""
    second: str = ""
    mood: str = ""
    season: str = ""
    figure: str = ""
    extra: str = ""


@dataclass(frozen=True)
class Offer:
    """What one kind of picture may be combined with when chance chooses."""
    times: tuple[str, ...] = TIMES
    lights: tuple[str, ...] = ()
    weathers: tuple[str, ...] = ()
    colours: tuple[str, ...] = COLOURS
    seasons: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    always: tuple[str, ...] = field(default=())       # fields that are never left empty


_SKY = ("sun", "moon", "stars")
_HEAVENS = (*_SKY, "two moons", "crescent", "rainbow", "lightning")
_LAND = {"lights": _HEAVENS, "weathers": WEATHERS}
_INSIDE = {"lights": ("lamp", "candle", "window", "neon")}
_NEAR = {"lights": ("candle", "window", "backlight", "neon")}
_PEOPLE = ("person", "woman", "couple", "child")

OFFERS: dict[str, Offer] = {
    "sea": Offer(**_LAND, figures=("person", "couple", "people", "birds", "boat", "boats"), extras=("calm", "waves")),
    "lake": Offer(**_LAND, seasons=SEASONS, figures=("person", "birds", "boat", "boats", "couple")),
    "mountains": Offer(**_LAND, seasons=SEASONS, figures=("person", "house", "birds", "tree"), extras=("snowy",)),
    "forest": Offer(**_LAND, seasons=SEASONS, figures=(*_PEOPLE, "horse", "dog"), extras=("path", "burning")),
    "desert": Offer(**_LAND, figures=("person", "people", "horse", "horses", "birds", "tree")),
    "city": Offer(**_LAND, figures=("person", "birds"), extras=("lights", "burning", "towers")),
    "field": Offer(**_LAND, seasons=SEASONS, figures=("person", "people", "child", "children", "tree", "house", "horse", "horses", "dog", "birds"), extras=("poppies", "wheat")),
    "room": Offer(**_INSIDE, figures=_PEOPLE, extras=("chair", "bed", "table", "door")),
    "flower": Offer(**_NEAR, always=("colour",), extras=("rose", "wilted")),
    "face": Offer(**_NEAR, extras=("profile", "blurred", "half-lit")),
    "fire": Offer(colours=("red", "orange", "golden", "blue", "green", "violet"), figures=_PEOPLE, extras=("embers", "smoke")),
    "cosmos": Offer(times=(), always=("colour",), extras=("planet", "galaxy")),
    "abstract": Offer(times=(), always=("colour", "second", "extra"), extras=("marble", "smoke", "cells", "veins", "gradient", "ripples")),
    "glass": Offer(lights=("lamp", "neon"), weathers=("rain", "fog", "storm")),
    "corridor": Offer(lights=("lamp", "neon", "window"), figures=_PEOPLE),
    "hand": Offer(**_NEAR, extras=("two hands", "reaching", "shadow")),
    "water": Offer(weathers=("rain", "fog"), lights=("sun", "moon"), extras=("rings", "caustics")),
    "tree": Offer(**_LAND, seasons=SEASONS, figures=("person", "child", "birds", "horse"), extras=("roots", "leaves")),
    "stairs": Offer(**_INSIDE, figures=_PEOPLE, extras=("spiral",)),
    "crowd": Offer(**_LAND, extras=("raised arms",)),
    "ship": Offer(**_LAND, figures=("birds",), extras=("sails", "liner"), always=("extra",)),
    "snow": Offer(lights=_SKY, weathers=("clear", "cloudy", "fog", "snow"), figures=("person", "couple", "house", "birds", "dog", "horse")),
    "ruins": Offer(**_LAND, seasons=SEASONS, figures=("person", "birds", "tree", "horse"), extras=("columns",)),
    "writing": Offer(lights=("lamp", "candle", "window"), extras=("chalk", "crossed out")),
    "double": Offer(lights=_SKY, weathers=("clear", "cloudy", "fog"), extras=("city", "forest", "sea", "stars", "fire", "mountains"), always=("extra",)),
    "machine": Offer(lights=("lamp", "neon", "window"), figures=("person",), extras=("pipes", "servers")),
    "road": Offer(**_LAND, seasons=SEASONS, figures=("person", "people", "couple", "child", "house", "tree", "horse", "horses", "dog", "birds")),
    "sky": Offer(**_LAND, figures=("birds", "tree", "house")),
    "lights": Offer(times=("sunset", "dusk", "night"), weathers=("rain", "fog", "snow"), extras=("traces",)),
    "body": Offer(**_NEAR, extras=("dancing",)),
    # shores, travel, streets, events
    "river": Offer(**_LAND, seasons=SEASONS, figures=("person", "child", "house", "boat", "boats", "horse", "birds")),
    "waterfall": Offer(**_LAND, seasons=SEASONS, figures=("person", "couple", "birds")),
    "beach": Offer(**_LAND, figures=("person", "people", "couple", "child", "children", "dog", "horse", "birds", "boat", "boats"), extras=("palms",)),
    "island": Offer(**_LAND, figures=("birds", "boat", "boats"), extras=("palms", "rocks", "trees")),
    "cave": Offer(lights=_SKY, weathers=("clear", "cloudy", "fog"), figures=("person", "child", "couple"), extras=("sea view", "valley")),
    "moon": Offer(times=("dawn", "sunset", "dusk", "night", "noon"), lights=("stars", "two moons", "crescent"), weathers=("clear", "cloudy", "fog", "snow"), seasons=(),
                  figures=("person", "couple", "child", "birds", "tree", "boat"), always=("time",)),
    "lightning": Offer(lights=(), weathers=("rain", "storm"), seasons=SEASONS, figures=("person", "tree", "house", "horse")),
    "explosion": Offer(lights=("stars",), weathers=("clear", "cloudy", "fog", "snow"), figures=("person", "couple", "birds", "house"), extras=("mushroom cloud",)),
    "street": Offer(**_LAND, figures=(*_PEOPLE, "people", "children", "horse", "dog", "birds"), extras=("street lamps", "shops")),
    "market": Offer(lights=_SKY, weathers=("clear", "cloudy", "fog", "rain"), figures=(*_PEOPLE, "dog"), extras=("fruit", "cut flowers")),
    "bridge": Offer(**_LAND, seasons=SEASONS, figures=("person", "couple", "horse", "birds"), extras=("suspended",)),
    "garden": Offer(**_LAND, seasons=SEASONS, figures=(*_PEOPLE, "dog"), extras=("roses", "gate")),
    "car": Offer(**_LAND, seasons=SEASONS, figures=("person", "woman", "couple", "birds", "dog"), extras=("headlights",)),
    "aeroplane": Offer(**_LAND, figures=("birds",), extras=("propeller", "contrails")),
    "train": Offer(**_LAND, seasons=SEASONS, figures=("person", "child", "birds", "horse"), extras=("steam", "express")),
    "station": Offer(lights=("sun", "lamp"), weathers=("clear", "cloudy", "fog"), figures=_PEOPLE, extras=("waiting train",)),
    # animals and people close by
    "dog": Offer(**_LAND, seasons=SEASONS, extras=("running", "standing")),
    "cat": Offer(lights=("sun", "moon", "stars", "lamp", "candle"), weathers=WEATHERS),
    "horse": Offer(**_LAND, seasons=SEASONS, extras=("galloping", "standing")),
    "birds": Offer(**_LAND, seasons=SEASONS, extras=("branch", "flock")),
    "fish": Offer(lights=("sun", "moon"), extras=("shoal",)),
    # rooms, buildings, things
    "kitchen": Offer(**_INSIDE),
    "bed": Offer(**_INSIDE, extras=("unmade", "sleeper")),
    "library": Offer(**_INSIDE, figures=_PEOPLE),
    "school": Offer(**_INSIDE, figures=("woman", "child", "person")),
    "hospital": Offer(**_INSIDE, extras=("patient",)),
    "statue": Offer(**_LAND, seasons=SEASONS, figures=("person", "child", "birds"), extras=("angel", "bust")),
    "mirror": Offer(**_INSIDE, figures=("person", "woman", "child"), extras=("broken",)),
    "photograph": Offer(**_INSIDE, extras=("framed", "old pictures")),
    "clock": Offer(**_INSIDE, extras=("grandfather clock", "wall clock")),
    "piano": Offer(**_INSIDE, extras=("grand piano", "upright piano")),
    "screens": Offer(times=(), figures=("person", "woman", "child", "couple")),
    "door": Offer(lights=("lamp", "candle", "neon"), figures=_PEOPLE),
    "theatre": Offer(times=(), lights=("lamp", "candle", "neon"), figures=("person", "woman", "couple", "child"), extras=("closed curtain",)),
    "lighthouse": Offer(**_LAND, seasons=("winter", "summer")),
    "church": Offer(**_LAND, seasons=SEASONS, figures=("person", "couple", "birds", "dog")),
    "house": Offer(**_LAND, seasons=SEASONS, figures=("person", "woman", "child", "children", "dog", "horse", "birds"), extras=("lit window",)),
    "mother": Offer(**_NEAR),
    "elder": Offer(**_NEAR, extras=("grandmother", "grandfather"), always=("extra",)),
    "child": Offer(**_LAND, seasons=SEASONS, extras=("balloon",)),
    "couple": Offer(**_LAND, seasons=SEASONS, extras=("dancing",)),
    # one thing, close by
    "cup": Offer(**_INSIDE), "cake": Offer(lights=("candle", "lamp", "window")), "book": Offer(**_INSIDE), "shoes": Offer(**_INSIDE),
    "lamp": Offer(), "telephone": Offer(**_INSIDE), "computer": Offer(), "chair": Offer(**_INSIDE), "guitar": Offer(**_INSIDE),
    "bicycle": Offer(lights=("sun", "moon", "lamp"), weathers=("clear", "cloudy", "rain", "snow")), "umbrella": Offer(**_LAND),
}

# How often chance says something in each field that a kind offers.
_CHANCES = {"time": .62, "light": .32, "weather": .36, "colour": .42, "second": .3, "mood": .34, "season": .3, "figure": .32, "extra": .45}
_NEVER_TOGETHER = (("night", "sun"), ("noon", "moon"), ("noon", "stars"), ("dawn", "stars"), ("storm", "stars"), ("fog", "stars"),
                   ("noon", "two moons"), ("noon", "crescent"), ("fog", "two moons"), ("fog", "crescent"), ("storm", "two moons"), ("storm", "crescent"), ("rain", "two moons"), ("rain", "crescent"), ("rain", "moon"), ("storm", "moon"), ("night", "rainbow"), ("fog", "rainbow"), ("snow", "rainbow"),
                   ("clear", "lightning"), ("fog", "lightning"), ("snow", "lightning"), ("storm", "sun"), ("snow", "summer"), ("winter", "wheat"), ("snow", "burning"), ("noon", "candle"))
MOST_WORDS = 5                                        # more words than this and none of them shows


def contradict(one: str, other: str) -> bool:
    """Whether two values are never together in a picture."""
    return (one, other) in _NEVER_TOGETHER or (other, one) in _NEVER_TOGETHER


def draw(kind: str, rng: random.Random) -> Attributes:
    """Choose a painting of `kind` by chance: at most MOST_WORDS fields are said, none contradicts another."""
    offer = OFFERS[kind]
    choices = {"time": offer.times, "light": offer.lights, "weather": offer.weathers, "colour": offer.colours,
               "second": offer.colours, "mood": MOODS, "season": offer.seasons, "figure": offer.figures, "extra": offer.extras}
    said = {name: rng.choice(values) for name, values in choices.items()
            if values and (name in offer.always or rng.random() < _CHANCES[name])}
    if "second" in said and said.get("colour", said["second"]) == said["second"]:
        del said["second"]                            # a second colour needs a first, and another
    for one, other in _NEVER_TOGETHER:
        for name in [name for name, value in said.items() if value == other and one in said.values()]:
            del said[name]
    if said.get("extra") == "burning":
        said.pop("colour", None)                      # fire brings its own
        said.pop("second", None)
    spare = [name for name in said if name not in offer.always]
    rng.shuffle(spare)
    for name in spare[:max(0, len(said) - MOST_WORDS)]:
        del said[name]
    return Attributes(kind, **said)


def complete(drawn: Attributes, wanted: Attributes | None) -> Attributes:
    """`drawn`, with the fields that `wanted` says put in their place."""
    if wanted is None:
        return drawn
    asked = {f.name: getattr(wanted, f.name) for f in fields(wanted) if f.name != "kind" and getattr(wanted, f.name)}
    return replace(drawn, **asked)
