"""What can be turned and what can be read: the nodes of the instrument that no scene declares."""

from __future__ import annotations

from engine.messages import KINDS, Node, State, Value

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
    "autonomy": "0 somebody is there .. 1 alone",
    "motion": "how fast the picture changes",
    "mass": "mass of the whole memory, in fragments",
    "fragments": "fragments remembered",
}


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
    return tuple(nodes)


def _node(address: str, value: Value, told: str) -> Node:
    tag = "i" if isinstance(value, int) else "f"
    return Node(address, tag, told, (value,), writable=False)
