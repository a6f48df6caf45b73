"""Row 26: a monthly account: it integrates a known power source, survives a restart, and can be printed."""

import datetime
import json
from pathlib import Path

import c2pa
import pytest

from engine.core.messages import Dream, Keystroke, Text
from engine.house.ledger import lines, main, pdf
from engine.mind.letters import answer
from engine.mind.memory.archive import Archive
from engine.mind.mind import Mind
from engine.mind.rows.ledger import EVERY, Busy, Ledger, Rapl, page
from engine.origin import credential
from engine.origin.keys import ROOT
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

MONTH = datetime.date.today().isoformat()[:7]


class Lamp:
    """A power source of so many watts by its own clock."""

    measured = True

    def __init__(self, watts: float):
        self.watts, self.seconds = watts, 0.0

    def joules(self) -> float:
        return self.watts * self.seconds


def hour(archive: Archive, lamp: Lamp, seconds: int = 3600) -> Ledger:
    """Play by the lamp's clock, a look at the ledger every ten seconds; then die without a word."""
    ledger = Ledger(archive, [lamp], lambda: lamp.seconds)
    for _ in range(seconds // 10):
        lamp.seconds += 10.0
        ledger.take(100.0)
    return ledger


def check(folder: Path) -> None:
    archive, lamp = Archive(folder / "lamp"), Lamp(40.0)
    first = hour(archive, lamp)
    told = dict(first.take(100.0))
    assert told["watt_hours"] == pytest.approx(40.0, rel=0.02) and told["measured"] == 1.0, f"40 W for an hour are {told['watt_hours']:.2f} Wh"
    archive.close()
    again = hour(Archive(folder / "lamp"), Lamp(20.0))  # killed: nothing was said to the ledger; another source, another beginning
    kept = dict(again.take(100.0))["watt_hours"]
    assert kept == pytest.approx(60.0, rel=0.03), f"after a restart 40 + 20 Wh are {kept:.2f}"

    mind = Mind(options(folder / "mind", founding=24, keyframe=0.5, think_every=1), parts=parts())
    for number in range(6):
        answer(mind, Keystroke(3.0))
        answer(mind, Text(f"sentence number {number % 3}", key=str(number)))
        state = mind.picture(Dream("a red moon"), float(number)).state
    account = dict(state.ledger)
    assert (account["keystrokes"], account["sentences"], account["pictures"]) == (6, 6, 5), account  # those before this one
    assert account["fragments"] >= 5, account
    mind.close()
    written = page(Archive(folder / "mind"), MONTH)
    assert written["pictures"] == 6 and 0.0 < written["measured_wh" if written.get("measured_wh") else "estimated_wh"] < 5.0, written
    print(f"  measured: {told['watt_hours']:.2f} Wh of a lamp of 40 W after an hour, {kept:.2f} Wh with another of 20 W after a restart")


def test_the_month_is_accounted_for(tmp_path: Path) -> None:
    check(tmp_path)


@pytest.mark.parametrize("sabotage", [
    put("tests.rows.test_row_26_ledger.Lamp.joules", lambda self: 40.0, "constant"),
    put("tests.rows.test_row_26_ledger.Lamp.joules", lambda self, n=[0]: n.append(len(n) * 7919 % 1000) or float(n[-1]), "chance"),
    put("engine.mind.rows.ledger.Ledger.keep", lambda self: None, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_ledger_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_a_page_is_printed_as_text_json_and_pdf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "archive"
    archive = Archive(folder)
    ledger = hour(archive, Lamp(36.0), int(2 * EVERY))
    ledger.add("keystrokes", 1234)
    ledger.close()
    account = page(archive, MONTH)
    archive.close()
    assert main(["--archive", str(folder)]) == 0
    told = capsys.readouterr().out
    assert f"the account of {MONTH}" in told and "1,234  keystrokes" in told and "Wh, measured" in told and "Wh, estimated" in told
    files = [tmp_path / "account.json", tmp_path / "account.pdf"]
    assert main([MONTH, *map(str, files), "--archive", str(folder)]) == 0
    assert json.loads(files[0].read_text())["keystrokes"] == 1234
    verdict, told = credential.read(files[1], (tmp_path / "origin" / ROOT).read_bytes()), c2pa.Reader(str(files[1])).json()
    assert verdict.state == "Trusted" and credential.DATA in told and credential.COMPOSITE not in told, "signed, and no picture of the machine's"
    made = pdf(lines(MONTH, account))
    assert made.startswith(b"%PDF-1.4") and b"1,234  keystrokes" in made and made.endswith(b"%%EOF\n")
    start = int(made.rsplit(b"startxref\n", 1)[1].split()[0])
    places = [int(line.split()[0]) for line in made[start:].splitlines()[3:8]]
    assert made[start:].startswith(b"xref") and all(made[at:].startswith(b"%d 0 obj" % number) for number, at in enumerate(places, 1))
    assert main(["1999-01", "--archive", str(folder)]) == 1
    assert MONTH in capsys.readouterr().err, "it says which months there are"


def test_the_counter_of_a_package_wraps(tmp_path: Path) -> None:
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    for name, value in (("max_energy_range_uj", 10_000_000), ("energy_uj", 9_000_000)):
        (zone / name).write_text(f"{value}\n")
    meter = Rapl(tmp_path)
    (zone / "energy_uj").write_text("1000000\n")
    assert meter.joules() == pytest.approx(2.0)
    with pytest.raises(FileNotFoundError):
        Rapl(tmp_path / "none")


def test_an_estimate_is_called_one(tmp_path: Path) -> None:
    clock = [0.0]
    ledger = Ledger(Archive(tmp_path), [Busy()], lambda: clock[0])
    clock[0] = 5.0
    sum(range(2_000_000))
    told = dict(ledger.take(0.0))
    assert told["watt_hours"] > 0.0 and told["measured"] == 0.0
    assert "estimated" in "\n".join(lines(MONTH, ledger.page)) and pdf(["(brackets)"]).count(b"[brackets]") == 1
