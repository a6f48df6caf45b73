"""What a show would be sorry to forget: everything that was turned and said, for the loop that goes on after this one."""

from __future__ import annotations

from typing import Any

from engine.core.messages import Text
from engine.show.directory import turned
from engine.show.programme import Programme


def kept(show: Programme) -> dict[str, Any]:
    """Everything that was turned and said, as JSON takes it. Loop thread only."""
    said = {"words": show.said.words, "key": show.said.key, "kind": show.said.kind, "visit": show.said.visit}
    return {
        "scene": show.name, "wanted": show.wanted, "hold": show.hold, "blackout": show.blackout, "freeze": show.frozen,
        "seed": show.seed, "turns": dict(show.turns.shares), "said": said if show.said.words else {}, "presence": show.presence.weight,
        "scenes": {name: dict(each.scene.values) for name, each in show.cast.scenes.items()},
        "versions": {name: show.cast.digest(name) for name in show.cast.scenes},
        "sound": {node.address: list(node.value) for node in show.others if node.address.startswith("/hm/sound/")},
    }  # fmt: skip


def restore(show: Programme, entry: dict[str, Any]) -> None:
    """Go on from what `kept` gave; what no longer fits is left as it is. Raises ValueError or TypeError for another's file."""
    for name, values in entry.get("scenes", {}).items():
        if name in show.cast.scenes:
            scene = show.cast.scenes[name].scene
            scene.values |= {k: float(v) for k, v in values.items() if k in scene.params()}
    show.hold, show.blackout = bool(entry.get("hold", show.hold)), bool(entry.get("blackout", False))
    show.frozen, show.seed = bool(entry.get("freeze", False)), int(entry.get("seed", show.seed))
    show.wanted = str(entry.get("wanted", show.wanted))
    show.turns.shares = {str(name): float(share) for name, share in entry.get("turns", {}).items()}
    name = str(entry.get("scene", show.name))
    show.name = name if name in show.cast.scenes else show.cast.after(name)
    said = entry.get("said") or {}
    if said.get("words"):
        show.said = Text(str(said["words"]), said.get("kind", "visitor"), str(said.get("key", "")), str(said.get("visit", "")))
        for each in show.cast.scenes.values():  # known, not heard once more
            each.scene.words, each.scene.saying = show.said.words, show.said.key
    show.presence.human(float(entry.get("presence", 0.0)), 0.0)
    sound = entry.get("sound", {})
    show.others = tuple(turned(node, sound[node.address][0]) if sound.get(node.address) else node for node in show.others)
