"""Layouts for control surfaces, generated from the nodes: nobody keeps them in step with the instrument by hand.

Open Stage Control reads JSON sessions (https://openstagecontrol.ammd.net/docs); TouchOSC (Hexler, second generation)
reads zlib-compressed XML (https://hexler.net/touchosc/manual). Facts of both formats only.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree as XML

from engine.core.messages import Node
from engine.doors.nodes import PANIC

COLUMNS = 6
STEPS = ("/hm/cue/next", "/hm/cue/back")
Control = tuple[str, Node]  # "fader" | "toggle" | "push" | "text" | "menu", what it turns


def controls(nodes: Iterable[Node]) -> Iterator[Control]:
    """What a surface shows of each node a performer may turn; panic first."""
    turnable = [node for node in nodes if node.writable]
    for node in sorted(turnable, key=lambda node: (node.address not in PANIC, node.address)):
        if node.choices and node.types == "s":
            yield "menu", node
        elif node.types in ("f", "d", "i") and node.low is not None and node.high is not None:
            yield "fader", node
        elif node.types in ("T", "F"):
            yield "toggle", node
        elif node.types == "" and node.address in (*PANIC, *STEPS):
            yield "push", node
        elif node.address == "/hm/text":
            yield "text", node


def title(node: Node) -> str:
    """What a person reads beside a control: "sound/gain (dB)"."""
    return node.address.removeprefix("/hm/") + (f" ({node.unit})" if node.unit else "")


def open_stage_control(nodes: Iterable[Node], name: str, target: str) -> dict[str, Any]:
    """An Open Stage Control session as JSON, for the instrument at `target` ("host:port")."""
    kinds = {"fader": "fader", "toggle": "button", "push": "button", "text": "input", "menu": "dropdown"}
    widgets = []
    for number, (kind, node) in enumerate(controls(nodes)):
        widget: dict[str, Any] = {
            "type": kinds[kind], "id": node.address.removeprefix("/hm/").replace("/", "_"), "address": node.address,
            "comments": node.description, "target": [target],
            "left": 10 + number % COLUMNS * 150, "top": 10 + number // COLUMNS * 110, "width": 140, "height": 100,
            "colorWidget": "#b0442e" if node.address in PANIC else "#e6a95c",
        }  # fmt: skip
        widget |= {"label": title(node)} if kinds[kind] == "button" else {"html": title(node)}
        if kind == "fader":
            widget |= {"range": {"min": node.low, "max": node.high}, "horizontal": True, "design": "compact",
                       "typeTags": node.types, "decimals": 0 if node.types == "i" else 5,
                       "default": node.value[0] if node.value else node.low}  # fmt: skip
        if kind == "toggle":
            widget |= {"mode": "toggle", "on": True, "off": False}  # T and F, as they come back
        if kind == "push":
            widget |= {"mode": "tap", "on": 1, "off": 0}
        if kind == "menu":
            widget |= {"values": {choice: choice for choice in node.choices}}
        widgets.append(widget)
    sync = f'send("{target}", "/hm/sync")'  # all values come back to it: what others turn is seen here too
    root = {"type": "root", "id": "root", "label": name, "widgets": widgets, "tabs": [],
            "onCreate": f'{sync}; setInterval("sync", () => {sync}, 5000)'}  # fmt: skip
    return {"version": "1.26.0", "createdWith": "Open Stage Control", "type": "session", "content": root}


def touchosc(nodes: Iterable[Node]) -> bytes:
    """A TouchOSC document: zlib-compressed XML."""
    document = XML.Element("lexml", version="3")
    shown = list(controls(nodes))
    rows = (len(shown) + COLUMNS - 1) // COLUMNS
    root = _tosc_node(document, "GROUP", "hypermnesia", (0, 0, COLUMNS * 170, max(1, rows) * 130))
    children = XML.SubElement(root, "children")
    for number, (kind, node) in enumerate(shown):
        left, top = number % COLUMNS * 170 + 5, number // COLUMNS * 130 + 5
        name = node.address.removeprefix("/hm/")
        label = _tosc_node(children, "LABEL", f"{name} name", (left, top, 160, 26))
        _tosc_value(label, "text", title(node))
        if kind == "menu":
            for place, choice in enumerate(node.choices[:6]):
                box = (left + place % 3 * 54, top + 30 + place // 3 * 46, 50, 42)
                button = _tosc_node(children, "BUTTON", f"{name} {choice}", box)
                _tosc_message(button, node.address, "CONSTANT", choice)
            continue
        kinds = {"fader": "FADER", "toggle": "BUTTON", "push": "BUTTON", "text": "TEXT"}
        control = _tosc_node(children, kinds[kind], name, (left, top + 30, 160, 88))
        if kind == "toggle":
            _tosc_property(control, "i", "buttonType", "2")  # press toggles
        if kind == "text":
            _tosc_message(control, node.address, "VALUE", "text")
        else:
            _tosc_message(control, node.address, "VALUE", "x", node.low or 0.0, 1.0 if node.high is None else node.high)
    return zlib.compress(XML.tostring(document, "utf-8", xml_declaration=True))


def _tosc_node(parent: XML.Element, kind: str, name: str, frame: tuple[int, int, int, int]) -> XML.Element:
    node = XML.SubElement(
        parent, "node", ID=str(uuid.uuid5(uuid.NAMESPACE_URL, f"hypermnesia {kind} {name}")), type=kind
    )
    XML.SubElement(node, "properties")
    _tosc_property(node, "s", "name", name)
    held = XML.SubElement(XML.SubElement(node[0], "property", type="r"), "key")
    held.text = "frame"
    value = XML.SubElement(node[0][-1], "value")
    for axis, size in zip("xywh", frame, strict=True):
        XML.SubElement(value, axis).text = str(size)
    XML.SubElement(node, "values")
    XML.SubElement(node, "messages")
    return node


def _tosc_property(node: XML.Element, kind: str, key: str, value: str) -> None:
    held = XML.SubElement(node[0], "property", type=kind)
    XML.SubElement(held, "key").text = key
    XML.SubElement(held, "value").text = value


def _tosc_value(node: XML.Element, key: str, default: str) -> None:
    held = XML.SubElement(node[1], "value")
    for name, text in (
        ("key", key),
        ("locked", "0"),
        ("lockedDefaultCurrent", "0"),
        ("default", default),
        ("defaultPull", "0"),
    ):
        XML.SubElement(held, name).text = text


def _tosc_message(node: XML.Element, address: str, kind: str, value: str, low: float = 0.0, high: float = 1.0) -> None:
    """One OSC message that a control sends, and by which its own value is set when the engine answers."""
    osc = XML.SubElement(node[2], "osc")
    for name, text in (
        ("enabled", "1"),
        ("send", "1"),
        ("receive", "1"),
        ("feedback", "0"),
        ("connections", "1111111111"),
    ):
        XML.SubElement(osc, name).text = text
    trigger = XML.SubElement(XML.SubElement(osc, "triggers"), "trigger")
    XML.SubElement(trigger, "var").text = value if kind == "VALUE" else "x"
    XML.SubElement(trigger, "condition").text = "ANY" if kind == "VALUE" else "RISE"
    for holder, parts in (("path", [("CONSTANT", "STRING", address)]),
                          ("arguments", [(kind, "STRING" if kind == "CONSTANT" or value == "text" else "FLOAT", value)])):  # fmt: skip
        element = XML.SubElement(osc, holder)
        for source, conversion, content in parts:
            partial = XML.SubElement(element, "partial")
            for name, text in (("type", source), ("conversion", conversion), ("value", content),
                               ("scaleMin", f"{low:g}"), ("scaleMax", f"{high:g}")):  # fmt: skip
                XML.SubElement(partial, name).text = text
