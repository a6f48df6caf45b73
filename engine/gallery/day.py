"""`hypermnesia day`: one page for the gallery, HTML and PDF, of what a day was: people, wall, machine, what went wrong, one picture.

Numbers and this program's own sentences: no word that anybody gave. The picture says where it comes from, as everything
that leaves does (docs/origin.md).
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.core.errors import Plain, nearest
from engine.core.machine import Machine, home
from engine.gallery.words import SECTIONS, WORDS, counted, number
from engine.gallery.words import date as spelled
from engine.origin.sign import signed

FOLDER = "days"
HOURS = ("open", "up")  # what is kept in seconds, and told in hours
A4, MARGIN = (595.0, 842.0), 56.0  # points

STYLE = """body{font:16px/1.5 Georgia,serif;max-width:42em;margin:3em auto;padding:0 1em;color:#1d1a17;background:#faf7f1}
h1{font-weight:normal}h2{font-size:1em;font-weight:normal;letter-spacing:.08em;border-top:1px solid #b8ad9b;padding-top:.6em;margin-top:1.6em}
td:first-child{text-align:right;padding-right:1em;font-variant-numeric:tabular-nums}img{width:100%;margin-top:1.5em}figcaption,footer{color:#6d6253;font-size:.9em}figure{margin:0}"""


def rows(account: dict[str, Any], language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(section, [(number, what it is)]) of a day."""
    words = WORDS[language]
    how = words["measured"] if float(account.get("measured", 0.0)) > 0.5 else words["estimated"]
    filled = {"frames": number(float(account.get("frames", 0.0)), language), "how": how}
    out = []
    for section, names in SECTIONS:
        lines = []
        for name in names:
            value = float(account.get(name, 0.0)) / (3600.0 if name in HOURS else 1.0)
            if name in ("hottest", "throttled") and not account.get("hottest"):
                continue  # this machine does not say
            told = round(value, digits := 1 if name in HOURS else 0)
            lines.append((number(told, language, digits), counted(words[name], told, language).format(**filled)))
        out.append((words[section], lines))
    return out


def troubles(account: dict[str, Any], words: dict[str, str]) -> list[str]:
    """What went wrong on that day, a line each with how often; a word for nothing."""
    found = [f"{what}{f' (x{count})' if count > 1 else ''}" for what, count in account.get("troubles", {}).items()]
    return found or [words["nothing"]]


def _title(account: dict[str, Any], language: str) -> str:
    return WORDS[language]["title"].format(date=spelled(account["date"], language))


def page(account: dict[str, Any], language: str, picture: bytes) -> str:
    """HTML in one file, with its picture inside of it."""
    words, title = WORDS[language], html.escape(_title(account, language))
    parts = [f'<!doctype html>\n<html lang="{language}"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>\n<h1>{title}</h1>']
    for section, lines in rows(account, language):
        told = "".join(f"<tr><td>{count}<td>{html.escape(what)}" for count, what in lines)
        parts.append(f"<h2>{html.escape(section)}</h2><table>{told}</table>")
    parts.append(f"<h2>{html.escape(words['wrong'])}</h2>" + "".join(f"<p>{html.escape(said)}</p>" for said in troubles(account, words)))
    if picture:
        data = base64.b64encode(picture).decode()
        parts.append(f'<figure><img alt="" src="data:image/jpeg;base64,{data}"><figcaption>{html.escape(words["picture"])}</figcaption></figure>')
    parts.append(f"<footer>{html.escape(words['release'].format(release=account.get('release') or '-'))}</footer></html>\n")
    return "\n".join(parts)


def pdf(account: dict[str, Any], language: str, picture: Path | None, out: Path) -> None:
    """The same on a sheet of A4."""
    from reportlab.lib.utils import simpleSplit
    from reportlab.pdfgen.canvas import Canvas

    words, title = WORDS[language], _title(account, language)
    sheet = Canvas(str(out), pagesize=A4, invariant=1)
    sheet.setTitle(title)
    y = A4[1] - MARGIN
    sheet.setFont("Times-Roman", 20)
    sheet.drawString(MARGIN, y, title)

    def section(name: str) -> float:
        sheet.setStrokeGray(0.7)
        sheet.line(MARGIN, y - 20, A4[0] - MARGIN, y - 20)
        sheet.setFont("Times-Italic", 11)
        sheet.drawString(MARGIN, y - 34, name)
        sheet.setFont("Times-Roman", 10.5)
        return y - 50

    for name, lines in rows(account, language):
        y = section(name)
        for count, what in lines:
            sheet.drawRightString(MARGIN + 70, y, _printed(count))
            sheet.drawString(MARGIN + 80, y, _printed(what))
            y -= 13.5
        y += 10
    y = section(words["wrong"])
    split = [part for said in troubles(account, words) for part in simpleSplit(said, "Times-Roman", 10.5, A4[0] - 2 * MARGIN)]
    for part in split[:12]:
        sheet.drawString(MARGIN, y, _printed(part))
        y -= 13.5
    if picture:
        room = y - MARGIN - 22
        width, height = _fitted(picture, A4[0] - 2 * MARGIN, room)
        sheet.drawImage(str(picture), MARGIN, MARGIN + 18, width, height)
        sheet.setFont("Times-Italic", 9)
        sheet.drawString(MARGIN, MARGIN + 5, words["picture"])
    sheet.showPage()
    sheet.save()


def _printed(text: str) -> str:
    """As far as the sheet's letters go (Windows-1252): a narrow space was a black box."""
    return text.replace("\u202f", "\u00a0").encode("cp1252", "replace").decode("cp1252")


def _fitted(picture: Path, width: float, height: float) -> tuple[float, float]:
    from PIL import Image

    with Image.open(picture) as image:
        scale = min(width / image.width, max(60.0, height) / image.height)
        return image.width * scale, image.height * scale


def make(folder: Path, date: str, machine: Machine, where: Path) -> tuple[Path, Path]:
    """Write DATE.html and DATE.pdf beside the day's account. Raises Plain where there is none, or where it is written and
    could not be signed; OSError."""
    language = machine.gallery.language
    if language not in WORDS:
        raise Plain(f"[gallery] language: no page is written in {language!r}; {nearest(language, WORDS)}")
    known = sorted(path.stem for path in folder.glob("2*.json"))
    chosen = date or (known[-1] if known else "")
    if chosen not in known:
        raise Plain(f"there is no account of {chosen or 'any day'}; {nearest(chosen, known) if known else 'a show writes one while it plays'}")
    account = json.loads((folder / f"{chosen}.json").read_text(encoding="utf-8"))
    picture = folder / f"{chosen}.jpg"
    unsigned = _unsigned(picture, where, machine) if picture.exists() else ""
    text, sheet = folder / f"{chosen}.html", folder / f"{chosen}.pdf"
    fresh = sheet.with_suffix(".new")
    pdf(account, language, picture if picture.exists() else None, fresh)
    unsigned = _unsigned(fresh, where, machine) or unsigned
    fresh.replace(sheet)
    fresh = text.with_suffix(".new")
    fresh.write_text(page(account, language, picture.read_bytes() if picture.exists() else b""), encoding="utf-8")
    fresh.replace(text)
    if unsigned:
        raise Plain(f"{sheet} is written, and not signed: {unsigned}; hypermnesia sign {sheet} tries again")
    return text, sheet


def _unsigned(file: Path, where: Path, machine: Machine) -> str:
    """Let a file say where it comes from, where that is wished; why it could not be, "" where all is well."""
    try:
        if machine.origin.sign:
            signed(file, where / "origin", machine.origin)
    except (Plain, OSError) as wrong:
        return str(wrong)
    return ""


def main(argv: Sequence[str]) -> int:
    """`hypermnesia day`: returns the exit status."""
    parser = argparse.ArgumentParser("hypermnesia day", description="The page of a day, as HTML and PDF, in the gallery's language.")
    parser.add_argument("date", nargs="?", default="", help="such as 2026-11-26; default: the newest")
    parser.add_argument("--mail", action="store_true", help="also have it mailed to [gallery] mail")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    options = parser.parse_args(argv)
    where = options.home or home()
    try:
        machine = Machine.read(options.machine) if options.machine else Machine()
        text, sheet = make(where / FOLDER, options.date, machine, where)
        if options.mail and machine.gallery.mail:
            from engine.gallery.alert import leave

            words = WORDS[machine.gallery.language]
            leave(where, words["subject"].format(date=spelled(text.stem, machine.gallery.language)), "", [str(sheet)])
    except (Plain, OSError, ValueError) as wrong:
        print(f"hypermnesia day: {wrong}", file=sys.stderr)
        return 1
    print(f"{text}\n{sheet}")
    return 0
