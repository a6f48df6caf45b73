"""The operator's desk: what waits to be read, what can be turned, how the house fares; over one websocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.core.messages import Leave, Node, Value
from engine.doors.nodes import Refused
from engine.doors.porter import Porter
from engine.doors.queue import Queue


class Desk:
    """All operators' pages."""

    PACE = 0.25  # seconds between what is sent to a page

    def __init__(self, porter: Porter, health: Callable[[], dict[str, Any]]):
        self.porter, self.health = porter, health
        self.queue = Queue(porter)

    async def serve(self, ws: WebSocket) -> None:
        """One operator's page, until it leaves."""
        await ws.accept()
        writer = asyncio.create_task(self._write(ws))
        try:
            while True:
                said = json.loads(await ws.receive_text())
                if said["t"] == "pulse":
                    await ws.send_text('{"t": "pulse"}')
                    continue
                try:
                    self._do(said)
                except Refused as wrong:
                    await ws.send_text(json.dumps({"t": "error", "what": str(wrong)}))
        except (WebSocketDisconnect, RuntimeError, ValueError, KeyError, TypeError):
            pass
        finally:
            writer.cancel()

    async def _write(self, ws: WebSocket) -> None:
        """Send nodes when they change, values, the queue and the house's health at a steady rate."""
        generation, shown = -1, ""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                nodes = self.porter.nodes
                if nodes.generation != generation:
                    generation = nodes.generation
                    await ws.send_text(
                        json.dumps({"t": "nodes", "nodes": [describe(n) for n in nodes.by_address.values()]})
                    )
                now = json.dumps({"t": "now", "values": _plain(nodes.values), "queue": self.queue.shown(),
                                  "health": self.health()}, ensure_ascii=False)  # fmt: skip
                if now != shown:
                    shown = now
                    await ws.send_text(now)
                await asyncio.sleep(self.PACE)

    def _do(self, said: dict[str, Any]) -> None:
        match said["t"]:
            case "set":
                nodes = self.porter.nodes
                node = nodes.by_address.get(str(said["address"]))
                if node is None:
                    raise nodes.unknown(str(said["address"]))
                self.porter.set(node.address, nodes.check(node, tuple(said.get("args", ()))))
            case "leave":
                self.porter.forward(Leave(bool(said["given"]), self.porter.clock()))
            case "pass":
                self.queue.let_pass(str(said["key"]))
            case "stop":
                self.queue.stop(str(said["key"]))


def describe(node: Node) -> dict[str, Any]:
    """A node for a page."""
    return {"address": node.address, "types": node.types, "text": node.description, "low": node.low, "high": node.high,
            "choices": node.choices, "writable": node.writable, "readable": node.readable}  # fmt: skip


def _plain(values: dict[str, tuple[Value, ...]]) -> dict[str, list[Value]]:
    return {address: [v if not isinstance(v, bytes) else v.hex() for v in value] for address, value in values.items()}
