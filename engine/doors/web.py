"""The pages: writing, wall, desk, health, metrics. Plain HTML, CSS and JS; nothing is loaded from anywhere else."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import io
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import segno
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.doors import metrics, plain
from engine.doors.desk import Desk
from engine.doors.guard import Guard, Seals, loopback
from engine.doors.limiter import Limiter
from engine.doors.live import Live
from engine.doors.persons import Persons
from engine.doors.port import any_socket, reachable
from engine.doors.porter import Porter
from engine.doors.visit import Visits

PAGES = Path(__file__).parent / "pages"
SILENT = 5.0  # seconds without a word of the loop after which /health says so


class Web:
    """The web door: `app` is the ASGI application, `live` and `visits` its moving parts."""

    def __init__(self, porter: Porter, live: str | None):
        self.porter = porter
        self.options = porter.options
        self.seals = Seals(self.options.token)
        self.live = Live(live, porter.counts)
        self.persons = Persons(self.seals.key, self.options.idle)
        self.visits = Visits(porter, self.persons)
        self.desk = Desk(porter, self.health)
        self.port = self.options.web_port
        self.unknown: set[str] = set()  # proxies that nobody named
        self.plain = 0  # who watches without a player for streams
        self._logins = Limiter(5, 60.0)
        routes = [
            Route("/", lambda request: FileResponse(PAGES / "write.html")),
            Route("/wall", lambda request: FileResponse(PAGES / "wall.html")),
            Route("/desk", self._desk, methods=["GET", "POST"]),
            Route("/health", self._health),
            Route("/health.json", self._health_json),
            Route("/metrics", self._metrics),
            Route("/qr.svg", self._qr),
            Route("/desk/code", self._code),
            WebSocketRoute("/visit", self.visits.serve),
            WebSocketRoute("/live", self._live),
            WebSocketRoute("/live/plain", self._plain),
            WebSocketRoute("/desk/live", self._desk_live),
            Mount("/pages", StaticFiles(directory=PAGES)),
        ]
        guard = Middleware(Guard, options=self.options, unknown=self.unknown)
        self.app = Starlette(routes=routes, middleware=[guard], max_body_size=4096)

    def close(self) -> None:
        """Say goodbye to pages and watchers, before the server ends."""
        self.visits.close()
        self.live.close()

    # for machines

    def health(self) -> dict[str, Any]:
        """What /health says: `ok`, and if not, what is wrong and what to do."""
        told, silent = self.porter.health, self.porter.silent
        notes = list(told.notes)
        if silent > SILENT:
            notes.append(f"the loop has not spoken for {silent:.0f} s; look at its log, or start the show again")
        moderator = self.porter.moderator
        for guard in sorted(self.unknown)[:3]:
            notes.append(f"{guard} speaks for others (X-Forwarded-For), so nobody behind it is the kiosk; if it is your proxy, [doors] proxies = [\"{guard}\"]")
        notes += [note for note in (moderator.trouble, self.options.unchecked, self.visits.held.note(self.porter.clock())) if note]
        doors: dict[str, Any] = {
            "moderation": self.porter.moderator.mode,
            "texts_judged": self.options.moderation != "open" and not self.porter.moderator.trouble,
            "pages": len(self.visits.open),
            "watchers": len(self.live.watchers),
            "waiting_for_operator": len(self.desk.queue),
            "lost": self.porter.post.lost,
        }
        return {
            "ok": told.ok and silent <= SILENT, "name": self.options.name, "notes": notes, "rooms": dict(told.rooms),
            "facts": dict(told.facts), "troubles": list(self.porter.troubles), "figures": dict(told.figures),
            "doors": doors | dict(self.porter.counts),
        }  # fmt: skip

    async def _health(self, request: Request) -> Response:
        """A page for people, JSON for machines: whoever names text/html is a browser."""
        if "text/html" in request.headers.get("accept", ""):
            return FileResponse(PAGES / "health.html", 200 if self.health()["ok"] else 503, headers={"vary": "accept"})
        return await self._health_json(request)

    async def _health_json(self, request: Request) -> Response:
        health = self.health()
        return JSONResponse(health, 200 if health["ok"] else 503, headers={"vary": "accept"})

    async def _metrics(self, request: Request) -> Response:
        health = self.health()
        gauges = {"up": float(health["ok"])} | dict(self.porter.health.figures)
        gauges |= {
            f"doors_{k}": v for k, v in health["doors"].items() if k in ("pages", "watchers", "waiting_for_operator")
        }
        for address, value in self.porter.nodes.values.items():
            if len(value) == 1 and isinstance(value[0], (int, float)) and address.startswith("/hm/state/"):
                gauges["state_" + address.removeprefix("/hm/state/")] = float(value[0])
        counts = {f"doors_{name}": count for name, count in {**self.porter.counts, "letters_lost": self.porter.post.lost}.items()}
        return Response(metrics.exposition(gauges, counts), media_type=metrics.TYPE)

    # for phones

    def address(self) -> str:
        """Where phones find the writing page, with the token of this minute."""
        base = self.options.public_url or f"http://{reachable(self.options.host)}:{self.port}/"
        return f"{base.rstrip('/')}/?p={self.persons.code(time.time())}"

    async def _qr(self, request: Request) -> Response:
        """The QR code, for the kiosk's own page and the operator: whoever else asks is not in the room."""
        here = request.client is not None and loopback(request.client.host) and not request.scope.get("relayed", False)
        if not (here or self._operator(request.cookies)):
            return PlainTextResponse("the code is shown in the room\n", 403)
        out = io.BytesIO()
        segno.make(self.address(), error="m").save(out, kind="svg", scale=4, border=3, dark="#0b0a0c", light="#e9e2d3")
        return Response(out.getvalue(), media_type="image/svg+xml", headers={"cache-control": "no-store"})

    async def _code(self, request: Request) -> Response:
        """The same in letters, for the operator: to be read out, or written on a wall."""
        if not self._operator(request.cookies):
            return PlainTextResponse("the code is shown in the room\n", 403)
        return PlainTextResponse(self.address() + "\n", headers={"cache-control": "no-store"})

    # for the operator

    def _operator(self, cookies: dict[str, str]) -> bool:
        return hmac.compare_digest(cookies.get("desk", "").encode(), self.seals.desk().encode())

    async def _desk(self, request: Request) -> Response:
        if request.method == "POST":
            form = parse_qs((await request.body()).decode("utf-8", "replace"))
            given = form.get("token", [""])[0]
        else:
            given = request.query_params.get("token", "")
        if given:
            return self._login(request, given)
        return FileResponse(PAGES / ("desk.html" if self._operator(request.cookies) else "login.html"))

    def _login(self, request: Request, given: str) -> Response:
        client = request.client.host if request.client else ""
        if self._logins.wait(client, self.porter.clock()):
            return PlainTextResponse("too many tries; wait a minute\n", 429)
        if not hmac.compare_digest(given.encode(), self.options.token.encode()):
            return FileResponse(PAGES / "login.html", 403)
        answer = RedirectResponse("/desk", 303)
        answer.set_cookie("desk", self.seals.desk(), max_age=30 * 86400, httponly=True, samesite="strict", path="/")
        return answer

    async def _desk_live(self, ws: WebSocket) -> None:
        if not self._operator(ws.cookies):
            await ws.close(1008)
            return
        await self.desk.serve(ws)

    # for the eyes

    async def _live(self, ws: WebSocket) -> None:
        """The live view: one text message that says hello or why there is nothing, then fragments."""
        await ws.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await ws.send_text(json.dumps({"t": "live", "why": self.live.why}))
            if not self.live.path:
                return await ws.close(1000, "no live view")
            leaving = asyncio.create_task(ws.receive())
            async with contextlib.aclosing(self.live.watch(leaving)) as pieces:
                async for piece in pieces:
                    await ws.send_bytes(piece)
            leaving.cancel()
            await ws.close(1013, "again")


    async def _plain(self, ws: WebSocket) -> None:
        """The live view as JPEGs and samples, for browsers that play no stream; a few at once, for it costs a decoder each."""
        await ws.accept()
        if self.plain >= plain.MOST:
            await ws.close(1013, "too many")
            return
        self.plain += 1
        try:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                leaving = asyncio.create_task(ws.receive())
                async with contextlib.aclosing(self.live.watch(leaving)) as pieces, contextlib.aclosing(plain.pieces(pieces)) as shown:
                    async for piece in shown:
                        await ws.send_bytes(piece)
                leaving.cancel()
                await ws.close(1013, "again")
        finally:
            self.plain -= 1


class Server(uvicorn.Server):
    """uvicorn without its hands on the signals, which belong to the room."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @classmethod
    def of(cls, app: Starlette) -> Server:
        """A quiet server for an application. A page's messages are small; its pings find phones that fell asleep."""
        return cls(uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", ws="websockets-sansio", ws_max_size=16384,
            ws_ping_interval=20.0, ws_ping_timeout=20.0, timeout_keep_alive=5, timeout_graceful_shutdown=1,
            server_header=False, proxy_headers=False,
        ))  # fmt: skip


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises OSError where the port is taken."""
    sock = any_socket(host, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(512)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
