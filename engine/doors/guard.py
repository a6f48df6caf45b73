"""Who may come in by the web: networks, host names, origins; and what every answer says to the browser.

Pages carry no inline script or style and load nothing from elsewhere, and a strict policy holds them to it. Host names
are checked against DNS rebinding, origins against pages of other sites that reach for the sockets of this one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.doors.options import DoorsOptions

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


class Guard:
    """ASGI middleware before everything."""

    def __init__(self, app: ASGIApp, options: DoorsOptions, unknown: set[str]):
        self.app, self.unknown = app, unknown  # who speaks for others without being trusted
        self.allowed = [ipaddress.ip_network(network) for network in options.web_allow]
        self.proxies = [ipaddress.ip_network(network) for network in options.proxies]
        public = urlsplit(options.public_url).hostname or ""
        self.hosts = {"localhost", socket.gethostname().lower(), *(host.lower() for host in options.hosts), public.lower()} - {""}
        self.public = urlsplit(options.public_url).netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        self._see_through(scope, headers)
        refusal = self.refusal(scope, headers)
        if refusal:
            if scope["type"] == "websocket":
                await receive()
                return await send({"type": "websocket.close", "code": 1008, "reason": refusal[:120]})
            return await PlainTextResponse(refusal + "\n", 403, HEADERS)(scope, receive, send)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                host = headers.get("host", "")
                answer["content-security-policy"] = POLICY.format(sockets=f"ws://{host} wss://{host}")
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, dressed)

    def refusal(self, scope: Scope, headers: Headers) -> str:
        """Why a request is not let in, or ""."""
        client = (scope.get("client") or ("", 0))[0]
        if not near(client, self.allowed):
            return f"{client} is not on the list of networks that may come in"
        host = headers.get("host", "")
        if not self._named(host):
            return f"this machine is not called {host[:80]!r}"
        origin = headers.get("origin")
        ours = {host.lower(), self.public} - {""}  # a page without an address ("null") is nobody's
        if scope["type"] == "websocket" and (origin is None or urlsplit(origin).netloc.lower() not in ours):
            return f"a page of {str(origin)[:80]!r} may not open sockets here"
        return ""

    def _see_through(self, scope: Scope, headers: Headers) -> None:
        """Put the visitor's own address in place of a trusted proxy's; `relayed`: somebody speaks for another.

        Of X-Forwarded-For the last address that is no trusted proxy is believed: whatever stands before it, a visitor
        may have written. Who sends the header without being trusted is taken for no kiosk.
        """
        client, port = scope.get("client") or ("", 0)
        named = [one.strip() for one in headers.get("x-forwarded-for", "").split(",") if one.strip()]
        scope["relayed"] = bool(named or headers.get("forwarded") or headers.get("x-real-ip"))
        if named and self.proxies and near(client, self.proxies):
            theirs = next((one for one in reversed(named) if not near(one, self.proxies)), named[0])
            scope["client"] = (theirs, port)
        elif scope["relayed"]:
            self.unknown.add(client)

    def _named(self, host: str) -> bool:
        """True for IP addresses, localhost, this machine's name, *.local, and names from the options."""
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]@/]+)(:\d{1,5})?", host)
        if not match:
            return False
        name = match[1].strip("[]").lower()
        if name in self.hosts or name.endswith(".local"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def near(client: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """True if an address lies in one of some networks."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def loopback(client: str) -> bool:
    """True for the machine itself: the kiosk."""
    return near(client, [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")])


class Seals:
    """What only this installation can make. The key comes from the operator's token, so it survives a restart."""

    def __init__(self, token: str):
        self._key = hashlib.sha256(b"hypermnesia doors " + token.encode()).digest()

    @property
    def key(self) -> str:
        """For tokens of persons."""
        return self._seal("persons")

    def _seal(self, what: str) -> str:
        return hmac.new(self._key, what.encode(), "sha256").hexdigest()

    def desk(self) -> str:
        """What the operator's browser keeps in place of the token itself."""
        return self._seal("desk")[:32]
