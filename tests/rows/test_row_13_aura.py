"""Row 13: no picture twice. What has been is withheld and dreamt anew; the place and the hour are in the seed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.messages import Dream
from engine.mind.memory.past import FARTHEST, Past, apart, bits, fingerprint
from engine.mind.mind import Mind
from engine.mind.rows.aura import ALIKE, PASSAGE, PATIENCE, SAME, Aura, seed
from tests.mind.small_mind import CAPTIONS, Painter, options, painted, painter, parts
from tests.rows.sabotage import Sabotage, fails, put

CHANCE = np.random.default_rng(0)


class Always(Painter):
    """A dreamer that returns one picture, whatever is said."""

    def __init__(self) -> None:
        self.__dict__ |= painter().__dict__

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        return self.encode(painted(CAPTIONS[0]).permute(1, 2, 0).numpy())


def rgb(number: int) -> np.ndarray:
    """A painting of the small painter, (h, w, 3) u8, finer than its latents."""
    return painted(CAPTIONS[number % len(CAPTIONS)], number).permute(1, 2, 0).numpy()


def check(folder: Path) -> None:
    # a generator that always returns one picture: the wall withholds it
    mind = Mind(options(folder / "always", founding=24, keyframe=0.5, think_every=1), parts=parts(dreamer=Always()))
    first = [mind.picture(Dream("a red moon"), number / 2) for number in range(20)]
    assert all(picture.rgba[..., :3].any() for picture in first) and first[-1].state.withheld == 0, "a picture that stays is its own past"
    then = [mind.picture(Dream("the sea"), 10 + number) for number in range(12)]
    late = [picture for picture in then if picture.state.time > 10 + PASSAGE]
    assert then[-1].state.withheld >= 4 and not any(picture.rgba[..., :3].any() for picture in then[-4:]), "what has been is on the wall"
    assert len(late) < len(then) and then[-1].state.aura < ALIKE / FARTHEST, f"aura {then[-1].state.aura:.2f} of a picture that has been"

    # one that has something to say is not withheld, and each is far from all before
    past = Past((number + 1, fingerprint(rgb(number))) for number in range(60))
    new = Aura(past)
    new._began = (len(past), len(past), 0.0)
    seen = [new.look(np.random.default_rng(number).integers(0, 255, (64, 64, 4)).astype(np.uint8), 99.0) for number in range(20)]
    assert all(seen) and 0.3 < new.value < 0.6, f"what has never been is withheld: {seen}, {new.value:.2f}"
    noise = np.random.default_rng(1).normal(0, 4, (64, 64, 3))
    aura = new.value
    again = [new.look(np.clip(rgb(number) + noise, 0, 255).astype(np.uint8), 99.0) for number in range(0, 60, 4)]
    assert not any(again), f"what has been is not known again under noise: {again}"
    assert len({seed(head, site, tick, words) for head in (b"", b"x") for site in ("here", "there") for tick in (1, 2) for words in ("a", "b")}) == 16
    print(f"  measured: {then[-1].state.withheld} of 12 pictures withheld, {new.withheld} of 35 known again, aura of the new {aura:.2f}")


def test_what_has_been_is_withheld(tmp_path: Path) -> None:
    check(tmp_path)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.rows.aura.fingerprint", lambda rgb: fingerprint(np.zeros((8, 8, 3), np.uint8)), "constant"),
    put("engine.mind.rows.aura.fingerprint", lambda rgb: fingerprint(CHANCE.integers(0, 255, (64, 64, 3)).astype(np.uint8)), "chance"),
    put("engine.mind.rows.aura.ALIKE", 0, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_aura_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_in_between_looks_nothing_near_is_overlooked() -> None:
    """The stream moves bit by bit towards a kept picture: it is found when it comes under ALIKE, though the past is not looked through each time."""
    draw = np.random.default_rng(3)
    kept = draw.integers(0, 2**63, (4, 200_000), dtype=np.uint64) | (draw.integers(0, 2, (4, 200_000), dtype=np.uint64) << np.uint64(63))
    past = Past()
    past._words, past._count = kept, kept.shape[1]
    goal, at = kept[:, 123_456], draw.integers(0, 2**63, 4, dtype=np.uint64)
    aura = Aura(past)
    for word in range(4):
        for bit in range(0, 64, 2):
            at[word] = (at[word] & ~np.uint64(3 << bit)) | (goal[word] & np.uint64(3 << bit))
            hash = at.copy()
            fresh = aura.take(hash, len(past))
            assert fresh == (int(past.distances(hash, len(past)).min()) >= ALIKE)
    assert not fresh and aura.distance == 0


def test_hashes_of_before_are_left_alone_and_what_is_taken_back_has_not_been() -> None:
    past = Past([(1, bytes(32)), (2, fingerprint(rgb(0)))])
    hash = bits(fingerprint(rgb(0)))
    assert past.unread == [1] and len(past) == 1 and hash is not None and past.distances(hash, 1)[0] == 0
    past.forget(2)
    assert past.distances(hash, 1)[0] == FARTHEST and not past.at(np.array([0])).any()
    assert apart(hash, hash) == 0


def test_what_is_only_alike_is_withheld_for_some_seconds_and_what_is_the_same_for_good() -> None:
    """The same words have the same crowd: a wall was dark for 78 seconds because its pictures were like those of an hour ago."""
    kept = np.clip(rgb(3) + np.random.default_rng(1).normal(0, 12, (64, 64, 3)), 0, 255).astype(np.uint8)
    hash, other = bits(fingerprint(rgb(3))), bits(fingerprint(kept))
    assert hash is not None and other is not None and SAME <= apart(hash, other) < ALIKE
    aura = Aura(Past([(1, fingerprint(kept)), (2, fingerprint(rgb(7)))]))
    aura._began = (2, 2, 0.0)
    alike = [aura.look(rgb(3), 50.0 + number / 4) for number in range(40)]
    assert not any(alike[: int(4 * PATIENCE)]) and all(alike[int(4 * PATIENCE) + 1 :]), "once let through, it is not taken away again"
    aura.words(70.0)
    assert not aura.look(rgb(3), 70.0 + PASSAGE), "other words begin anew"
    same = [aura.look(rgb(7), 80.0 + number / 4) for number in range(40)]
    assert not any(same)


def test_a_mind_that_starts_again_takes_what_was_kept_of_the_words_on_the_wall_for_no_past(tmp_path: Path) -> None:
    """It goes on with the picture that it died with: a wall was dark for seconds after each restart, and its light was rank 0."""
    def mind() -> Mind:
        return Mind(options(tmp_path, founding=24, keyframe=0.5, think_every=1), parts=parts(dreamer=Always()))

    words = Dream("a red moon", key="k1")
    first = mind()
    last = [first.picture(words, number / 2) for number in range(20)][-1]
    first.close()
    assert last.state.kept > 5
    second = mind()
    second.resume(last.state.seed, last.state.time, torch.from_numpy(last.latent.astype(np.float32)), last.state.words, last.state.kept)
    then = [second.picture(words, 10 + number) for number in range(16)]
    assert all(picture.rgba[..., :3].any() for picture in then) and then[-1].state.withheld == 0
    assert then[0].state.light == pytest.approx(last.state.light, abs=0.3) and then[-1].state.kept > last.state.kept
    other = [second.picture(Dream("the sea", key="k2"), 30 + number) for number in range(12)]
    assert other[-1].state.withheld >= 4, "for other words it is past"
    second.close()


def test_a_picture_that_was_let_through_as_alike_stays_on_the_wall_when_other_words_come() -> None:
    """Who says what was said before is shown what is alike; who speaks next is no reason for dark meanwhile."""
    kept = np.clip(rgb(3) + np.random.default_rng(1).normal(0, 12, (64, 64, 3)), 0, 255).astype(np.uint8)
    aura = Aura(Past([(1, fingerprint(kept)), (2, fingerprint(rgb(7)))]))
    aura._began = (2, 2, 0.0)
    assert any(aura.look(rgb(3), 50.0 + number / 4) for number in range(20)), "let through after some seconds"
    aura.words(60.0)
    assert not aura.look(rgb(7), 60.5) and aura.holds(60.5), "the wall keeps what it shows while the next is dreamt anew"
    aura._shown = bits(fingerprint(rgb(7)))
    assert not aura.holds(60.5), "one that has been is not kept"
