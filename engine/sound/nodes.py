"""What can be turned in the sound room while it plays: addresses, ranges, and what a message means."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.core.errors import nearest
from engine.core.messages import Node, Set
from engine.sound.options import SoundOptions

SILENCE = -60.0  # dB: the lower end of a fader, where nothing comes through any more
NODES = (
    Node("/hm/sound/gain", "f", "loudness of the whole room in dB; -60 is silence", (0.0,), SILENCE, 0.0, unit="dB"),
    Node("/hm/sound/reverb", "f", "share of the sound that goes through the reverberated room", (0.35,), 0.0, 1.0),
    Node("/hm/sound/mute", "i", "1 fades everything out in 50 ms, 0 brings it back", (0,), 0.0, 1.0),
    Node("/hm/sound/keys", "f", "loudness of keys as they are typed, in dB; -60 is silence", (0.0,), SILENCE, 0.0, unit="dB"),
    Node("/hm/sound/density", "f", "share of the grains that are played", (1.0,), 0.0, 1.0),
    Node("/hm/sound/pitch", "f", "semitones by which everything is transposed", (0.0,), -24.0, 24.0),
    Node(
        "/hm/sound/recordings",
        "f",
        "share of the memories' grains that are recordings, if there are any",
        (0.5,),
        0.0,
        1.0,
    ),
    Node("/hm/sound/microphone", "f", "share of them that the microphone heard, if one is open", (0.2,), 0.0, 1.0),
    Node("/hm/sound/offset", "f", "seconds that everything sounds earlier: see calibrate sync", (0.0,), -0.2, 0.2, unit="s"),
)
TURNED = {"reverb": "wet", "mute": "muted"}  # last part of an address -> what it turns, where that is called otherwise


def nodes(options: SoundOptions) -> tuple[Node, ...]:
    """NODES as a sound room with these options begins."""
    begin = {"gain": options.gain, "reverb": options.reverb, "offset": options.offset}
    return tuple(replace(n, value=(begin.get(n.address.rsplit("/", 1)[1], n.value[0]),)) for n in NODES)


def amplitude(decibels: float) -> float:
    """What a gain multiplies samples by."""
    return 0.0 if decibels <= SILENCE else 10.0 ** (decibels / 20.0)


def understood(message: Set) -> tuple[str, float]:
    """(attribute of the Instrument, its new number, held in range). Raises ValueError naming what would be valid."""
    known = {node.address: node for node in NODES}
    node = known.get(message.address)
    if node is None:
        raise ValueError(f"no {message.address} in the sound; {nearest(message.address, known)}")
    value = message.args[0] if message.args else None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{node.address} takes a number in {node.low}..{node.high}, not {value!r}")
    assert node.low is not None and node.high is not None
    name = node.address.rsplit("/", 1)[1]
    return TURNED.get(name, name), min(max(float(value), node.low), node.high)
