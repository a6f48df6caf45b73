"""What is taken back takes the recipes along that it alone has caused; those that others' words cause too stay."""

from pathlib import Path

import numpy as np

from engine.core.messages import Text
from engine.mind.keeper import Keeper
from engine.mind.memory.archive import WITHDRAWN, Birth, Seen
from engine.mind.memory.lineage import Line, descend
from engine.mind.model import embedded
from engine.mind.options import MindOptions
from engine.mind.parts import Parts
from engine.painter.said import Heads
from tests.mind.memory.lens import Lens

ALONE, SHARED, AGAIN = "a lighthouse at night", "a red flower", "une fleur rouge"


def keeper(folder: Path) -> Keeper:
    lens = Lens(8)
    return Keeper(MindOptions(archive=folder, size=lens.size), Parts(lens, embedded.reader(), "lens", heads=Heads.load(embedded.FOLDER / "heads")))


def say(keeper: Keeper, words: str) -> tuple[str, tuple[int, ...]]:
    """A sentence with a picture that descends from its crowd: (code, crowd)."""
    fragment, code, _ = keeper.archive.hear(Text(words, key=words))
    vector = keeper.parts.means(words)
    crowd = keeper.recipes.crowd(words, vector, ["sea", "forest"])
    parents = tuple((one, 1 / len(crowd)) for one in crowd)
    seen = Seen(np.zeros(keeper.parts.dreamer.latent, np.float16), vector)
    birth = Birth("visitor", words, vector, seen, parents, descend([(share, Line.root(one)) for one, share in parents]))
    assert keeper.archive.develop(fragment, birth, keeper.parts.space)
    for one in crowd:
        keeper.adopt(one)
    return code, crowd


def test_a_withdrawal_takes_the_recipes_that_it_alone_has_caused_and_leaves_those_that_others_cause_too(tmp_path: Path) -> None:
    mind = keeper(tmp_path)
    code, alone = say(mind, ALONE)
    shared, crowd = say(mind, SHARED)
    other, same = say(mind, AGAIN)
    assert crowd == same and not set(alone) & set(crowd)
    edges, mass = sorted(mind.archive.edges()), mind.archive.mass
    assert mind.withdraw(code).found
    for one in alone:
        gone = mind.archive.fragment(one)
        assert gone and gone.state == WITHDRAWN and not gone.words and one not in mind.memory.row
        assert not mind.archive.latents([one], "lens") and mind.recipes.painted(one) is None
    assert sorted(mind.archive.edges()) == edges and mind.archive.mass == mass, "descent and mass stay, nameless"
    mind.withdraw(shared)
    assert all(mind.archive.fragment(one).state == 0 for one in crowd), "somebody else still says it"  # type: ignore[union-attr]
    mind.withdraw(other)
    assert all(mind.archive.fragment(one).state == WITHDRAWN for one in crowd)  # type: ignore[union-attr]
    _, back = say(mind, "a lighthouse at night!")
    assert set(back) == set(alone) and all(mind.archive.fragment(one).words for one in back), "said again, it is here again"  # type: ignore[union-attr]
    assert mind.archive.count("state = 0 AND id < 0") == len(back) and mind.archive.mass == mass + 1
    mind.close()


def test_two_memories_paint_other_crowds_for_the_same_words_and_each_stays_with_its_own(tmp_path: Path) -> None:
    crowds = []
    for folder, seed in (("a", 1), ("b", 2), ("a", 3)):  # the first again, walking elsewhere
        lens = Lens(8)
        mind = Keeper(MindOptions(archive=tmp_path / folder, size=lens.size, seed=seed), Parts(lens, embedded.reader(), "lens", heads=Heads.load(embedded.FOLDER / "heads")))
        code, crowd = say(mind, f"{ALONE}{'!' * len(crowds)}")
        crowds.append(set(crowd))
        if len(crowds) == 3:
            assert mind.withdraw(code).found
            assert all(mind.archive.fragment(one).state == 0 for one in crowd), "said before, too"  # type: ignore[union-attr]
        mind.close()
    assert crowds[0] == crowds[2] and not crowds[0] & crowds[1]
