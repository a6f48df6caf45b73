"""`hypermnesia ledger`: the monthly account on paper. What is counted stands in `engine/mind/rows/ledger.py`.

A PDF says where it comes from, as everything that leaves the house does: not as a picture of the machine's, but as media that
are drawn from data.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sqlite3
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from engine.core.errors import CannotPlay, Plain
from engine.core.machine import Machine, home
from engine.mind.memory.afar import looked_into
from engine.mind.rows.ledger import ENERGY, FACT, LABELS, page
from engine.origin.account import Making
from engine.origin.credential import DATA
from engine.origin.sign import signed


def lines(month: str, account: dict[str, float]) -> list[str]:
    """A page in words."""
    rows = [f"{account.get(name, 0.0):>16,.1f}  {told}" if name in ENERGY else f"{account.get(name, 0.0):>16,.0f}  {told}" for name, told in LABELS.items()]
    first, hours = max(1.0, account.get("pictures", 0.0)), sum(account.get(name, 0.0) for name in ENERGY)
    return [f"hypermnesia: the account of {month}", "", *rows, "", f"{1000 * hours / first:>16,.1f}  mWh a picture"]


def pdf(text: Sequence[str]) -> bytes:
    """Lines as one page of A4 (PDF 1.4; a page of text in one of its fourteen own fonts needs no library)."""
    shown = "".join(f"({line.translate({40: '[', 41: ']', 92: '/'})}) Tj T*\n" for line in text)
    stream = f"BT /F1 12 Tf 18 TL 60 760 Td\n{shown}ET".encode("latin-1", "replace")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream), b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>",
    ]  # fmt: skip
    made, at = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        at.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in at)
    return made + b"xref\n0 6\n0000000000 65535 f \n%strailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (table, len(made))


def main(argv: Sequence[str]) -> int:
    """`hypermnesia ledger`: a month's page, printed; as JSON or PDF where a file of that name is given."""
    parser = argparse.ArgumentParser("hypermnesia ledger", description="The monthly account: keystrokes, sentences, pictures, memories, watt-hours.")
    parser.add_argument("month", nargs="?", default="", help="such as 2026-11; default: this one")
    parser.add_argument("files", nargs="*", metavar="FILE", help="account.pdf, account.json: written instead of printed")
    parser.add_argument("--archive", default=str(home() / "archive"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    given = parser.parse_args(argv)
    if Path(given.month).suffix in (".pdf", ".json"):
        given.files, given.month = [given.month, *given.files], ""
    month, folder = given.month or datetime.date.today().isoformat()[:7], Path(given.archive)
    try:
        machine = Machine.read(given.machine) if given.machine else Machine()
        archive = looked_into(folder, machine)
        if archive is None:
            return _wrong(f"{folder}: no archive is there; `hypermnesia run` makes one, --archive FOLDER names another")
        account, months = page(archive, month), [name.removeprefix(FACT) for name, _ in archive.facts(FACT)]
        archive.close()
        if not account:
            return _wrong(f"there is no account of {month}; there are: {', '.join(months) or 'none yet'}")
        for name in given.files:
            _write(Path(name), month, account, folder, machine)
    except (Plain, OSError, sqlite3.Error) as wrong:
        return _wrong(str(wrong))
    if not given.files:
        print("\n".join(lines(month, account)))
    return 0


def _write(path: Path, month: str, account: dict[str, float], archive: Path, machine: Machine) -> None:
    """A page as a file, signed if it is a PDF. Raises CannotPlay, OSError."""
    if path.suffix not in (".pdf", ".json"):
        raise CannotPlay(f"{path}: .pdf and .json can be written")
    if path.suffix == ".json":
        path.write_text(json.dumps({"month": month, **account}, indent=1) + "\n")
        return
    path.write_bytes(pdf(lines(month, account)))
    if machine.origin.sign:
        try:
            signed(path, archive.absolute().parent / "origin", machine.origin, Making(version("hypermnesia")), DATA)
        except (Plain, OSError) as wrong:
            raise CannotPlay(f"{path} is whole, and not signed: {wrong}") from wrong


def _wrong(what: str) -> int:
    print(f"hypermnesia ledger: {what}", file=sys.stderr)
    return 1
