"""docs/rows.md: every row's promise, the number that its test gave, and how each sabotage failed. Written by the tests themselves:

    python -m tests.rows.table docs/rows.md

Runs tests/rows (some minutes) and writes the page out of what they printed. Nothing in it is written by hand.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
HEAD = """# Rows

The reading of the two essays is a table of promises, each with a number that the engine really computes and a test that
fails where it is decoration. Here is what each test measured, and how it noticed when its mechanism was replaced by a
constant, by chance, or left out. `python -m tests.rows.table docs/rows.md` runs the tests and writes this page.

| row | promise | measured | how sabotage was noticed |
|---|---|---|---|
"""
SHORT = 150  # characters of a failure that are shown


def modules() -> list[str]:
    """The rows' tests by name, in order."""
    return sorted(path.stem for path in FOLDER.glob("test_row_*.py"))


def told(report: Path) -> dict[str, tuple[bool, list[str]]]:
    """Module -> whether all its tests passed, and every line that they printed. `report` is pytest's JUnit file."""
    found: dict[str, tuple[bool, list[str]]] = {}
    for case in xml.parse(report).getroot().iter("testcase"):
        module = case.get("classname", "").split(".")[-1]
        well, lines = found.get(module, (True, []))
        well &= case.find("failure") is None and case.find("error") is None
        out = case.find("system-out")
        said = (out.text or "").splitlines() if out is not None else []
        if "sabotage" in case.get("name", ""):  # what a broken mechanism measures is no figure
            said = [line for line in said if not line.startswith("  measured: ")]
        found[module] = well, lines + said
    return found


def rows(found: dict[str, tuple[bool, list[str]]]) -> Iterator[str]:
    """A line of the table for each module."""
    for module in modules():
        run = module in found
        well, lines = found.get(module, (False, []))
        said = [line.strip() for line in lines if re.match(r"  \S.*?: ", line)]
        measured = [line.removeprefix("measured: ") for line in said if line.startswith("measured: ")]
        sabotaged = [line for line in said if not line.startswith("measured: ")]
        promise = (ast.get_docstring(ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))) or "").split("\n")[0]
        promise = re.sub(r"^Row \d+[^:]*: ", "", promise)
        number, name = re.match(r"test_row_(\d+)_(\w+)", module).groups()  # type: ignore[union-attr]
        how = "<br>".join(f"*{what}*: {_short(why)}" for what, why in (line.split(": ", 1) for line in sabotaged))
        yield f"| {int(number)} {name} | {_cell(promise)} | {_cell('; '.join(dict.fromkeys(measured)) or ('not run' if not run else 'holds' if well else 'DOES NOT HOLD'))} | {how} |"


def _short(text: str) -> str:
    return _cell(text if len(text) <= SHORT else text[: SHORT - 1] + "…")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main(page: Path) -> int:
    """Run the tests, write the page; returns pytest's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "not long", "-o", "junit_logging=system-out", f"--junitxml={report}", str(FOLDER)])
        page.write_text(HEAD + "\n".join(rows(told(report))) + "\n", encoding="utf-8")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rows.md")))
