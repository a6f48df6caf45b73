"""The words of the page a day, in the gallery's language."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "The day of {date}", "people": "People", "wall": "The wall", "machine": "The machine", "wrong": "What went wrong",
        "visitors": "visitors", "sentences": "sentences", "kept": "sentences kept", "withdrawn": "taken back",
        "open": "hours open", "up": "hours playing", "dark": "seconds dark while it should have been light", "longest_dark": "seconds, the longest of them",
        "late_frames": "frames late, of {frames}", "underruns": "gaps in the sound", "late_grains": "grains late",
        "restarts": "rooms started anew", "falls": "times the show itself was started anew", "watt_hours": "watt-hours ({how})",
        "measured": "measured", "estimated": "estimated", "hottest": "degrees, the warmest", "throttled": "times it slowed itself down",
        "nothing": "Nothing.", "picture": "The picture of the day: the one with most of others in it.", "release": "release {release}",
        "subject": "hypermnesia, {date}", "alert": "hypermnesia needs somebody",
    },
    "fr": {
        "title": "La journée du {date}", "people": "Les gens", "wall": "Le mur", "machine": "La machine", "wrong": "Ce qui n'allait pas",
        "visitors": "visiteurs", "sentences": "phrases", "kept": "phrases gardées", "withdrawn": "reprises",
        "open": "heures d'ouverture", "up": "heures de jeu", "dark": "secondes de noir quand il fallait de la lumière", "longest_dark": "secondes, le plus long de ces noirs",
        "late_frames": "images en retard, sur {frames}", "underruns": "trous dans le son", "late_grains": "grains en retard",
        "restarts": "salles relancées", "falls": "relances de l'œuvre elle-même", "watt_hours": "wattheures ({how})",
        "measured": "mesurés", "estimated": "estimés", "hottest": "degrés au plus chaud", "throttled": "ralentissements par la chaleur",
        "nothing": "Rien.", "picture": "L'image du jour : celle où il y a le plus des autres.", "release": "version {release}",
        "subject": "hypermnesia, {date}", "alert": "hypermnesia a besoin de quelqu'un",
    },
    "de": {
        "title": "Der Tag des {date}", "people": "Menschen", "wall": "Die Wand", "machine": "Die Maschine", "wrong": "Was nicht ging",
        "visitors": "Besucher", "sentences": "Sätze", "kept": "behaltene Sätze", "withdrawn": "zurückgenommen",
        "open": "Stunden geöffnet", "up": "Stunden gespielt", "dark": "Sekunden dunkel, als Licht sein sollte", "longest_dark": "Sekunden, das längste davon",
        "late_frames": "Bilder zu spät, von {frames}", "underruns": "Lücken im Klang", "late_grains": "Körner zu spät",
        "restarts": "Räume neu gestartet", "falls": "Neustarts der Aufführung selbst", "watt_hours": "Wattstunden ({how})",
        "measured": "gemessen", "estimated": "geschätzt", "hottest": "Grad am wärmsten", "throttled": "Mal verlangsamt vor Wärme",
        "nothing": "Nichts.", "picture": "Das Bild des Tages: in ihm ist am meisten von anderen.", "release": "Ausgabe {release}",
        "subject": "hypermnesia, {date}", "alert": "hypermnesia braucht jemanden",
    },
}  # fmt: skip
SECTIONS = (
    ("people", ("visitors", "sentences", "kept", "withdrawn")),
    ("wall", ("open", "up", "dark", "longest_dark", "late_frames", "underruns", "late_grains")),
    ("machine", ("restarts", "falls", "watt_hours", "hottest", "throttled")),
)
