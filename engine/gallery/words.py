"""The words of the page a day, in the gallery's language. What has one form for one and another for many is `one|many`."""

from __future__ import annotations

import datetime

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Daily report, {date}", "people": "Visitors", "wall": "The wall", "machine": "The machine", "wrong": "What went wrong",
        "visitors": "visitor|visitors", "sentences": "sentence|sentences", "kept": "of them kept", "withdrawn": "taken back",
        "open": "hours open", "up": "hours running", "dark": "second dark that should have been light|seconds dark that should have been light",
        "longest_dark": "second, the longest such spell|seconds, the longest such spell",
        "late_frames": "late frame out of {frames}|late frames out of {frames}", "underruns": "gap in the sound|gaps in the sound", "late_grains": "late grain of sound|late grains of sound",
        "restarts": "restart of a part of the program|restarts of parts of the program", "falls": "restart of the whole show|restarts of the whole show",
        "watt_hours": "Wh of energy ({how})", "measured": "measured", "estimated": "estimated",
        "hottest": "°C, the machine at its warmest", "throttled": "time it slowed itself down for heat|times it slowed itself down for heat",
        "nothing": "Nothing.", "picture": "The picture of the day: the one that owes most to others.", "release": "Release {release}",
        "subject": "hypermnesia, {date}", "alert": "hypermnesia needs somebody",
    },
    "fr": {
        "title": "Journée du {date}", "people": "Le public", "wall": "Le mur", "machine": "La machine", "wrong": "Incidents",
        "visitors": "visiteur|visiteurs", "sentences": "phrase|phrases", "kept": "conservée|conservées", "withdrawn": "retirée|retirées",
        "open": "heure d'ouverture|heures d'ouverture", "up": "heure de fonctionnement|heures de fonctionnement", "dark": "seconde de noir non voulu|secondes de noir non voulu",
        "longest_dark": "seconde, le plus long de ces noirs|secondes, le plus long de ces noirs",
        "late_frames": "image en retard sur {frames}|images en retard sur {frames}", "underruns": "coupure du son|coupures du son", "late_grains": "grain sonore en retard|grains sonores en retard",
        "restarts": "redémarrage d'une partie du programme|redémarrages de parties du programme", "falls": "redémarrage de l'œuvre entière|redémarrages de l'œuvre entière",
        "watt_hours": "Wh d'énergie ({how})", "measured": "mesure", "estimated": "estimation",
        "hottest": "°C, la machine au plus chaud", "throttled": "ralentissement dû à la chaleur|ralentissements dus à la chaleur",
        "nothing": "Aucun.", "picture": "L'image du jour : celle qui doit le plus aux autres.", "release": "Version {release}",
        "subject": "hypermnesia, {date}", "alert": "hypermnesia a besoin d'aide",
    },
    "de": {
        "title": "Tagesbericht vom {date}", "people": "Publikum", "wall": "Wand", "machine": "Technik", "wrong": "Störungen",
        "visitors": "Besuch|Besuche", "sentences": "Satz|Sätze", "kept": "davon aufbewahrt", "withdrawn": "zurückgenommen",
        "open": "Stunde geöffnet|Stunden geöffnet", "up": "Stunde in Betrieb|Stunden in Betrieb", "dark": "Sekunde ungewollt dunkel|Sekunden ungewollt dunkel",
        "longest_dark": "Sekunde dauerte die längste Dunkelheit|Sekunden dauerte die längste Dunkelheit",
        "late_frames": "von {frames} Bildern verspätet", "underruns": "Aussetzer im Ton", "late_grains": "verspätetes Klangkorn|verspätete Klangkörner",
        "restarts": "Neustart eines Programmteils|Neustarts von Programmteilen", "falls": "Neustart der ganzen Arbeit|Neustarts der ganzen Arbeit",
        "watt_hours": "Wh Energie ({how})", "measured": "gemessen", "estimated": "geschätzt",
        "hottest": "°C, Höchsttemperatur des Rechners", "throttled": "Mal wegen Hitze gedrosselt",
        "nothing": "Keine.", "picture": "Das Bild des Tages: keines verdankt anderen mehr.", "release": "Version {release}",
        "subject": "hypermnesia, {date}", "alert": "hypermnesia braucht Hilfe",
    },
}  # fmt: skip
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}
SECTIONS = (
    ("people", ("visitors", "sentences", "kept", "withdrawn")),
    ("wall", ("open", "up", "dark", "longest_dark", "late_frames", "underruns", "late_grains")),
    ("machine", ("restarts", "falls", "watt_hours", "hottest", "throttled")),
)


def number(value: float, language: str, digits: int = 0) -> str:
    """As it is written there: "1 234,5"; thousands by a narrow space, which no language takes for a point."""
    whole, _, rest = f"{value:,.{digits}f}".replace(",", "\u202f").partition(".")
    return whole + (("." if language == "en" else ",") + rest if rest else "")


def counted(words: str, value: float, language: str) -> str:
    """The form for so many: French has one up to two, the others for one alone."""
    one, _, many = words.partition("|")
    return one if not many or value == 1 or (language == "fr" and value < 2) else many


def date(day: str, language: str) -> str:
    """"2026-11-24" as people there say it."""
    when = datetime.date.fromisoformat(day)
    month = MONTHS[language].split()[when.month - 1]
    first = {"de": f"{when.day}.", "fr": "1er" if when.day == 1 else f"{when.day}"}.get(language, f"{when.day}")
    return f"{first} {month} {when.year}"
