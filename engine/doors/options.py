"""What a gallery may decide about its doors. Frozen, picklable, imports nothing heavy."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Mode = Literal["open", "filtered", "moderated", "curated"]
MODES: tuple[Mode, ...] = ("open", "filtered", "moderated", "curated")
LANGUAGES = ("fr", "en")  # of the pages
WINDOW = 10.0  # seconds in which texts are counted

# Loopback and the private networks of RFC 1918, 3927, 4193 and 4291: nobody from outside, even where a router forwards.
NEAR = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fe80::/10",
        "fc00::/7")  # fmt: skip


@dataclass(frozen=True, slots=True)
class DoorsOptions:
    """Made once by the loop's process and handed to every start of the room, so that tokens outlive a crash."""

    name: str = "hypermnesia"  # how surfaces see this instrument on the network
    host: str = "127.0.0.1"  # the address to bind; "0.0.0.0" opens the doors to the local network
    osc_port: int = 9000  # UDP; 0 = any free port, -1 = closed (the same for the others)
    tcp_port: int = 9001  # OSC over TCP, after a length or in SLIP frames
    query_port: int = 9000  # OSCQuery over HTTP; TCP, so that it can share the number of the UDP port
    web_port: int = 8000
    osc_allow: tuple[str, ...] = NEAR  # networks that may send OSC
    web_allow: tuple[str, ...] = NEAR  # networks that may open pages
    hosts: tuple[str, ...] = ()  # names besides IP addresses, localhost and *.local under which pages are served
    proxies: tuple[str, ...] = ()  # networks of reverse proxies whose X-Forwarded-For is believed
    moderation: Mode = "filtered"
    helpline: str = "112"  # whom to call, told to who may want to harm themselves
    unchecked: str = ""  # why free text does not reach the wall without an operator's word; "" = it does
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))  # opens /desk
    phones: bool = True  # strangers' phones may write, with the short-lived token of the QR code
    public_url: str = ""  # what the QR code says before its token; "" = http://<address of this machine>:<web port>
    home: Path | None = None  # where the queue of texts that wait for the operator lies; None = in memory alone
    score: Path | None = None  # record every message of the show here (score.jsonl)
    advertise: bool = True  # tell the local network by zeroconf; never when bound to loopback alone
    idle: float = 60.0  # seconds without a key after which draft and language of the kiosk are wiped
    texts: int = 20  # per person in WINDOW seconds
