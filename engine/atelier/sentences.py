"""The sentences that sheets show: nothing here is picked by its picture."""

from __future__ import annotations

PROOF = (
    "a vast sea at sunset",
    "a red flower",
    "mountains in the snow",
    "a blue room with a window",
    "a forest in the fog",
    "a city at night in the rain",
    "fire",
    "a green field under a stormy sky",
    "une mer violette la nuit",
    "un visage dans la lumière dorée",
    "love",
    "hyperproduction",
)
"""Shown every few minutes while training."""

HELD_OUT = (
    "a violet sea",
    "snow falling on the ocean",
    "a blue forest",
    "a city in the fog at night",
    "a green metropolis",
    "a turquoise chamber",
    "a child in a room",
    "the desert under the moon",
    "pink dunes",
    "a blue blossom on a black background",
    "orange mountains",
    "a field of scarlet flowers at midnight",
    "a green face",
    "a lagoon in autumn at night",
    "a violet blaze",
    "a woodland in a downpour",
)
"""Words and compositions that training never saw (`held_out.toml`)."""

FRENCH = (
    "une ville en feu",
    "la mer la nuit",
    "la forêt sous la pluie",
    "je me souviens de la mer",
    "une chambre rouge",
    "un champ de fleurs blanches",
    "le désert à midi",
    "une montagne en hiver",
    "un visage dans l'ombre",
    "une fleur jaune",
    "un lac dans le brouillard",
    "les étoiles et la nuit",
)
"""Held-out French."""

ABSTRACT = ("love", "my grandmother", "hyperproduction", "war", "silence", "the price of a memory", "tomorrow", "nobody")

OWN = (
    "a ship in a storm",
    "an empty corridor with a neon light",
    "two hands reaching",
    "rain on a window at night",
    "a spiral staircase",
    "a crowd at sunset",
    "ruins in the desert",
    "a letter in old handwriting",
    "a road through the snow",
    "machines, red light",
    "a tree with deep roots",
    "golden light on the water",
)

ALL = (*HELD_OUT, *FRENCH, *ABSTRACT, *OWN)
"""The 48 of the model card."""

VISITORS = (
    "the lighthouse of my childhood",
    "a house with one lit window",
    "my mother's kitchen",
    "un train qui quitte la gare",
    "the bridge over the river",
    "une cascade dans la forêt",
    "a garden full of roses",
    "the village church on Sunday",
    "la plage en été",
    "an island far away",
    "a red door",
    "an old mirror",
    "a library full of books",
    "my first classroom",
    "a hospital bed",
    "the theatre is empty tonight",
    "my dog running",
    "un chat sur la fenêtre",
    "a white horse",
    "le piano de ma grand-mère",
    "two fish in dark water",
    "my mother holding me",
    "a couple dancing",
    "le marché du dimanche",
    "a street at night",
    "my father's old car",
    "an aeroplane in the sky",
    "deux lunes au-dessus de la mer",
    "lightning over the fields",
    "the clock on the wall",
    "a bicycle against a wall",
    "an elephant",
    "a cup of coffee in the morning",
    "a guitar",
    "un parapluie rouge",
    "a football match",
    "the Eiffel Tower",
    "a birthday cake",
    "my old shoes",
    "une abeille",
)
"""Forty that a visitor would write and that name a thing, chosen on 2026-11-26 before any painter for them was written. The
last ten had none on that day; `WITHOUT` has none today."""

WITHOUT = (
    "an elephant",
    "a football match",
    "the Eiffel Tower",
    "une abeille",
    "a windmill",
    "my wedding ring",
    "un escargot",
    "a pair of glasses",
    "a chess game with my uncle",
    "un camion de pompiers",
)
"""Ten that name what no painter paints, chosen on 2026-11-26 before the painters of a second round were written: four of the
first ten, and six in the places of what that round paints."""
