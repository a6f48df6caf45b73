"""What belongs to one person is taken out, and years, hours and verses stay."""

from __future__ import annotations

import pytest

from engine.doors.privacy import redact


@pytest.mark.parametrize(("words", "left", "kinds"), [
    ("write to jean.dupont@example.org tonight", "write to … tonight", ("email",)),
    ("jean dot dupont at example dot org", "", ("email",)),
    ("écris à marie [at] example [point] fr", "écris à …", ("email",)),
    ("call me 06 12 34 56 78 or never", "call me … or never", ("phone",)),
    ("+33 (0)6-12-34-56-78", "", ("phone",)),
    ("٠٦١٢٣٤٥٦٧٨ اتصل بي", "… اتصل بي", ("phone",)),
    ("０６１２３４５６７８", "", ("phone",)),
    ("my account FR76 3000 6000 0112 3456 7890 189 is empty", "my account … is empty", ("iban",)),
    ("j'habite 12 rue de la Paix avec mon chat", "j'habite … avec mon chat", ("street",)),
    ("12 bis, avenue Foch", "", ("street",)),
    ("I grew up at 221B Baker Street in the rain", "I grew up at … in the rain", ("street",)),
    ("wir wohnten Hauptstraße 12 im Regen", "wir wohnten … im Regen", ("street",)),
    ("see https://example.org/a?b=c now", "see … now", ("web",)),
    ("voir www.example.fr", "voir …", ("web",)),
    ("follow @garance.d please", "follow … please", ("web",)),
    ("dupont@example.org 0612345678", "", ("email", "phone")),
])  # fmt: skip
def test_what_is_somebodys_own_is_taken_out(words: str, left: str, kinds: tuple[str, ...]) -> None:
    found, said = redact(words)
    assert (found, said) == (left, kinds)


@pytest.mark.parametrize("words", [
    "la guerre de 1939-1945", "on 14 July 1789 it rained", "12 oranges et une lettre", "the street where I lived", "la rue de mon enfance", "at 7:30 a train",
    "psalm 23:4", "3.14159", "1, 2, 3, 4, 5", "un chemin de neige", "we are 400 000 people", "born 12/03/1987", "it ended. then rain", "à 20 ans", "place des oiseaux",
    "je vais chez ma mère", "look at the sea", "the way home", "2 women on a court", "👩‍👩‍👧 🌊", "البحر في الليل",
])  # fmt: skip
def test_what_is_nobodys_stays(words: str) -> None:
    assert redact(words) == (words, ())
