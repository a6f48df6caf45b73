"""What a painting shows, said in one plain English sentence: what a judged model is asked for."""

from __future__ import annotations

from engine.painter.paint import Attributes

SAID = {
    "kind": {"cosmos": "the cosmos", "writing": "old handwriting", "double": "a double exposure", "glass": "a wet window pane",
             "abstract": "an abstract form", "water": "water", "snow": "snow", "fire": "fire", "lights": "blurred lights",
             "stairs": "stairs", "ruins": "ruins", "mountains": "mountains", "body": "a human body", "elder": "an old person",
             "fish": "fish", "birds": "birds", "lightning": "lightning", "screens": "screens", "sky": "the sky", "sea": "the sea",
             "machine": "machines", "photograph": "a framed photograph", "bed": "a bed", "city": "a city"},
    "time": {"dawn": "at dawn", "noon": "at noon", "sunset": "at sunset", "dusk": "at dusk", "night": "at night"},
    "weather": {"clear": "under a clear sky", "cloudy": "under clouds", "storm": "in a storm", "fog": "in the fog", "rain": "in the rain", "snow": "in the snow"},
    "light": {"sun": "in the sun", "moon": "under the moon", "stars": "under the stars", "lamp": "with a lamp", "candle": "by candlelight",
              "window": "with light from a window", "neon": "in neon light", "backlight": "against the light"},
    "season": {"spring": "in spring", "summer": "in summer", "autumn": "in autumn", "winter": "in winter"},
    "figure": {"birds": "with birds"},
}  # fmt: skip


def plain(a: Attributes) -> str:
    """What a painting shows, every attribute of it, in one plain English sentence; not one of the grammar's."""
    bare = SAID["kind"].get(a.kind, f"{_article(a.kind)} {a.kind}")
    article, _, noun = bare.partition(" ") if bare.startswith(("a ", "an ", "the ")) else ("", "", bare)
    before = " ".join(word for word in (a.mood, a.colour) if word)
    if before:
        noun = f"{before} {noun}"
        article = _article(before) if article in ("a", "an") else article
    parts = [f"{article} {noun}".strip()]
    if a.extra:
        parts.append(a.extra)
    if a.figure:
        parts.append(SAID["figure"].get(a.figure, f"with {_article(a.figure)} {a.figure}"))
    if a.second:
        parts.append(f"with {a.second} light")
    parts += [SAID[name][value] for name in ("time", "weather", "light", "season") if (value := getattr(a, name))]
    return ", ".join(parts)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
