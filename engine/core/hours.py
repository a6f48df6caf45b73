"""Opening hours by the clock on the wall: weekdays, past midnight, closed days, private views, summer time.

What a place writes is read once into spans of local time; each day's spans become seconds of the epoch by the zone's own
rules, so that 10:00 is 10:00 on either side of a change of clocks, and a night that is open through one is an hour longer
or shorter, as it is for people.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from engine.core.errors import nearest
from engine.core.machine import HoursFacts

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
AHEAD = 15  # days that are looked through for the next opening
TIMES = re.compile(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)")
DAY = datetime.timedelta(days=1)
TURN = datetime.timedelta(hours=4)  # of the morning: when a gallery's day begins
LOCAL = Path("/etc/localtime")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Times:
    """From one time of day to another, in minutes; an end that is not later is on the next day."""

    begin: int
    end: int

    @classmethod
    def read(cls, text: str) -> Times:
        """"10:00-18:00", "20:00-02:00", "00:00-24:00". Raises ValueError."""
        found = TIMES.fullmatch(text)
        if not found:
            raise ValueError(f"wants times such as 10:00-18:00, found {text!r}")
        h0, m0, h1, m1 = map(int, found.groups())
        if h0 > 23 or m0 > 59 or h1 * 60 + m1 > 24 * 60 or m1 > 59:
            raise ValueError(f"{text} is no time of day: 00:00 to 24:00")
        return cls(h0 * 60 + m0, h1 * 60 + m1 + (0 if h1 * 60 + m1 > h0 * 60 + m0 else 24 * 60))


@dataclass(frozen=True, slots=True)
class Span:
    """When light is wanted, in seconds of the epoch."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one place. No state: time comes in, in seconds of the epoch. Any thread."""

    weekly: tuple[tuple[int, Times], ...]  # weekday, 0 = Monday
    closed: frozenset[str]  # days, "2026-12-25", or of every year, "12-25"
    also: tuple[tuple[datetime.date, Times], ...]
    zone: datetime.tzinfo
    fade: float  # seconds

    @classmethod
    def of(cls, facts: HoursFacts) -> Hours:
        """What machine.toml says. Raises ValueError in one sentence that names the key."""
        if facts.fade < 0.0 or facts.fade > 3600.0:
            raise ValueError(f"[hours] fade is in seconds, 0 to 3600, found {facts.fade:g}")
        zone = _named("zone", _zone, facts.zone)
        weekly = tuple(pair for text in facts.open for pair in _named("open", _weekly, text))
        closed = frozenset(day for text in facts.closed for day in _named("closed", _days, text))
        return cls(weekly, closed, tuple(_named("also", _once, text) for text in facts.also), zone, facts.fade)

    @property
    def always(self) -> bool:
        """Whether no hours are kept."""
        return not self.weekly and not self.also and not self.closed

    def date(self, now: float) -> datetime.date:
        """The calendar's day at this place."""
        return datetime.datetime.fromtimestamp(now, self.zone).date()

    def spans(self, day: datetime.date) -> list[Span]:
        """What begins on a day: its weekday's hours unless it is closed, and what is also open."""
        found = [times for weekday, times in self.weekly if weekday == day.weekday()] if self.weekly else [Times(0, 24 * 60)]
        if day.isoformat() in self.closed or day.isoformat()[5:] in self.closed:
            found = []
        found += [times for date, times in self.also if date == day]
        return [Span(self._at(day, times.begin, False), self._at(day, times.end, True)) for times in found]

    def span(self, now: float) -> Span | None:
        """The opening of now, with what touches it; None while it is closed."""
        return next((each for each in self._merged(now) if each.begin <= now < each.end), None)

    def next(self, now: float) -> Span | None:
        """The next opening after now; None where none comes within AHEAD days."""
        return next((each for each in self._merged(now) if each.begin > now), None)

    def wanted(self, now: float) -> bool:
        """Whether light should rise or stay; False from `fade` seconds before the end on, so that it is dark by then."""
        if self.always:
            return True
        here = self.span(now)
        return here is not None and now < here.end - min(self.fade, (here.end - here.begin) / 2)

    def sentence(self, now: float) -> str:
        """For people: "open until 18:00", "closed until Tuesday 10:00"."""
        if self.always:
            return "always open"
        if here := self.span(now):
            return f"open until {self._told(here.end, now)}"
        coming = self.next(now)
        return f"closed until {self._told(coming.begin, now)}" if coming else f"closed for {AHEAD} days and more"

    def _told(self, then: float, now: float) -> str:
        at = datetime.datetime.fromtimestamp(then, self.zone)
        days = (at.date() - self.date(now)).days
        return f"{at:%H:%M}" if days == 0 else f"{NAMES[at.weekday()]} {at:%H:%M}" if days < 7 else f"{at:%Y-%m-%d %H:%M}"

    def _merged(self, now: float) -> list[Span]:
        return _merged(self, self.date(now))

    def _at(self, day: datetime.date, minutes: int, last: bool) -> float:
        """A time of day in seconds of the epoch. One that comes twice (clocks go back) is the first as a beginning, the
        last as an end; one that never comes (clocks go forward) is as much later as the clocks go."""
        day += DAY * (minutes // (24 * 60))
        time = datetime.time(minutes // 60 % 24, minutes % 60)
        return datetime.datetime.combine(day, time, self.zone).replace(fold=int(last and self._twice(day, time))).timestamp()

    def _twice(self, day: datetime.date, time: datetime.time) -> bool:
        first = datetime.datetime.combine(day, time, self.zone)
        return first.utcoffset() != first.replace(fold=1).utcoffset() and first.timestamp() < first.replace(fold=1).timestamp()


def day_of(now: float, zone: datetime.tzinfo | None = None) -> str:
    """The gallery's day of an instant, as "2026-11-26": it goes from TURN to TURN, so that an evening is not cut in two."""
    return (datetime.datetime.fromtimestamp(now, zone) - TURN).date().isoformat()


@functools.lru_cache(maxsize=8)
def _merged(hours: Hours, today: datetime.date) -> list[Span]:
    """Spans from the day before yesterday on, in order, those that touch as one."""
    first, out = today - 2 * DAY, list[Span]()
    for span in sorted((s for n in range(AHEAD + 2) for s in hours.spans(first + n * DAY)), key=lambda s: s.begin):
        if out and span.begin <= out[-1].end:
            out[-1] = Span(out[-1].begin, max(out[-1].end, span.end))
        else:
            out.append(span)
    return out


def _named(key: str, read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except ValueError as wrong:
        raise ValueError(f"[hours] {key}: {wrong}") from None


def _weekly(text: str) -> list[tuple[int, Times]]:
    """"tue-sun 10:00-18:00", "sat,sun 11:00-19:00", "daily 10:00-18:00"."""
    names, _, times = text.strip().lower().partition(" ")
    if not times:
        raise ValueError(f"wants days and times such as \"tue-sun 10:00-18:00\", found {text!r}")
    days = list[int]()
    for part in names.split(","):
        first, dash, last = part.partition("-")
        begin, end = (0, 6) if part == "daily" else (_weekday(first), _weekday(last if dash else first))
        days += [(begin + n) % 7 for n in range((end - begin) % 7 + 1)]
    return [(day, Times.read(times.strip())) for day in days]


def _weekday(name: str) -> int:
    if name[:3] not in DAYS or not NAMES[DAYS.index(name[:3])].lower().startswith(name):
        raise ValueError(f"no day is called {name!r}; {nearest(name, (*DAYS, 'daily'))}")
    return DAYS.index(name[:3])


def _days(text: str) -> list[str]:
    """"2026-12-25", "12-25" (of every year), "2026-12-24..2027-01-01"."""
    first, dots, last = text.strip().partition("..")
    if dots:
        begin, end = _date(first), _date(last)
        if not begin <= end <= begin + 366 * DAY:
            raise ValueError(f"{text}: the last day comes after the first, a year later at most")
        return [(begin + n * DAY).isoformat() for n in range((end - begin).days + 1)]
    if len(first) == 5:
        return [_date(f"2028-{first}").isoformat()[5:]]  # a year with a 29th of February
    return [_date(first).isoformat()]


def _once(text: str) -> tuple[datetime.date, Times]:
    """"2026-12-03 19:00-23:30"."""
    day, _, times = text.strip().partition(" ")
    return _date(day), Times.read(times.strip())


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"wants a day such as 2026-12-25, found {text!r}") from None


def _zone(name: str) -> datetime.tzinfo:
    """The zone of this name; "" = that of this machine, with its rules for summer time."""
    name = name or os.environ.get("TZ", "").lstrip(":")
    if not name:
        with contextlib.suppress(OSError, ValueError), LOCAL.open("rb") as file:
            return zoneinfo.ZoneInfo.from_file(file)
        return datetime.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        raise ValueError(f"no zone is called {name!r}; {nearest(name, known) if known else 'this machine knows none: apt-get install tzdata'}") from None
