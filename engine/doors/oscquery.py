"""OSCQuery: how a surface finds this instrument and reads every parameter with its range.

HTTP gives the tree of nodes as JSON, a websocket on the same port tells changes of what a client listens to, zeroconf
tells the local network. (Vidvox, OSCQuery Proposal, https://github.com/Vidvox/OSCQueryProposal; facts only.)
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.core.messages import Node, Opened, Value
from engine.doors.guard import near
from engine.doors.packet import Malformed
from engine.doors.porter import Porter
from engine.doors.surfaces import open_stage_control, touchosc
from engine.doors.wires import Receive as Receiver
from engine.doors.wires import Sender, encode, most_crowding, plain_name

EXTENSIONS = {"ACCESS": True, "VALUE": True, "RANGE": True, "DESCRIPTION": True, "CLIPMODE": True, "TAGS": False,
              "UNIT": True, "CRITICAL": True, "LISTEN": True, "PATH_CHANGED": True}  # fmt: skip
ATTRIBUTES = ("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "RANGE", "VALUE", "DESCRIPTION", "CLIPMODE", "CRITICAL", "UNIT")
UNITS = {"dB": "gain.db", "s": "time.second"}  # as the proposal's list of units calls them


class OscQuery:
    """The query door. `opened` is told by the room once the ports are known; `receive` takes OSC sent by websocket."""

    MOST = 64  # clients at once

    def __init__(self, porter: Porter, receive: Receiver):
        self.porter, self.receive = porter, receive
        self.opened = Opened()
        self.clients: set[Client] = set()
        self.allowed = [ipaddress.ip_network(network) for network in porter.options.osc_allow]
        porter.watchers.append(self._changed)
        self.app = Starlette(routes=[
            Route("/surfaces/open-stage-control.json", self._open_stage_control),
            Route("/surfaces/touchosc.tosc", self._touchosc),
            WebSocketRoute("/{path:path}", self._listen),
            Route("/{path:path}", self._get),
        ])  # fmt: skip
        self.app.add_middleware(Near, allowed=self.allowed)

    # HTTP

    async def _get(self, request: Request) -> Response:
        """A node or the whole tree; `?VALUE` and the like give one attribute, `?HOST_INFO` who we are."""
        query = request.url.query.upper()
        if query == "HOST_INFO":
            return JSONResponse(self.host_info())
        node = self.tree()
        for part in filter(None, request.path_params["path"].split("/")):
            node = node.get("CONTENTS", {}).get(part)
            if node is None:
                return JSONResponse({"error": str(self.porter.nodes.unknown("/" + request.path_params["path"]))}, 404)
        if not query:
            return JSONResponse(node)
        if query not in ATTRIBUTES:
            return JSONResponse({"error": f"{query[:40]} is not one of HOST_INFO, {', '.join(ATTRIBUTES)}"}, 400)
        return JSONResponse({query: node[query]}) if query in node else Response(status_code=204)

    def host_info(self) -> dict[str, Any]:
        """The host's name, ports and what it can do."""
        host = self.porter.options.host  # no OSC_IP: clients then send to where they asked
        known = {} if host in ("0.0.0.0", "::") else {"OSC_IP": host}
        return known | {"NAME": self.porter.options.name, "OSC_PORT": self.opened.osc, "OSC_TRANSPORT": "UDP",
                        "WS_PORT": self.opened.query, "EXTENSIONS": EXTENSIONS}  # fmt: skip

    def tree(self) -> dict[str, Any]:
        """All nodes as OSCQuery wants them; an address may be both a parameter and a folder of others."""
        root: dict[str, Any] = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {}}
        for address, node in self.porter.nodes.by_address.items():
            here = root
            path = ""
            for part in address.split("/")[1:]:
                path += "/" + part
                here = here.setdefault("CONTENTS", {}).setdefault(part, {"FULL_PATH": path, "ACCESS": 0})
            here.update(describe(node, self.porter.nodes.values.get(address)))
        return root

    # surfaces

    async def _open_stage_control(self, request: Request) -> Response:
        target = f"{request.url.hostname}:{self.opened.osc}"
        layout = open_stage_control(self.porter.nodes.by_address.values(), self.porter.options.name, target)
        return JSONResponse(layout, headers={"content-disposition": 'attachment; filename="hypermnesia.json"'})

    async def _touchosc(self, request: Request) -> Response:
        layout = touchosc(self.porter.nodes.by_address.values())
        return Response(layout, media_type="application/octet-stream",
                        headers={"content-disposition": 'attachment; filename="hypermnesia.tosc"'})  # fmt: skip

    # websocket

    async def _listen(self, ws: WebSocket) -> None:
        """LISTEN and IGNORE as JSON; OSC packets as bytes, both ways."""
        await ws.accept()
        client = Client(ws, self.porter.nodes.generation)
        if len(self.clients) >= self.MOST:
            most_crowding((c.name, c.heard, c) for c in self.clients).end()
            self.porter.counts["query_clients_ended"] += 1
        self.clients.add(client)
        writer = asyncio.create_task(client.write())
        sender = Sender(client.name, client.tell, key=f"ws {client.name}:{ws.client.port if ws.client else 0}")
        try:
            while True:
                said = await client.hear()
                if said["type"] == "websocket.disconnect":
                    break
                if said.get("bytes"):
                    self.receive(said["bytes"], sender)
                elif said.get("text"):
                    self._command(client, said["text"])
        except (WebSocketDisconnect, RuntimeError, Malformed):
            pass
        finally:
            writer.cancel()
            self.clients.discard(client)

    def _command(self, client: Client, text: str) -> None:
        try:
            said = json.loads(text)
            command, address = str(said["COMMAND"]).upper(), str(said["DATA"])
        except (ValueError, KeyError, TypeError, RecursionError):
            self.porter.counts["query_malformed"] += 1
            return
        if command == "LISTEN" and address in self.porter.nodes.by_address and len(client.listening) < 1024:
            client.listening.add(address)
            if address in self.porter.nodes.values:
                client.tell(encode(address, self.porter.nodes.values[address]))
        elif command == "IGNORE":
            client.listening.discard(address)

    def _changed(self, addresses: list[str]) -> None:
        """Values have changed: tell those who listen."""
        for client in self.clients:
            if client.generation != self.porter.nodes.generation:
                client.generation = self.porter.nodes.generation
                client.tell(json.dumps({"COMMAND": "PATH_CHANGED", "DATA": "/hm"}))
            for address in client.listening.intersection(addresses):
                client.tell(encode(address, self.porter.nodes.values[address]))


class Client:
    """A surface on the websocket; what it does not read is lost to it."""

    def __init__(self, ws: WebSocket, generation: int):
        self.ws, self.generation = ws, generation
        self.name, self.heard = plain_name(ws.client.host if ws.client else ""), time.monotonic()
        self.listening: set[str] = set()
        self._ended = asyncio.Event()
        self._out: asyncio.Queue[bytes | str] = asyncio.Queue(512)

    def tell(self, data: bytes | str) -> None:
        if self._out.full():
            self._out.get_nowait()
        self._out.put_nowait(data)

    async def hear(self) -> Mapping[str, Any]:
        """What they say next; goodbye, where somebody else needs their place."""
        ended, said = asyncio.ensure_future(self._ended.wait()), asyncio.ensure_future(self.ws.receive())
        done, waiting = await asyncio.wait((ended, said), return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        self.heard = time.monotonic()
        if ended in done:
            await self.ws.close(1013)
            return {"type": "websocket.disconnect"}
        return said.result()

    def end(self) -> None:
        """Make room for somebody else."""
        self._ended.set()

    async def write(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                data = await self._out.get()
                await (self.ws.send_bytes(data) if isinstance(data, bytes) else self.ws.send_text(data))


class Near:
    """ASGI middleware: the allow-list of the OSC door holds here too, and no page of a browser gets to the socket."""

    def __init__(self, app: ASGIApp, allowed: list[ipaddress.IPv4Network | ipaddress.IPv6Network]):
        self.app, self.allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        foreign = any(name == b"origin" and not _local(value) for name, value in scope.get("headers", ()))
        if scope["type"] in ("http", "websocket") and (
            foreign or not near((scope.get("client") or ("",))[0], self.allowed)
        ):
            if scope["type"] == "websocket":
                await receive()
                return await send({"type": "websocket.close", "code": 1008})
            return await Response(status_code=403)(scope, receive, send)
        await self.app(scope, receive, send)


def _local(origin: bytes) -> bool:
    """True for pages that lie on this network (Open Stage Control is one), false for the world's."""
    try:
        host = urlsplit(origin.decode("latin-1")).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".local"):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def describe(node: Node, value: tuple[Value, ...] | None) -> dict[str, Any]:
    """One node's attributes."""
    types = node.types or "N"
    out: dict[str, Any] = {"TYPE": types, "DESCRIPTION": node.description, "ACCESS": node.readable + 2 * node.writable}
    numbers = node.low is not None and node.high is not None
    if node.choices or numbers:
        ends = {"MIN": node.low, "MAX": node.high} if numbers else {}
        out["RANGE"] = [{"VALS": list(node.choices)} if node.choices and tag == "s" else ends for tag in types]
    if numbers:
        out["CLIPMODE"] = ["none" if tag == "s" else "both" for tag in types]
    if value and node.readable:
        out["VALUE"] = [item if not isinstance(item, bytes) else item.hex() for item in value]
    if node.unit:
        out["UNIT"] = [UNITS[node.unit] for _ in types]
    if not node.types:
        out["CRITICAL"] = True
    return out


class Advert:
    """Tells the local network by zeroconf where OSC and OSCQuery are."""

    def __init__(self, name: str, host: str, opened: Opened):
        self.name, self.host, self.opened = name, host, opened
        self._zeroconf: Any = None

    def services(self) -> Iterator[tuple[str, int]]:
        """Type and port of what is open."""
        if self.opened.query:
            yield "_oscjson._tcp.local.", self.opened.query
        if self.opened.osc:
            yield "_osc._udp.local.", self.opened.osc
        if self.opened.osc_tcp:
            yield "_osc._tcp.local.", self.opened.osc_tcp

    async def open(self, interfaces: list[str] | None = None) -> None:
        """Announce; raises OSError where the network does not allow it."""
        from zeroconf import InterfaceChoice, ServiceInfo  # 60 ms to import, and only where it is wanted
        from zeroconf.asyncio import AsyncZeroconf

        self._zeroconf = AsyncZeroconf(interfaces=interfaces or InterfaceChoice.Default)
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        addresses = [socket.inet_pton(family, self.host)] if self.host not in ("0.0.0.0", "::") else None
        for kind, port in self.services():
            info = ServiceInfo(kind, f"{self.name}.{kind}", port, addresses=addresses, server=f"{socket.gethostname()}.local.",
                               properties={"txtvers": "1", "version": "1.1", "types": "ifsbhdtScrmTFNI"})  # fmt: skip
            await self._zeroconf.async_register_service(info, allow_name_change=True)

    async def close(self) -> None:
        if self._zeroconf:
            await self._zeroconf.async_close()
