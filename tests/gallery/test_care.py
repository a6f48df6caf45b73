"""Who looks after a show that nobody looks after: the day's account, its page, alerts, jobs. Time is injected, posts are real."""

import asyncio
import base64
import datetime
import json
import re
import threading
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from engine.core.guard import Guard
from engine.core.machine import GalleryFacts, HoursFacts, Machine, StageFacts
from engine.core.messages import State, Stored, Text, Trouble, Withdrawn
from engine.gallery import alert, day
from engine.gallery.displays import switch, wait
from engine.gallery.words import SECTIONS, WORDS
from engine.house.caretaker import LASTING, OVER, Alerts, Caretaker, kind
from engine.house.day import Counted, Day, read
from engine.loop import ScriptedDoors

NOON = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC).timestamp()


class House:
    """A day that the test plays: one frame a second."""

    def __init__(self, home, at=NOON):
        self.home, self.wall, self.mono = home, at, 50.0
        self.totals, self.notes, self.energy = {"frames": 0.0, "late_frames": 0.0, "underruns": 0.0}, [], 100.0
        self.account = self.begin()

    def begin(self):
        return Day(self.home, Guard("test"), datetime.UTC, "0.4", lambda: self.wall, lambda: self.mono)

    def play(self, seconds, light=80.0, wanted=True, step=1.0):
        for _ in range(int(seconds / step)):
            self.wall, self.mono = self.wall + step, self.mono + step
            self.totals["frames"] += 30 * step
            self.energy += 0.01 * step
            self.account.step(light, wanted, lambda: (dict(self.totals), {"watt_hours": self.energy, "measured": 1.0}, self.notes))

    def kept(self, date="2026-11-24"):
        self.account.close()
        return read(self.home / "days", date)


def test_a_day_counts_people_words_light_and_darkness_and_goes_on_after_a_restart(tmp_path):
    house = House(tmp_path)
    doors = ScriptedDoors([Text("the sea", visit="a"), Text("the moon", visit="a"), Text("a lamp", visit="b"), Text("much rain", "machine")])
    counted = Counted(doors, house.account)
    assert len(list(counted.drain())) == 4
    counted.tell([Stored("k", 1, "c"), Withdrawn("c", True), Withdrawn("x", False), Trouble("sound", "gone"), Trouble("sound", "gone")], dict)
    assert len(doors.told) == 5
    house.play(600)
    house.totals["underruns"] = 3.0
    house.play(60, light=0.2)  # dark, and nobody asked for it
    house.play(60, light=0.0, wanted=False)
    kept = house.kept()
    assert (kept["visitors"], kept["sentences"], kept["kept"], kept["withdrawn"]) == (2, 3, 1, 1)
    assert kept["up"] == 720 and kept["open"] == 660 and kept["underruns"] == 3 and kept["troubles"] == {"sound: gone": 2}
    assert 57 <= kept["dark"] <= 60 and 59 <= kept["longest_dark"] <= 60 and kept["frames"] >= 21_000
    assert kept["watt_hours"] == pytest.approx(7.1, abs=0.2) and kept["measured"] == 1.0
    house.totals = dict.fromkeys(house.totals, 0.0)  # another process
    house.account = house.begin()
    house.account.fell("it hung")
    house.play(60)
    again = house.kept()
    assert again["sentences"] == 3 and again["up"] == 780 and again["falls"] == 1 and again["frames"] > kept["frames"]


def test_a_day_goes_from_four_to_four(tmp_path):
    house = House(tmp_path, at=NOON + 15.5 * 3600)  # half past three in the morning
    house.play(3600, step=5.0)
    assert house.kept("2026-11-24")["up"] > 1000 and read(tmp_path / "days", "2026-11-25")["up"] > 1000


def test_the_picture_of_the_day_is_the_one_with_most_of_others(tmp_path):
    house = House(tmp_path)
    for gap, grey in ((0.2, 100), (0.7, 200), (0.4, 50), (0.9, 3)):
        house.play(400, step=10.0)
        house.account.offer(np.full((36, 64, 4), grey, np.uint8), State(gap=gap))
    house.play(20, step=10.0)
    assert house.kept()["gap"] == 0.7, "a dark one is no picture"
    from PIL import Image

    with Image.open(tmp_path / "days" / "2026-11-24.jpg") as still:
        assert still.size == (64, 36) and abs(still.getpixel((5, 5))[0] - 200) < 3


@pytest.mark.parametrize("language", ["en", "fr", "de"])
def test_the_page_says_it_in_the_gallerys_language_with_a_signed_picture(tmp_path, language, capsys):
    house = House(tmp_path)
    house.account.learn(Trouble("sound", "the device <x> is gone"))
    house.play(340, step=10.0)
    house.account.offer(np.full((90, 160, 3), 120, np.uint8), State(gap=0.5))
    house.play(20, step=10.0)
    house.kept()
    machine = tmp_path / "machine.toml"
    machine.write_text(f'[gallery]\nlanguage = "{language}"\n')
    assert day.main(["--home", str(tmp_path), "--machine", str(machine)]) == 0, capsys.readouterr().err
    text = (tmp_path / "days" / "2026-11-24.html").read_text()
    words = WORDS[language]
    for name in ("people", "wall", "machine", "wrong", "picture"):
        assert words[name].replace("'", "&#x27;") in text
    assert "the device &lt;x&gt; is gone" in text and "data:image/jpeg;base64," in text
    assert (tmp_path / "days" / "2026-11-24.pdf").read_bytes().startswith(b"%PDF")
    from engine.origin import credential

    assert credential.read(tmp_path / "days" / "2026-11-24.jpg").state == "Valid"


def test_every_language_has_every_word():
    for words in WORDS.values():
        assert set(words) == set(WORDS["en"]) and all(name in words for section, names in SECTIONS for name in (section, *names))


def test_it_reads_as_people_there_write(tmp_path):
    account = {"date": "2026-12-01", "visitors": 1.0, "sentences": 0.0, "kept": 2.0, "open": 28_800.0, "frames": 864_000.0, "late_frames": 1.0}
    said = {language: " | ".join(f"{count} {what}" for _, lines in day.rows(account, language) for count, what in lines) for language in WORDS}
    for language, parts in {
        "en": ("1 visitor |", "0 sentences", "2 of them kept", "8.0 hours open", "1 late frame out of 864\u202f000"),
        "fr": ("1 visiteur |", "0 phrase |", "2 conservées", "8,0 heures d'ouverture", "1 image en retard sur 864\u202f000"),
        "de": ("1 Besuch |", "0 Sätze", "2 davon aufbewahrt", "8,0 Stunden geöffnet", "1 von 864\u202f000 Bildern verspätet"),
    }.items():
        assert [part for part in parts if part not in said[language]] == [], said[language]
    assert [day._title(account, language) for language in ("en", "fr", "de")] == ["Daily report, 1 December 2026", "Journée du 1er décembre 2026", "Tagesbericht vom 1. Dezember 2026"]


@pytest.mark.parametrize("language", list(WORDS))
def test_the_sheet_has_letters_for_all_that_is_drawn(tmp_path, language):
    account = {"date": "2026-08-01", "frames": 864_000.0, "late_frames": 1204.0, "hottest": 71.0, "troubles": {"mind: 海 is not heard": 1}}
    day.pdf(account, language, None, tmp_path / "page.pdf")
    streams = re.findall(rb"stream\r?\n(.*?)endstream", (tmp_path / "page.pdf").read_bytes(), re.S)
    drawn = b"".join(zlib.decompress(base64.a85decode(stream.strip().removesuffix(b"~>"))) for stream in streams)
    assert b"864 000" in drawn and b"(1 204)" in drawn, drawn


def test_a_day_that_is_not_there_is_said_with_those_that_are(tmp_path, capsys):
    house = House(tmp_path)
    house.play(20)
    house.kept()
    assert day.main(["2026-11-23", "--home", str(tmp_path)]) == 1
    assert "no account of 2026-11-23" in capsys.readouterr().err


# --- alerts


def test_a_trouble_is_told_once_when_it_has_lasted_and_once_when_it_is_over(tmp_path):
    alerts, now, told = Alerts(tmp_path), NOON, []

    def look(troubles, seconds):
        nonlocal now
        for _ in range(int(seconds / 10)):
            now += 10
            told.extend(alerts.look(troubles, now))

    look(["the disk is full: 0.4 GB"], LASTING - 10)
    assert told == [], "most troubles pass by themselves"
    look(["the disk is full: 0.3 GB"], 7200)
    assert told == ["the disk is full: 0.3 GB"], "its numbers change: it is the same"
    alerts = Alerts(tmp_path)  # a restart
    look(["the disk is full: 0.2 GB"], 3600)
    assert len(told) == 1
    for _ in range(20):  # it flaps
        look([], 60)
        look(["the disk is full: 0.1 GB"], 120)
    assert len(told) == 1
    look([], OVER + 20)
    assert len(told) == 2 and told[1].startswith("well again (it came") and "disk" in told[1]
    look(["the disk is full: 0.4 GB"], LASTING + 20)
    assert len(told) == 3, "a day later it is another one"


def test_what_flaps_and_never_lasts_is_told_to_nobody(tmp_path):
    alerts, now = Alerts(tmp_path), NOON
    for _ in range(50):
        now += 30
        assert alerts.look(["the sound card is gone"], now) == []
        now += 30
        assert alerts.look([], now) == []


def test_troubles_are_the_same_but_for_their_numbers():
    assert kind("it has been stopped for 4 s") == kind("it has been stopped for 12.5 s") != kind("it hangs")


class Sink:
    """A webhook and a mail server, real ones, on ports of their own."""

    def __init__(self):
        self.posted, self.mailed, self.refuse = [], [], False
        sink = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if not sink.refuse:
                    sink.posted.append(json.loads(body))
                self.send_response(503 if sink.refuse else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.hook = HTTPServer(("127.0.0.1", 0), Hook)
        threading.Thread(target=self.hook.serve_forever, daemon=True).start()
        self.loop, started = asyncio.new_event_loop(), threading.Event()

        async def mail(reader, writer):
            writer.write(b"220 here\r\n")
            body = None
            while line := await reader.readline():
                if body is not None:
                    if line == b".\r\n":
                        sink.mailed.append(b"".join(body).decode())
                        body = None
                        writer.write(b"250 ok\r\n")
                    else:
                        body.append(line)
                    continue
                if line.upper().startswith(b"DATA"):
                    body = []
                    writer.write(b"354 go on\r\n")
                elif line.upper().startswith(b"QUIT"):
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
            writer.close()

        def serve():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(asyncio.start_server(mail, "127.0.0.1", 0))
            started.set()
            self.loop.run_forever()

        threading.Thread(target=serve, daemon=True).start()
        assert started.wait(10)
        self.smtp = f"127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    def close(self):
        self.hook.shutdown()
        self.hook.server_close()
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def test_an_alert_reaches_mail_and_webhook_once_and_waits_where_nobody_answers(tmp_path, sink):
    facts = GalleryFacts(mail="desk@museum.org", smtp=sink.smtp, webhook=f"http://127.0.0.1:{sink.hook.server_port}/")
    machine = Machine(gallery=facts)
    taker = Caretaker(tmp_path, machine, run=lambda command: None)
    sink.refuse = True
    taker._alert("nothing is connected at HDMI-1")
    assert "HDMI-1" in (tmp_path / "alerts.log").read_text()
    (wrong,) = alert.send(tmp_path, machine)
    assert "webhook" in wrong and len(sink.mailed) == 1 and sink.posted == []
    sink.refuse = False
    taker._alert("the disk is full")
    assert alert.send(tmp_path, machine) == []
    assert [letter["text"] for letter in sink.posted] == ["nothing is connected at HDMI-1", "the disk is full"]
    assert len(sink.mailed) == 2 and "the disk is full" in sink.mailed[1], "who has the first mail does not get it again"
    assert alert.send(tmp_path, machine) == [] and len(sink.mailed) == 2
    (tmp_path / "page.pdf").write_bytes(b"%PDF-1.4 a page")
    alert.leave(tmp_path, "the day", "", [str(tmp_path / "page.pdf")])
    assert alert.send(tmp_path, machine) == [] and "page.pdf" in sink.mailed[2] and len(sink.posted) == 2


def test_the_command_tries_the_ways_and_says_when_there_are_none(tmp_path, sink, capsys):
    machine = tmp_path / "machine.toml"
    machine.write_text("")
    assert alert.main(["--test", "--home", str(tmp_path), "--machine", str(machine)]) == 2
    assert "names neither mail nor webhook" in capsys.readouterr().err
    machine.write_text(f'[gallery]\nwebhook = "http://127.0.0.1:{sink.hook.server_port}/"\n')
    assert alert.main(["--test", "--home", str(tmp_path), "--machine", str(machine)]) == 0
    assert "this is a test" in sink.posted[0]["text"]


def test_a_full_disk_is_told_though_it_takes_no_letter(tmp_path, sink):
    machine = tmp_path / "machine.toml"
    machine.write_text(f'[gallery]\nwebhook = "http://127.0.0.1:{sink.hook.server_port}/"\n')
    home = tmp_path / "home"
    home.mkdir()
    care = Care(home, Machine.read(machine))
    (home / "outbox.jsonl").mkdir()  # as if it took nothing
    care.taker._alert("the disk is full")
    care.pass_by(20, code=1)
    care.pass_by(120)
    said = [command for command, _ in care.jobs if command[:2] == ["alert", "--say"]]
    assert len(said) == 2 and said[0][2] == "the disk is full", "it is tried again until it is told"
    assert alert.main(["--say", "the disk is full", "--home", str(home), "--machine", str(machine)]) == 0
    assert [letter["text"] for letter in sink.posted] == ["the disk is full"]


def test_a_disk_without_room_is_a_trouble(tmp_path, monkeypatch):
    care = Care(tmp_path)
    assert care.taker.troubles() == []
    monkeypatch.setattr("engine.house.caretaker.FULL", 1 << 62)
    assert "is full" in care.taker.troubles()[0]


# --- the caretaker


class Job:
    def __init__(self):
        self.code = None

    def poll(self):
        return self.code


class Care:
    """A caretaker whose jobs are seen, not run, at any time."""

    def __init__(self, home, machine=None, root=Path("/nowhere")):
        self.home, self.wall, self.mono, self.jobs = home, NOON, 10.0, []
        self.taker = Caretaker(home, machine or Machine(), ("--home", str(home)), self.run, lambda: self.wall, lambda: self.mono, root)

    def run(self, command):
        self.jobs.append((list(command), Job()))
        return self.jobs[-1][1]

    def pass_by(self, seconds, step=10.0, code=0, **status):
        for _ in range(int(seconds / step)):
            self.wall, self.mono = self.wall + step, self.mono + step
            if status:
                self.say(**status)
            self.taker.look()
            if self.jobs and self.jobs[-1][1].code is None:
                self.jobs[-1][1].code = code

    def say(self, **status):
        (self.home / "days").mkdir(exist_ok=True)
        (self.home / "days" / "now.json").write_text(json.dumps({"at": self.wall, **status}))

    def alerts(self):
        log = self.home / "alerts.log"
        return log.read_text().splitlines() if log.exists() else []

    def commands(self):
        return [command[0] for command, _ in self.jobs]


def test_yesterdays_page_is_made_once_and_tried_again_when_it_fails(tmp_path):
    care = Care(tmp_path, Machine(hours=HoursFacts(zone="UTC")))
    care.say()
    for date in ("2026-11-22", "2026-11-23", "2026-11-24"):
        (tmp_path / "days" / f"{date}.json").write_text("{}")
    care.pass_by(120, code=1)
    assert care.commands() == ["day", "day"] and care.jobs[0][0][:3] == ["day", "2026-11-23", "--mail"]
    care.pass_by(7200, code=0)
    assert len(care.jobs) == 3, "it is done"


def test_a_job_that_always_fails_is_tried_ever_more_rarely_and_told(tmp_path):
    care = Care(tmp_path, Machine(gallery=GalleryFacts(copies="/nowhere")))
    nights = tmp_path / "archive" / "snapshots"
    nights.mkdir(parents=True)
    (nights / "2026-11-24.sqlite").touch()
    care.pass_by(4 * 3600, 30.0, code=1)
    assert 4 <= len(care.jobs) <= 7 and set(care.commands()) == {"archive"}
    assert len([line for line in care.alerts() if "copy fails again and again" in line]) == 1


def test_a_screen_that_is_gone_a_dark_wall_and_falls_are_told_once_each(tmp_path):
    for name, text in (("status", "disconnected\n"), ("modes", "")):
        path = tmp_path / "root/sys/class/drm/card0-HDMI-A-1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    care = Care(tmp_path, Machine(stage=StageFacts(monitor="HDMI-1")), tmp_path / "root")
    care.pass_by(600, dark_now=90.0, notes=["sound: restarting"])
    for _ in range(4):
        care.taker.fell()
    care.pass_by(1200, dark_now=90.0, notes=["sound: restarting"])
    said = "\n".join(care.alerts())
    assert len(care.alerts()) == 4
    for what in ("nothing is connected at HDMI-1", "the wall is dark", "sound: restarting", "anew 4 times within an hour"):
        assert what in said


def test_what_the_loop_wrote_long_ago_says_nothing_of_now(tmp_path):
    care = Care(tmp_path)
    care.say(notes=["the sound is gone"], dark_now=500.0)
    care.pass_by(1800)
    assert care.alerts() == []


def test_screens_go_off_when_it_closes_and_on_when_it_opens(tmp_path):
    care = Care(tmp_path, Machine(gallery=GalleryFacts(screens="off"), hours=HoursFacts(open=("daily 10:00-18:00",), zone="UTC", fade=10.0)))
    care.pass_by(60, level=1.0)
    care.wall += 6.5 * 3600
    care.pass_by(60, level=0.0)
    care.wall += 16 * 3600
    care.pass_by(60, level=0.0)
    assert [command[:2] for command, _ in care.jobs] == [["displays", "on"], ["displays", "off"], ["displays", "on"]]


def connector(root, name, status="connected", modes="1920x1080", dpms="On"):
    folder = root / f"sys/class/drm/card0-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for what, text in (("status", status), ("modes", modes), ("dpms", dpms), ("enabled", "enabled")):
        (folder / what).write_text(f"{text}\n")


def test_each_wall_by_its_connector_is_missed_when_it_is_gone_and_woken_when_it_sleeps(tmp_path):
    (tmp_path / "mapping.toml").write_text('[left]\nmonitor = "HDMI-1"\n[right]\nmonitor = "DP-2"\n')
    connector(tmp_path, "HDMI-A-1")
    connector(tmp_path, "DP-2")
    connector(tmp_path, "DP-3", dpms="Off")  # nobody's wall: it may sleep
    care = Care(tmp_path, root=tmp_path)
    care.pass_by(120)
    assert care.jobs == [] and care.alerts() == []
    connector(tmp_path, "DP-2", status="disconnected", modes="")
    care.pass_by(120)
    assert len(care.alerts()) == 1 and "nothing is connected at DP-2" in care.alerts()[0] and care.jobs == []
    connector(tmp_path, "DP-2", dpms="Off")  # it is back, and nobody drives it
    care.pass_by(130)
    assert 1 <= len(care.jobs) <= 3 and all(command[:2] == ["displays", "on"] for command, _ in care.jobs), "once a minute until it is on"
    connector(tmp_path, "DP-2")
    tried = len(care.jobs)
    care.pass_by(300)
    assert len(care.jobs) == tried


def test_only_the_tools_that_are_here_switch_a_screen(tmp_path, monkeypatch):
    for variable in ("WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = []
    assert not switch(True, said.append) and "nothing switches a screen" in said[0]
    for tool in ("xset", "xrandr"):
        (tmp_path / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >> {tmp_path}/asked\n')
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("DISPLAY", ":7")
    assert switch(True, said.append) and switch(False, said.append)
    assert (tmp_path / "asked").read_text().splitlines() == ["xrandr --auto", "xset dpms force on", "xset dpms force off"]
    (tmp_path / "xset").write_text("#!/bin/sh\necho no such display >&2; exit 1\n")
    assert not switch(False, said.append) and said[-1].endswith("no such display")


def test_an_hour_is_one_line_of_the_log(tmp_path, caplog):
    care = Care(tmp_path)
    with caplog.at_level("INFO", logger="engine.house.caretaker"):
        care.pass_by(3 * 3600 + 60, 60.0, date="2026-11-24", visitors=12.0, sentences=30.0, frames=1000.0)
    lines = [record.message for record in caplog.records]
    assert len(lines) == 3 and lines[0].startswith("all is well; in the last hour 12 visitors, 30 sentences")
    assert "0 visitors" in lines[1], "of this hour"


def test_a_connector_is_waited_for_until_it_has_modes(tmp_path):
    folder = tmp_path / "sys/class/drm/card0-HDMI-A-1"
    folder.mkdir(parents=True)
    (folder / "status").write_text("connected\n")
    (folder / "modes").write_text("")
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 5:
            (folder / "modes").write_text("1920x1080\n")

    assert wait("HDMI-1", 0.0, tmp_path, sleep, lambda: sum(slept)).modes == ("1920x1080",) and len(slept) == 5
    with pytest.raises(Exception, match=r"no screen at HDMI-2 within 3 s; .*HDMI-A-1"):
        wait("HDMI-2", 3.0, tmp_path, sleep, lambda: sum(slept))
