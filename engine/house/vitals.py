"""How a live show fares: what is measured, what it plays without, what is wrong. Read by `/health`, `/metrics`, the desk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.crossings import ClockPage
from engine.core.messages import Elsewhere, Health
from engine.core.meter import Meter
from engine.core.supervisor import Supervisor
from engine.house.leaving import Leaving
from engine.house.opening import Opening
from engine.house.plan import Plan
from engine.house.rooms import MindRoom, PlacesRoom, SoundRoom
from engine.mind.memory.opening import Found
from engine.show.programme import Programme
from engine.sound.lateness import CAUSES
from engine.stage.outputs.tap import Worker
from engine.stage.stage import Stage

AUDIO = (
    "real", "underruns", *CAUSES, "grains", "late", "behind", "lost", "faults", "level", "peak", "load", "latency",
)  # fmt: skip


@dataclass(frozen=True)
class Vitals:
    """Reads the rooms of one show. Loop thread only."""

    plan: Plan
    meter: Meter
    page: ClockPage
    supervisor: Supervisor
    mind: MindRoom
    sound: SoundRoom
    stage: Stage
    programme: Programme
    leaving: Leaving
    opening: Opening
    memory: Found  # how the memory was found before the rooms started
    spoilt: list[str]  # files of this installation that could not be read, and were put aside
    besides: Sequence[Worker]  # where the wall goes besides: `[stage] outputs`
    places: PlacesRoom | None = None  # the house's other machines

    def without(self) -> list[str]:
        """What this show plays without, and why: files that cannot be played."""
        return [*self.programme.cast.broken.values(), *self.stage.broken.values(), *self.spoilt]

    def figures(self) -> dict[str, float]:
        """Everything that is measured, flat; names end in their unit."""
        page, now, made = self.page.read(), time.monotonic(), self.mind.state.made
        figures = self.meter.figures(now, self.plan.machine.contract.present or 1.0 / self.stage.fps)
        figures["picture_age_ms"] = 1e3 * (now - made) if made else 0.0
        figures["light"] = self.stage.eyes.light
        figures["key_p95_ms"] = 1e3 * page["keys"]
        figures |= {f"stage_{k}": float(v) for k, v in self.stage.state().items() if isinstance(v, (int, float))}
        figures |= self._elsewhere()
        return figures | {f"audio_{k}": page[k] for k in AUDIO} | {"audio_tardy": float(self.sound.tardy), "ticks_skipped": float(self.sound.clock.skipped)}

    def _elsewhere(self) -> dict[str, float]:
        """Of each other machine, by its name: what it does, its delay, skew and losses."""
        if not self.places:
            return {}
        seen = self.places.seen
        each = {f"place_{place.name}_{name}": value for place in seen.places for name, value in (("there", float(place.well)), *place.figures)}
        return dict(seen.figures) | each

    def health(self) -> Health:
        """One reading of everything, for /health and /metrics."""
        page, figures = self.page.read(), self.figures()
        rooms = self.supervisor.health()
        notes = [f"{name}: {room['state']}" for name, room in rooms.items() if room["state"] != "running"]
        if page["running"] and not page["real"] and self.plan.sound.device != "null" and "sound" not in self.plan.away:
            notes.append("no sound card: the show runs in silence, in time; plug one in when you like")
        notes += sorted({self.mind.remembering, self.memory.how if self.memory.remembers else ""} - {""})
        notes += [*self.leaving.notes(), *([self.opening.note] if self.opening.note else []), *(one.trouble for one in self.besides if one.trouble)]
        notes += [said for said in self.stage.walls.wrong.values() if said]
        state = self.mind.state
        elsewhere = self.places.seen if self.places else Elsewhere()
        notes += elsewhere.notes
        return Health(
            ok=not notes,
            rooms=(*((name, room["state"]) for name, room in rooms.items()), *((f"{'+'.join(place.rooms)} {place.name}", place.state) for place in elsewhere.places)),
            figures=tuple(figures.items()),
            facts=(
                ("scene", self.programme.name),
                ("hours", self.opening.sentence),
                ("blackout", "dark" if self.programme.blackout else "light"),
                ("without", "; ".join(self.without()) or "nothing"),
                ("model", self.plan.mind.model),
                ("caption", state.caption),
                ("microphone", "elsewhere" if "sound" in self.plan.away else self.plan.sound.microphone or "closed"),
                ("contract", f"{state.step} {state.why}".strip()),
                ("pictures", self.stage.between.upload.how),
                ("flashes", self.stage.eyes.sentence()),
            ),
            notes=tuple(notes),
        )

    def look_back(self) -> tuple[dict[str, float], dict[str, float], list[str]]:
        """What has been counted since this process began, the month's energy, what is wrong."""
        page = self.page.read()
        totals = {
            "frames": float(self.stage.pacer.frames), "late_frames": float(self.stage.pacer.missed), "underruns": page["underruns"],
            "late_grains": page["late"], "restarts": float(sum(room.restarts for room in self.supervisor.rooms)),
        }  # fmt: skip
        return totals, dict(self.mind.state.ledger), list(self.health().notes)

    def sentence(self) -> str:
        """What the show was, in a line."""
        f, page = self.meter.figures(time.monotonic(), 1.0 / self.stage.fps), self.page.read()
        return (
            f"{f['frames']:.0f} frames, interval p50 {f['frame_p50_ms']:.1f} ms p99 {f['frame_p99_ms']:.1f} ms, largest {f['frame_max_ms']:.0f} ms; "
            f"{self.meter.pictures} pictures ({f['pictures_per_second']:.1f} a second); "
            f"words to light p50 {f['light_p50_ms'] / 1e3:.2f} s; "
            f"{page['underruns']:.0f} underruns, {page['late']:.0f} of {page['grains']:.0f} grains late; "
            f"{sum(room.restarts for room in self.supervisor.rooms)} rooms restarted"
        )
