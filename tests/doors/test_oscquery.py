"""How a surface finds the instrument and reads it; OSC over TCP; generated layouts."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as XML

import pytest
from pythonosc import slip
from pythonosc.osc_packet import OscPacket
from websockets.sync.client import connect

from engine.core.messages import Directory, Opened, Set, Values
from engine.doors.oscquery import Advert, describe
from engine.doors.surfaces import open_stage_control, touchosc
from engine.doors.wires import encode
from engine.sound.nodes import NODES as SOUND
from tests.doors.doors_house import NODES, House

pytestmark = [pytest.mark.realtime, pytest.mark.shared]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House(query_port=0, tcp_port=0) as house:
        yield house


def query(house: House, path: str) -> Any:
    answer = house.get(path, port=house.opened.query)
    return answer.json() if answer.body else answer.status


def test_the_tree_holds_every_node_with_type_range_and_value(house: House) -> None:
    tree = query(house, "/")
    assert tree["FULL_PATH"] == "/" and "hm" in tree["CONTENTS"]
    beta = query(house, "/hm/beta")
    assert beta["TYPE"] == "f" and beta["ACCESS"] == 3 and beta["CLIPMODE"] == ["both"]
    assert beta["RANGE"] == [{"MIN": 0.0, "MAX": 1.0}] and beta["VALUE"] == [0.6] and "memory" in beta["DESCRIPTION"]
    scene = query(house, "/hm/scene")
    assert scene["RANGE"] == [{"VALS": ["gap", "lineage", "industry"]}] and "gap" in scene["CONTENTS"]
    assert query(house, "/hm/state/gap")["ACCESS"] == 1 and query(house, "/hm/text")["ACCESS"] == 2
    for node in NODES:
        assert query(house, node.address)["FULL_PATH"] == node.address


def test_single_attributes_host_info_and_what_is_not_there(house: House) -> None:
    assert query(house, "/hm/beta?VALUE") == {"VALUE": [0.6]}
    assert query(house, "/hm/text?VALUE") == 204
    info = query(house, "/?HOST_INFO")
    assert info["NAME"] == "hypermnesia" and info["OSC_PORT"] == house.opened.osc and info["EXTENSIONS"]["LISTEN"]
    assert "did you mean /hm/beta?" in query(house, "/hm/betta")["error"]
    assert "HOST_INFO" in query(house, "/hm/beta?COLOUR")["error"]


def test_who_listens_is_told_of_changes(house: House) -> None:
    with connect(f"ws://127.0.0.1:{house.opened.query}/") as ws:
        ws.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/hm/state/gap"}))
        assert _osc(ws.recv(timeout=3))[0] == "/hm/state/gap"
        house.send(Values((("/hm/state/gap", (0.875,)), ("/hm/state/caption", ("x",)))))
        assert _osc(ws.recv(timeout=3)) == ("/hm/state/gap", [0.875])
        ws.send(encode("/hm/beta", (0.125,)))
        house.until(lambda: any(message.args == (0.125,) for message in house.messages(Set)))
        ws.send(json.dumps({"COMMAND": "IGNORE", "DATA": "/hm/state/gap"}))
        ws.send("no json")
        ws.send(b"#bundle\0\0\0\0\0\0\0\0\1\xff\xff\xff\xfc")
        assert _osc(ws.recv(timeout=3))[0] == "/hm/error"
        house.send(Directory((*NODES, NODES[0])))
        assert json.loads(ws.recv(timeout=3))["COMMAND"] == "PATH_CHANGED"


def _osc(data: str | bytes) -> tuple[str, list[Any]]:
    assert isinstance(data, bytes)
    (message,) = OscPacket(data).messages
    return message.message.address, message.message.params


def test_pages_of_the_world_may_not_reach_the_instrument(house: House) -> None:
    assert house.get("/", port=house.opened.query, origin="http://evil.example").status == 403
    assert house.get("/", port=house.opened.query, origin="http://192.168.1.7:8080").status == 200
    with (
        pytest.raises(Exception, match="403"),
        connect(f"ws://127.0.0.1:{house.opened.query}/", origin="http://evil.example"),
    ):  # type: ignore[arg-type]
        pass


def test_the_network_is_told_by_zeroconf() -> None:
    async def found() -> set[str]:
        from zeroconf import ServiceBrowser, Zeroconf

        advert = Advert("hypermnesia test", "127.0.0.1", Opened(osc=9123, query=9123))
        await advert.open(["127.0.0.1"])
        seen: dict[str, int] = {}

        class Ear:
            def add_service(self, zeroconf: Any, kind: str, name: str) -> None:
                info = zeroconf.get_service_info(kind, name)
                seen[kind] = info.port if info and name.startswith("hypermnesia test") else 0

            def update_service(self, *_: Any) -> None: ...
            def remove_service(self, *_: Any) -> None: ...

        ears = await asyncio.to_thread(Zeroconf, ["127.0.0.1"])
        for kind in ("_oscjson._tcp.local.", "_osc._udp.local."):
            ServiceBrowser(ears, kind, Ear())  # type: ignore[arg-type]
        end = time.monotonic() + 8
        while len(seen) < 2 and time.monotonic() < end:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(ears.close)
        await advert.close()
        assert set(seen.values()) <= {9123}
        return set(seen)

    assert asyncio.run(found()) == {"_oscjson._tcp.local.", "_osc._udp.local."}


def test_osc_over_tcp_is_answered_in_slip_frames(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.opened.osc_tcp), 3) as sock:
        sock.sendall(slip.encode(encode("/hm/ping", (1,))) + b"\xdb\x01\xc0" + slip.encode(encode("/hm/ping", (192,))))
        data = b""
        while data.count(b"pong") < 2:
            data += sock.recv(4096)
    pongs = [OscPacket(slip.decode(frame)).messages[0].message for frame in data.split(b"\xc0") if b"pong" in frame]
    assert [pong.params for pong in pongs] == [[1], [192]]


def test_an_endless_frame_closes_that_connection_alone(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.opened.osc_tcp), 3) as endless:
        sent = 0
        with pytest.raises(OSError):
            while sent < 1 << 24:
                sent += endless.send(b"x" * 4096)
            raise AssertionError("it was never closed")
    test_osc_over_tcp_is_answered_in_slip_frames(house)


def test_layouts_for_surfaces_hold_what_can_be_played(house: House) -> None:
    session = house.get("/surfaces/open-stage-control.json", port=house.opened.query).json()
    widgets = {widget["address"]: widget for widget in session["content"]["widgets"]}
    assert widgets["/hm/beta"]["type"] == "fader" and widgets["/hm/beta"]["range"] == {"min": 0.0, "max": 1.0}
    assert widgets["/hm/scene"]["type"] == "dropdown" and "lineage" in widgets["/hm/scene"]["values"]
    assert widgets["/hm/blackout"]["target"] == [f"127.0.0.1:{house.opened.osc}"]
    assert "/hm/state/gap" not in widgets and next(iter(widgets)) in ("/hm/blackout", "/hm/freeze", "/hm/veto")
    assert len({widget["id"] for widget in widgets.values()}) == len(widgets)

    document = XML.fromstring(zlib.decompress(house.get("/surfaces/touchosc.tosc", port=house.opened.query).body))
    paths = [partial.findtext("value") for partial in document.iterfind(".//osc/path/partial")]
    assert {"/hm/beta", "/hm/blackout", "/hm/veto", "/hm/text", "/hm/scene"} <= set(paths)
    ids = [node.get("ID") for node in document.iter("node")]
    assert len(set(ids)) == len(ids)


def test_a_number_with_a_unit_says_so_to_surfaces_and_people() -> None:
    gain = next(node for node in SOUND if node.address == "/hm/sound/gain")
    assert describe(gain, gain.value)["UNIT"] == ["gain.db"] and describe(gain, gain.value)["RANGE"] == [{"MIN": -60.0, "MAX": 0.0}]
    widget = open_stage_control([gain], "a", "b")["content"]["widgets"][0]
    assert widget["html"] == "sound/gain (dB)" and widget["range"] == {"min": -60.0, "max": 0.0}
    assert b"sound/gain (dB)" in zlib.decompress(touchosc([gain]))


def test_layouts_are_the_same_for_the_same_nodes() -> None:
    assert touchosc(NODES) == touchosc(NODES)
    assert open_stage_control(NODES, "a", "b") == open_stage_control(NODES, "a", "b")
