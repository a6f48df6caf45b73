"""Whom words and pictures bring back."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Kind
from engine.mind.memory.archive import Archive, Birth, Seen
from engine.mind.memory.recall import Memory
from engine.mind.memory.space import Space, unit
from tests.mind.small_mind import CAPTIONS, vector

SHAPE = (4, 8, 8)


def remembered(folder: Path, captions: list[str], offset: float = 0.0) -> Memory:
    """A memory whose image space is its word space, moved by a constant."""
    archive = Archive(folder)
    moved = np.full(64, offset, np.float32)
    for number, caption in enumerate(captions):
        latent = np.random.default_rng(number).standard_normal(SHAPE).astype(np.float16)
        archive.remember(Birth("founding", caption, vector(caption), Seen(latent, vector(caption) + moved)), "small")
    return Memory(archive, "small", SHAPE)


def test_words_recall_the_nearest_memories_first(tmp_path: Path) -> None:
    memory = remembered(tmp_path, CAPTIONS)
    found = memory.by_words(vector("a golden moon at night"), 16, 0.07)
    assert memory.fragments[found.rows[0]].words == "a golden moon at night"
    assert found.weights.sum() == pytest.approx(1) and np.all(np.diff(found.weights) <= 0)


def test_one_rare_memory_is_found_among_many(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    many = unit(rng.standard_normal((50_000, 64)).astype(np.float32))
    space = Space(np.concatenate([many, vector("the only zeppelin")[None]]))
    rows, _ = space.nearest(vector("the only zeppelin"), 1)
    assert rows[0] == 50_000


def test_two_equal_spaces_recall_equally(tmp_path: Path) -> None:
    memory = remembered(tmp_path, CAPTIONS)
    u = vector("a red tower in the fog")
    r, q = memory.both(u, u, 32, 0.07)
    assert np.allclose(r.weights, q.weights, atol=1e-9)


def test_a_constant_offset_of_one_space_changes_no_recall(tmp_path: Path) -> None:
    plain, moved = remembered(tmp_path / "a", CAPTIONS), remembered(tmp_path / "b", CAPTIONS, offset=0.7)
    u, seen = vector("a red tower in the fog"), vector("a violet river at noon")
    shift = np.full(64, 0.7, np.float32)
    _, q = plain.both(u, seen, 32, 0.07)
    _, q_moved = moved.both(u, seen + shift, 32, 0.07)
    assert np.array_equal(q.rows, q_moved.rows) and np.allclose(q.weights, q_moved.weights, atol=5e-3)


def added(memory: Memory, kind: Kind, words: str) -> int:
    """One more memory, with a picture of nothing; its id."""
    latent = np.zeros(SHAPE, np.float16)
    made = memory.archive.remember(Birth(kind, words, vector(words), Seen(latent, vector(words))), "small")
    fragment = memory.archive.fragment(made)
    assert fragment
    memory.add(fragment, vector(words), vector(words), latent)
    return made


def test_what_is_added_is_recalled_at_once_and_what_is_forgotten_never(tmp_path: Path) -> None:
    memory = remembered(tmp_path, CAPTIONS[:40])
    made = added(memory, "machine", "a zeppelin")
    row = memory.by_words(vector("a zeppelin"), 1, 0.07).rows[0]
    assert memory.fragments[row].id == made
    memory.forget(made)
    assert made not in memory.ids(memory.by_words(vector("a zeppelin"), 41, 0.07))
    assert not np.any(memory.words.raw(np.array([row]))[0] @ vector("a zeppelin") > 0.9), "its vector is gone as well"


def test_an_unplugged_kind_is_not_recalled_until_it_is_plugged_in_again(tmp_path: Path) -> None:
    memory = remembered(tmp_path, CAPTIONS[:10])
    made = added(memory, "sensor", "rain")
    memory.plug("sensor", False)
    assert made not in memory.ids(memory.by_words(vector("rain"), 11, 0.07))
    memory.plug("sensor", True)
    assert memory.ids(memory.by_words(vector("rain"), 11, 0.07))[0] == made


def test_famous_memories_tire(tmp_path: Path) -> None:
    memory = remembered(tmp_path, CAPTIONS)
    found = memory.by_words(vector("a golden moon at night"), 16, 0.07)
    famous = memory.ids(found)[0]
    memory.famous([famous] * 20)
    assert memory.penalised(found, 0.0).weights == pytest.approx(found.weights)
    assert memory.penalised(found, 1.0).weights[0] < 0.5 * found.weights[0]


def test_pictures_of_another_size_are_stretched(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    latent = np.arange(64, dtype=np.float16).reshape(1, 8, 8)
    archive.remember(Birth("founding", "a", vector("a"), Seen(latent, vector("a"))), "small")
    stretched = Memory(archive, "small", (1, 16, 4)).latents([0])
    assert stretched.shape == (1, 1, 16, 4) and stretched.mean() == pytest.approx(31.5, abs=0.5)


def test_a_picture_that_is_recalled_again_and_again_stays_at_hand_while_others_come_and_go(tmp_path: Path) -> None:
    memory = Memory(remembered(tmp_path, CAPTIONS[:8]).archive, "small", SHAPE, keep=3 * 2 * int(np.prod(SHAPE)))
    wanted = [memory.latents([row])[0] for row in range(8)]
    for row in range(1, 8):
        memory.latents([0, row])
    assert memory.fragments[0].id in memory._latents, "the one used last went first"
    assert len(memory._latents) == 3
    assert np.array_equal(memory.latents(range(8)), np.stack(wanted)), "more are asked for than are kept"


def test_the_centre_follows_a_growing_memory() -> None:
    space = Space(np.zeros((0, 0), np.float32))
    for number in range(600):
        space.add(vector(f"word{number} common"))
    assert len(space) == 600
    assert np.allclose(space.centre, space.raw(np.arange(600)).mean(0), atol=0.05)


def clustered(n: int, dim: int = 384) -> np.ndarray:
    """Vectors that lie as memories do: around some themes."""
    rng = np.random.default_rng(1)
    themes = rng.standard_normal((50, dim))
    return unit((themes[rng.integers(0, 50, n)] + 0.8 * rng.standard_normal((n, dim))).astype(np.float32))


ZEPPELIN = np.random.default_rng(3).standard_normal(384).astype(np.float32)


def both(vectors: np.ndarray, path: Path | None = None) -> tuple[Space, Space]:
    """The same vectors searched exactly, and through an index that is built."""
    quick = Space(vectors, path, exact=1000)
    quick.settle()
    return Space(vectors), quick


def agree(exact: Space, quick: Space, asked: np.ndarray) -> float:
    """Part of the nearest ten of `exact` that `quick` finds."""
    return float(np.mean([len(set(exact.nearest(v, 10)[0]) & set(quick.nearest(v, 10)[0])) / 10 for v in asked]))


def test_the_index_proposes_what_the_exact_search_finds(tmp_path: Path) -> None:
    exact, quick = both(clustered(5000), tmp_path / "words.usearch")
    assert quick._index and not quick._index.building
    assert agree(exact, quick, clustered(200)[100:]) >= 0.95
    quick.add(ZEPPELIN)
    assert quick.nearest(ZEPPELIN, 1)[0][0] == 5000
    quick.forget(5000)
    assert 5000 not in quick.nearest(ZEPPELIN, 50)[0]


def test_while_the_index_is_built_every_row_is_found_all_the_same() -> None:
    vectors = clustered(5000)
    exact, quick = Space(vectors), Space(vectors, exact=1000)
    index = quick._index
    assert index and index._builder and index.building
    index._builder.send_signal(signal.SIGSTOP)
    assert agree(exact, quick, vectors[:50]) >= 0.95
    quick.add(ZEPPELIN)
    quick.forget(7)
    assert quick.nearest(ZEPPELIN, 1)[0][0] == 5000
    index._builder.send_signal(signal.SIGCONT)
    quick.settle()
    assert not index.building and index._known == 5000, "it answers now"
    assert quick.nearest(ZEPPELIN, 1)[0][0] == 5000 and 7 not in quick.nearest(vectors[7], 50)[0]
    quick.add(-ZEPPELIN)
    assert quick.nearest(-ZEPPELIN, 1)[0][0] == 5001 and index._known == 5002


def test_a_build_that_is_cut_off_goes_on_at_the_next_start(tmp_path: Path) -> None:
    path, vectors = tmp_path / "words.usearch", clustered(30_000)
    first = Space(vectors, path, exact=1000)
    assert first._index and first._index._builder
    status = Path(f"/proc/{first._index._builder.pid}/status")
    while not int(status.read_text().split("SigCgt:")[1].split()[0], 16) & 1 << signal.SIGTERM - 1:
        time.sleep(0.01)  # it does not listen yet
    first.close()
    assert path.exists()
    again = Space(vectors, path, exact=1000)
    again.settle()
    assert again._index and again._index._known == 30_000 > first._index._known
    assert [row for row in range(0, 30_000, 100) if again.nearest(vectors[row], 1)[0][0] != row] == []


def test_a_memory_that_grows_past_exact_search_gets_its_index_aside() -> None:
    vectors = clustered(1200)
    space = Space(vectors[:900], exact=1000)
    for late in vectors[900:]:
        space.add(late)
    space.settle()
    assert space._index and agree(Space(vectors), space, vectors[850:950]) >= 0.95


@pytest.mark.parametrize("harm", ["none", "cut", "empty", "other rows", "no facts", "grown"])
def test_a_harmed_cache_is_built_anew(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "cache" / "words.usearch"
    vectors = clustered(3000)
    both(vectors, path)
    assert path.exists(), "what was built is kept at once"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "other rows":
        vectors = np.concatenate([vectors[1:], vectors[:1]])
    elif harm == "no facts":
        path.with_suffix(".json").unlink()
    elif harm == "grown":
        vectors = np.concatenate([vectors, clustered(3001)[-1:]])
    exact, again = both(vectors, path)
    assert again._index and len(again._index._graph) == len(vectors)
    assert all(again.nearest(v, 1)[0][0] == exact.nearest(v, 1)[0][0] for v in vectors[:100])


def test_what_was_forgotten_is_in_no_cache(tmp_path: Path) -> None:
    path = tmp_path / "words.usearch"
    _, space = both(clustered(2000), path)
    space.forget(3)
    assert not path.exists()
    space.save()
    assert not path.exists(), "the graph still has its bits: another is built at the next start"


def test_no_row_of_the_index_is_out_of_reach() -> None:
    vectors = clustered(6000)
    _, space = both(vectors)
    lost = [row for row, v in enumerate(vectors) if space.nearest(v, 1)[0][0] != row]
    assert not lost, f"{len(lost)} memories can never be recalled again"


def test_the_index_is_the_same_each_time() -> None:
    once, again = (both(clustered(3000))[1]._index for _ in range(2))
    assert once and again and once._graph.save() == again._graph.save()
