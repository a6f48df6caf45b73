"""Who is who. People are told apart by how they came in, never by what they call themselves.

- A **phone** comes with a code that is shown in the room. A code is for one time: the first phone spends it, and the next
  one is shown at once. For GRACE seconds others who were just scanning the same picture come in with it, at most SHARED.
  All who came with one code count as one person; so whoever wants to be three has to read three codes in the room, at the
  pace at which they are shown, whatever their addresses and names are. Twelve children behind one router are twelve.
- The **kiosk** is one keyboard: there is one person at a time, and the next begins when nobody has touched it for as long
  as it takes the page to be wiped. Any number of connections from the machine itself are that one person.

A token says which visit and person a page is; it is signed (itsdangerous), so that it outlives a restart of the doors,
and only pages that ask at a human pace get one: NEW in a minute for an address, four times as many for a network.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from itsdangerous import BadData, URLSafeTimedSerializer

from engine.doors.limiter import Limiter

VISIT = 4 * 3600  # seconds that a token is good for
CODE = 300.0  # seconds that a code is good for, unspent
SHOWN = 120.0  # seconds after which another is shown all the same
GRACE, SHARED = 20.0, 12  # after a code is spent: seconds, and phones, for which it still opens
NEW = 200  # tokens a minute for one address: a hundred and fifty phones may come at once from behind one router
KEPT = 4096  # tokens that are remembered


@dataclass(frozen=True, slots=True)
class Person:
    """One page's visitor. `visit` is its token, and the name by which it is answered."""

    visit: str
    person: str
    address: str = ""


@dataclass(slots=True)
class Code:
    """What the picture in the room says."""

    text: str
    made: float
    spent: float = 0.0  # when the first phone came in with it; 0 = not yet
    phones: int = 0


@dataclass(slots=True)
class Persons:
    """Gives and knows tokens and codes. Times in seconds since 1970. Belongs to the event loop."""

    secret: str
    idle: float = 60.0  # seconds after which the kiosk's next visitor is another person
    kept: OrderedDict[str, Person] = field(default_factory=OrderedDict)
    codes: OrderedDict[str, Code] = field(default_factory=OrderedDict)
    _kiosk: str = ""
    _touched: float = 0.0  # when somebody last used the kiosk
    _addresses: Limiter = field(default_factory=lambda: Limiter(NEW, 60.0))
    _networks: Limiter = field(default_factory=lambda: Limiter(4 * NEW, 60.0))

    @property
    def _signed(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt="visit")

    # tokens

    def known(self, token: str) -> Person | None:
        """Whose token this is; None for one that was not made here or is too old."""
        if token in self.kept:
            self.kept.move_to_end(token)
            return self.kept[token]
        try:
            _, person = self._signed.loads(token, max_age=VISIT)
        except (BadData, ValueError, TypeError):
            return None
        return self._keep(Person(token, str(person)))

    def wait(self, address: str, now: float) -> float:
        """Seconds until an address may have another token; 0 = now, and it is counted."""
        return self._addresses.wait(address, now) or self._networks.wait(network(address), now)

    def at_kiosk(self, now: float) -> Person:
        """A token for a page of the kiosk: the person who is there, or the next one."""
        if not self._kiosk or now - self._touched >= 0.95 * self.idle:  # the page's own clock may run a little fast
            self._kiosk = f"kiosk-{secrets.token_hex(6)}"
        self._touched = now
        return self._new(self._kiosk, "kiosk")

    def touched(self, now: float) -> None:
        """Somebody uses the kiosk."""
        self._touched = now

    def by_code(self, code: str, address: str, now: float) -> Person | None:
        """A token for a phone; None for a code that is none, is spent, or has expired."""
        found = self.codes.get(code)
        if found is None or now - found.made > CODE or (found.spent and (now - found.spent > GRACE or found.phones >= SHARED)):
            return None
        found.spent = found.spent or now
        found.phones += 1
        return self._new(f"phone-{found.text}", address)

    def _new(self, person: str, address: str) -> Person:
        return self._keep(Person(self._signed.dumps([secrets.token_hex(6), person]), person, address))

    def _keep(self, person: Person) -> Person:
        self.kept[person.visit] = person
        while len(self.kept) > KEPT:
            self.kept.popitem(last=False)
        return person

    # codes

    def code(self, now: float) -> str:
        """The code to show: one that nobody has used, and that is good for a while yet."""
        newest = next(reversed(self.codes.values()), None)
        if newest is None or newest.spent or now - newest.made > SHOWN:
            newest = Code(secrets.token_urlsafe(6), now)
            self.codes[newest.text] = newest
            while len(self.codes) > 64:
                self.codes.popitem(last=False)
        return newest.text


def network(address: str) -> str:
    """The network of an address: /24 of IPv4, /64 of IPv6; "" for what is no address."""
    try:
        at = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(at, ipaddress.IPv6Address) and at.ipv4_mapped:
        at = at.ipv4_mapped
    return str(ipaddress.ip_network(f"{at}/{24 if at.version == 4 else 64}", strict=False))
