"""Row 18: producers of objects are born, breed and die by what people linger on; their line stays."""

from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import GENES, Dream, Producer, Set
from engine.mind.memory.archive import Archive
from engine.mind.mind import Mind
from engine.mind.rows.producers import ALIVE, BREED, TURN, Producers, main, tree
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put


def evening(folder: Path, liked: int, turns: int = 25 * BREED, seed: int = 5) -> Producers:
    """People stay while producers with a high gene `liked` are at work, and leave the others alone."""
    population = Producers(Archive(folder), seed)
    for turn in range(turns):
        for second in range(0, int(TURN), 4):
            there = population.at_work.genome[liked] if population.at_work.genome else 0.0
            population.take(turn * TURN + second, 1.0 - there**2)
    return population


def check(folder: Path) -> None:
    warmth = GENES.index("warmth")
    population = evening(folder / "evening", warmth)
    lives = population.lives
    born = [life.producer for life in lives.values() if life.producer.generation]
    assert len(population.alive) == ALIVE and len(born) >= 20, f"{len(population.alive)} alive, {len(born)} were born"
    for child in born:
        pair = [lives[parent].producer.genome for parent in child.parents]
        near = [min(abs(gene - one[k]) for one in pair) for k, gene in enumerate(child.genome)]
        both = [k for k in range(len(GENES)) if abs(pair[0][k] - pair[1][k]) > 0.3]
        assert max(near) < 0.45 and float(np.mean(near)) < 0.15, f"{child.id} has genes of neither parent: {near}"
        assert child.parents[0] != child.parents[1] and child.generation == 1 + max(lives[p].producer.generation for p in child.parents)
        assert len(both) < 6 or len({abs(child.genome[k] - pair[0][k]) < abs(child.genome[k] - pair[1][k]) for k in both}) == 2, f"{child.id} is a copy"
    first = np.mean([life.producer.genome[warmth] for life in lives.values() if not life.producer.generation])
    last = np.mean([one.genome[warmth] for one in population.alive])
    assert last > first + 0.15, f"what people linger on is not bred: {first:.2f} at first, {last:.2f} at last"

    parent = next(one for one in population.alive if any(one.id in child.parents for child in population.alive))
    children = [one for one in population.alive if parent.id in one.parents]
    population.kill(parent.id)
    population.keep()
    kept = Producers(Archive(folder / "evening"), 5)
    assert kept.lives[parent.id].died >= 0 and all(kept.lives[one.id].producer.parents == one.parents for one in children), "the dead lose their line"
    printed = "\n".join(tree(kept.lives))
    assert f"{parent.id}: " in printed and len(printed.splitlines()) == len(kept.lives)

    mind = Mind(options(folder / "mind", founding=24, keyframe=1e9, think_every=1), parts=parts())
    led = mind.picture(Dream("a red moon", beta=0.25, producers=1.0), 10.0)
    at_work = led.state.producers[0]
    assert at_work.id == mind.rows.producers.at_work.id and led.state.dream.producers == 1.0
    assert led.state.beta == pytest.approx(0.9 * at_work.gene("beta")), f"a producer leads nothing: beta {led.state.beta}"
    noise = mind.stream.walk.at(10.0)
    alone, turned = (mind.think("a red moon", 0, (), Dream("a red moon", beta=0.0, producers=part), noise) for part in (0.0, 1.0))
    assert float((alone.condition - turned.condition).abs().max()) > 1e-3, "a producer has no taste"
    number = led.state.producers[0].id
    mind.set(Set("/hm/producers/kill", (number,)))
    assert mind.picture(Dream("a red moon"), 30.0).state.producers[0].id != number
    print(f"  measured: {len(born)} born in {25 * BREED} turns; the gene that people linger on went from {first:.2f} to {last:.2f}")


def test_producers_breed_by_what_people_linger_on(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


def anybody(one: Producer, other: Producer, number: int, draw: np.random.Generator) -> Producer:
    genome = tuple(float(gene) for gene in CHANCE.random(len(GENES)))
    return Producer(number, genome, (one.id, other.id), 1 + max(one.generation, other.generation))


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.rows.producers.bred", lambda one, other, number, draw: Producer(number, one.genome, (one.id, other.id), 1 + max(one.generation, other.generation)), "constant"),
    put("engine.mind.rows.producers.bred", anybody, "chance"),
    put("engine.mind.rows.producers.Producers.lead", lambda self, dream: dream, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_sabotaged_breeding_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_the_tree_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evening(tmp_path, 0, 3 * BREED).keep()
    assert main(["--archive", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "generation 0" in told and "generation 1" in told and "warmth" in told
    assert main(["--archive", str(tmp_path / "nowhere")]) == 1
    assert "no archive is there" in capsys.readouterr().err
