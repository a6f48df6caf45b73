"""Who may come in by the web: networks, host names, origins; and what every answer says to the browser.

Pages carry no inline script or style and load nothing from elsewhere, and a strict policy holds them to it. Host names
are checked against DNS rebinding, origins against pages of other sites that reach for the sockets of this one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
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
DOOR = 300  # seconds that a phone's token from the QR code is good, and as long again
VISIT = 3600  # seconds that a visit's name is good


class Guard:
    """ASGI middleware before everything."""

    def __init__(self, app: ASGIApp, options: DoorsOptions):
        self.app = app
        self.allowed = [ipaddress.ip_network(network) for network in options.web_allow]
        self.hosts = {"localhost", socket.gethostname().lower(), *(host.lower() for host in options.hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
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
        if scope["type"] == "websocket" and (origin is None or urlsplit(origin).netloc.lower() != host.lower()):
            return f"a page of {str(origin)[:80]!r} may not open sockets here"
        return ""

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
    """Names and tokens that only this installation can make, good for a while. Times in seconds since 1970.

    The key comes from the operator's token, so that what was handed out survives a restart of the doors.
    """

    def __init__(self, token: str):
        self._key = hashlib.sha256(b"hypermnesia doors " + token.encode()).digest()

    def _seal(self, what: str) -> str:
        return hmac.new(self._key, what.encode(), "sha256").hexdigest()[:16]

    def visit(self, now: float) -> str:
        """A new visit's name: opaque, unforgeable, says nothing of the visitor."""
        name = f"{int(now):x}.{secrets.token_hex(6)}"
        return f"{name}.{self._seal('visit ' + name)}"

    def is_visit(self, name: str, now: float) -> bool:
        """True for a visit's name that was made here within the last hour."""
        match = re.fullmatch(r"(([0-9a-f]{1,12})\.[0-9a-f]{12})\.([0-9a-f]{16})", name)
        if not match or not hmac.compare_digest(match[3], self._seal("visit " + match[1])):
            return False
        return 0 <= now - int(match[2], 16) + 60 <= VISIT + 60

    def door(self, now: float) -> str:
        """The short-lived token in the QR code."""
        return self._seal(f"door {int(now // DOOR)}")

    def is_door(self, token: str, now: float) -> bool:
        """True for the token of this slot of DOOR seconds or of the one before."""
        return any(
            hmac.compare_digest(token.encode(), self._seal(f"door {int(now // DOOR) - ago}").encode()) for ago in (0, 1)
        )

    def desk(self) -> str:
        """What the operator's browser keeps in place of the token itself."""
        return self._seal("desk")
