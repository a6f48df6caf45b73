"""Other people's programs at the performer's door: each finds the instrument, reads it, plays it and is answered."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.messages import Set, Text
from tests.doors.doors_house import NODES, House

pytestmark = [pytest.mark.realtime, pytest.mark.shared]

HERE = Path(__file__).parent / "foreign"


@pytest.fixture
def house() -> Iterator[House]:
    with House(query_port=0, tcp_port=0) as house:
        yield house


def found(house: House) -> int:
    """The port, as OSCQuery tells it to whoever asks."""
    return int(house.get("/?HOST_INFO", port=house.opened.query).json()["OSC_PORT"])


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def needs(program: str, package: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not here: apt-get install {package}")


def sets(house: House) -> dict[str, tuple]:
    return {message.address: message.args for message in house.messages(Set)}


def test_liblo_plays_by_udp_and_tcp_and_is_answered(house: House) -> None:
    needs("oscsend", "liblo-tools")
    house.said.clear()
    udp, tcp = f"osc.udp://127.0.0.1:{found(house)}/", f"osc.tcp://127.0.0.1:{house.opened.osc_tcp}/"
    for url, words in ((udp, "the red mountain"), (tcp, "the blue mountain")):
        subprocess.run(["oscsend", url, "/hm/text", "sss", *words.split()], check=True, timeout=10)
    subprocess.run(["oscsend", tcp, "/hm/rho", "f", "0.25"], check=True, timeout=10)
    subprocess.run(["oscsend", udp, "/hm/veto", "I"], check=True, timeout=10)
    house.until(lambda: len(house.messages(Text)) == 2 and len(sets(house)) == 2)
    assert {text.words for text in house.messages(Text)} == {"the red mountain", "the blue mountain"}
    assert sets(house) == {"/hm/rho": (0.25,), "/hm/veto": ()}
    port = free_port()
    with subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True) as ear:
        time.sleep(0.2)
        subprocess.run(["oscsend", udp, "/hm/subscribe", "si", "/hm/state/gap", str(port)], check=True, timeout=10)
        assert ear.stdout and "/hm/state/gap f 0.25" in ear.stdout.readline()
        ear.terminate()


def test_pd_plays_a_list_as_a_sentence_and_is_answered(house: House) -> None:
    needs("pd", "puredata-core")
    house.said.clear()
    said = f"port {found(house)}; said list the red mountain; turned list; turned 0.25; pressed list"
    quiet = ["-nogui", "-noaudio", "-nomidi", "-noprefs", "-stderr"]
    with subprocess.Popen(["pd", *quiet, "-send", said, str(HERE / "surface.pd")], stderr=subprocess.PIPE, text=True) as pd:
        house.until(lambda: house.messages(Text) and len(sets(house)) == 2)
        assert pd.stderr
        answers = [pd.stderr.readline().split() for _ in range(2)]
        pd.terminate()
    assert house.messages(Text)[0].words == "the red mountain"
    assert sets(house) == {"/hm/beta": (0.25,), "/hm/veto": ()}
    assert sorted(answer[3] for answer in answers) == ["beta", "stored"] and ["0.6"] in [answer[4:] for answer in answers]


def test_supercollider_plays_on_time_and_is_answered(house: House) -> None:
    needs("sclang", "supercollider-language")
    house.said.clear()
    headless = {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    env = os.environ | headless | {"HM_PORT": str(found(house))}
    done = subprocess.run(["sclang", str(HERE / "surface.scd")], env=env, capture_output=True, text=True, timeout=60)
    assert [text.words for text in house.messages(Text)] == ["the blue mountain"], done.stdout
    assert sets(house) == {"/hm/rho": (0.5,), "/hm/veto": ()}
    rho = next((came, message) for came, message in house.said if isinstance(message, Set) and message.address == "/hm/rho")
    assert 0.05 < rho[1].at - rho[0] < 0.21
    answers = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("answer: ")]
    assert ["/hm/beta", "0.6"] in [[one[0], one[1][:3]] for one in answers]
    assert any(one[0] == "/hm/stored" for one in answers) and any("/hm/beta?" in " ".join(one) for one in answers)


def test_open_stage_control_plays_every_widget_of_its_session_and_is_answered(house: House) -> None:
    """The program itself is in no package registry: what it does with a session is done here with its OSC library."""
    needs("node", "nodejs")
    if subprocess.run(["node", "-e", "require('osc')"], cwd=HERE, capture_output=True, check=False).returncode:
        pytest.skip("its OSC library is not here: npm install -g osc, and NODE_PATH=$(npm root -g)")
    house.said.clear()
    session = house.get("/surfaces/open-stage-control.json", port=house.opened.query).body.decode()
    done = subprocess.run(["node", str(HERE / "surface.js"), session], cwd=HERE, capture_output=True, text=True, timeout=30)
    heard = json.loads(done.stdout)
    assert heard["/hm/scene"] == ["gap"] and heard["/hm/hold"] == [False] and heard["/hm/synced"] == []
    assert "/hm/error" not in heard, heard
    turned = sets(house)
    assert turned["/hm/beta"] == (0.5,) and turned["/hm/scene"] == ("industry",) and turned["/hm/hold"] == (True,)
    assert turned["/hm/veto"] == () and [text.words for text in house.messages(Text)] == ["from a surface"]
    assert {node.address for node in NODES if node.writable} <= set(turned)
