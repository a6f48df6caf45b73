"""What can be turned and what can be read: the nodes of the instrument that no scene declares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.core.messages import KINDS, Node, Producer, State, Value

STATE = {  # field of State -> what it means; only what a stranger may read
    "picture": "serial number of the picture on the wall",
    "degree": "degree of memory: the first never reaches the wall",
    "gap": "whom the picture remembers and the words did not, 0..1",
    "beta": "how far the gap turns the words, as it was used",
    "neff": "how many memories the picture is really made of",
    "largest": "the largest share of one memory, at most .25",
    "displacement": "distance between the words and the picture, 0..1",
    "light": "rank of novelty: what adds nothing goes dark",
    "standard": "how much pictures have come to be alike, 0..1",
    "aura": "how far the picture is from every picture that has been, 0..1",
    "withheld": "pictures that had been before and were dreamt anew",
    "prior": "how far the nights have moved the noise from N(0, I), nats a number",
    "gini": "how unequally memories are recalled, 0..1",
    "retro": "days that the ancestors grow older by a day: above 1 is nostalgia",
    "characteristics": "how much nearer the pictures are to their own founding corpus than to the other, -1..1",
    "autonomy": "0 somebody is there .. 1 alone",
    "flow": "what somebody types before Enter, bits a second",
    "spread": "least distance between two outputs, 0..1: 0 is the same picture everywhere",
    "shadow": "what copying has added to the picture, in deviations",
    "kept": "pictures that were remembered since the words on the wall came",
    "copied": "how many copies lie between the original and what is shown",
    "continuation": "seconds for which the picture has gone on by itself; 0 where pictures are single",
    "chunk": "chunks of film since its first picture",
    "turned": "how much of a chunk's last picture was not in its first, 0..1",
    "fidelity": "how like the picture that it continues a film's first picture is, SSIM",
    "seam": "motion where a chunk begins, over nearly all motion inside chunks: at most 1 where nobody sees it",
    "rival": "whose continuation goes on, where two make the film",
    "beside": "how far two continuations stand apart on the wall: 0 one picture, 1 two side by side",
    "doubt": "how much several futures of the picture disagree, 0..1",
    "motion": "how fast the picture changes",
    "mass": "mass of the whole memory, in fragments",
    "fragments": "fragments remembered",
}

_SERIES = {
    "compute_ms": "what the device takes for a picture",
    "words_ms": "from words to the first picture of them",
    "interval_ms": "from one picture to the next",
}
CONTRACT = {  # figure of the latency contract -> what it means; `engine.mind.model.contract` and the mind's room make them
    **{f"{name}_{part}": f"{part} of {told}, ms" for name, told in _SERIES.items() for part in ("p50", "p95", "p99", "p99.9", "max")},
    "deadline_ms": "a picture that comes later after the last is a miss",
    "pictures": "pictures made since the mind started",
    "misses": "pictures that were late",
    "longest_run": "most late pictures in a row",
    "words_missed": "sentences that waited too long for a picture",
    "age_ms": "age of the newest picture when this was read",
    "faults": "pictures that were not finite and not shown",
    "recaptures": "graphs captured anew",
    "allocator_growth_bytes": "what the device's allocator took after the first pictures",
    "step": "what is given up: 0 nothing, 1 thoughts, 2 every second picture, 3 size",
    "steps_taken": "how often that changed",
    "size_px": "side of a picture",
}  # fmt: skip

LEDGER = {  # line of the month's account -> what it counts
    "keystrokes": "keys that were pressed before Enter", "sentences": "sentences that were given", "pictures": "pictures that were made",
    "fragments": "memories that were kept", "watt_hours": "energy, Wh",
    "measured": "part of the energy that was measured, 0..1; the rest is estimated",
}  # fmt: skip


FIXED = (  # what always can be said, whatever scene has the wall
    Node("/hm/text", "s", "say something to the memory", readable=False),
    Node("/hm/veto", "", "refuse the present picture: dark until there is another", readable=False),
    Node("/hm/touch", "ff", "whose is this place? x and y from 0 to 1, from the top left", readable=False),
    Node("/hm/producers/kill", "i", "end a producer's life: a child of two others takes its place", readable=False),
    *(Node(f"/hm/kinds/{kind}", "T", f"whether {kind} memories may be parents", readable=False) for kind in KINDS),
)
MAPPING = {  # command of an output -> types, what it does
    "corner": ("iff", "move a corner: 0 top left, then clockwise; x and y in 0..1"),
    "mesh": ("ii", "rows and columns of the mesh"),
    "point": ("iiff", "move a point of the mesh: row, column, x, y"),
    "blend": ("ffff", "width of the soft edges: left, right, top, bottom"),
    "part": ("ffff", "which part of the wall this output shows: left, top, right, bottom"),
    "gamma": ("f", "gamma of the projector"),
    "black": ("f", "light of the projector's black, lifted where outputs do not overlap"),
    "mask": ("s", "a picture whose dark places stay dark"),
    "lut": ("s", "a .cube file"),
    "reset": ("", "as if nothing had been mapped"),
}


def mapping_nodes(outputs: Iterable[str]) -> tuple[Node, ...]:
    """How the wall lies on its outputs, by the outputs' names."""
    common = (
        Node("/hm/mapping/test", "T", "the test card instead of the scene", readable=False),
        Node("/hm/mapping/edit", "T", "handles on the wall, for mouse and keyboard", readable=False),
        Node("/hm/mapping/save", "", "keep the mapping for the next start", readable=False),
    )
    each = (
        Node(f"/hm/mapping/{name}/{command}", types, told, readable=False)
        for name in outputs
        for command, (types, told) in MAPPING.items()
    )
    return (*common, *each)


def state_nodes(state: State) -> tuple[Node, ...]:
    """Every measured quantity as a readable address `/hm/state/<name>`."""
    nodes = [_node(f"/hm/state/{name}", getattr(state, name), told) for name, told in STATE.items()]
    lineage = state.lineage
    nodes.append(_node("/hm/state/depth", lineage.depth, "longest line of descent"))
    nodes.append(_node("/hm/state/ancestors", lineage.count, "distinct ancestors of the picture"))
    for kind, share in zip(KINDS, state.kinds or (0.0,) * len(KINDS), strict=False):
        nodes.append(_node(f"/hm/state/kinds/{kind}", float(share), f"share of {kind} memories"))
    for name, share in zip(("human", "machine", "others"), state.authors or (0.0,) * 3, strict=False):
        nodes.append(_node(f"/hm/state/authors/{name}", float(share), f"how much of the picture is {name}"))
    at_work = state.producers[0] if state.producers else Producer(0)
    nodes.append(_node("/hm/state/producers", len(state.producers), "producers alive"))
    nodes.append(_node("/hm/state/producer", at_work.id, "which of them is at work"))
    nodes.append(_node("/hm/state/generation", at_work.generation, "how many generations of producers lie behind it"))
    owed = dict(state.ledger)
    nodes += [_node(f"/hm/state/ledger/{name}", owed.get(name, 0.0), f"{told}, this month") for name, told in LEDGER.items()]
    kept = dict(state.contract)
    nodes += [_node(f"/hm/state/contract/{name}", kept.get(name, 0.0), told) for name, told in CONTRACT.items()]
    caption = "what the picture remembers, in words that are nobody's alone"
    nodes.append(Node("/hm/state/caption", "s", caption, (state.caption,), writable=False))
    nodes.append(Node("/hm/state/structure", "s", "hash of what makes the pictures: model, code, options", (state.structure,), writable=False))
    asked = "how the words' statistics ask to change the structure; somebody at the desk decides"
    nodes.append(Node("/hm/state/proposal", "s", asked, (state.proposal,), writable=False))
    nodes.append(Node("/hm/state/corpus", "s", "the founding corpus that the memory was born with", (state.corpus,), writable=False))
    nodes.append(Node("/hm/state/film", "s", "what makes the picture go on by itself, where anything does", (state.film,), writable=False))
    against = " against ".join(f"{name} ({seconds:.0f} s lingered)" for name, seconds in state.rivals)
    nodes.append(Node("/hm/state/rivals", "s", "which two make the film, and how long people have lingered on theirs", (against,), writable=False))
    nodes.append(Node("/hm/state/step", "s", "what the latency contract has given up", (state.step,), writable=False))
    nodes.append(Node("/hm/state/why", "s", "and the reason", (state.why,), writable=False))
    return tuple(nodes)


def _node(address: str, value: Value, told: str) -> Node:
    tag = "i" if isinstance(value, int) else "f"
    return Node(address, tag, told, (value,), writable=False)


def turned(node: Node, value: float) -> Node:
    """A node with another number, of its type and held in its range."""
    held = min(max(value, node.low if node.low is not None else value), node.high if node.high is not None else value)
    return replace(node, value=(int(held) if node.types == "i" else float(held),))
