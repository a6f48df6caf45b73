"""Row 19: the picture goes on by itself, without a seam; words turn it within two chunks, and a bridge ends where it leads."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.messages import Dream, Picture, Touch
from engine.mind.blend import CAP
from engine.mind.carried import SECONDS, Carried, Chunk, Reel, Script, pixels, rgba
from engine.mind.composed import Composed
from engine.mind.mind import Mind
from engine.mind.motion import carry
from engine.mind.options import MindOptions
from engine.mind.replay import replay
from engine.mind.rivals import BOUT, TOUCHED, TURN
from engine.mind.rows.continuation import similarity, small
from engine.show.scene import SCENES, load
from tests.mind.small_mind import options, painter, parts, vector
from tests.rows.sabotage import Sabotage, fails, put

WORDS, OTHER = "a golden moon in the fog", "a red river at night"
RATE = 10  # pictures a second
HOLD = 0.74


def begun(folder: Path) -> Mind:
    return Mind(options(folder, founding=32, keyframe=100.0, think_every=24), parts=parts())


def play(mind: Mind, words: str, since: float, seconds: float) -> list[Picture]:
    return [mind.picture(Dream(words, film=HOLD), since + n / RATE) for n in range(round(seconds * RATE))]


def alike(a: Picture, b: Picture) -> float:
    return similarity(pixels(a.rgba), pixels(b.rgba))


def seams(made: list[Picture]) -> tuple[list[float], list[float]]:
    """How far pictures move from one to the next: where a chunk begins, and inside chunks."""
    found: tuple[list[float], list[float]] = [], []
    for a, b in itertools.pairwise(made):
        found[a.state.chunk == b.state.chunk].append(float(np.sqrt(np.mean((small(a.rgba) - small(b.rgba)) ** 2))))
    return found


def apart(made: list[Picture], lag: int) -> float:
    """Median distance of two pictures so many pictures apart, of 255: what moves is the farther, the longer ago it was."""
    lights = [small(picture.rgba) for picture in made]
    return float(np.median([np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(lights, lights[lag:], strict=False)]))


def reads(mind: Mind, picture: Picture, words: str) -> float:
    """Cosine of what is read in a picture with what words mean."""
    read = mind.parts.read(torch.from_numpy(picture.latent.astype(np.float32)))
    return float(read @ vector(words) / np.linalg.norm(read))


def check(folder: Path) -> None:
    mind = begun(folder / "first")
    made = play(mind, WORDS, 0.0, 7.0)
    first, second, last = made[0], made[1], made[-1]
    assert first.state.continuation == 0.0 and first.rgba[..., :3].std() > 5.0, "no first picture at once"
    assert second.state.chunk == 1 and alike(first, second) >= 0.9, f"the film does not begin with the picture: {alike(first, second):.2f}"
    assert second.state.fidelity == pytest.approx(alike(first, second), abs=0.01), f"published {second.state.fidelity:.3f}, measured {alike(first, second):.3f}"
    assert last.state.chunk == 5 and last.state.continuation == pytest.approx(6.8, abs=0.11), "it does not go on"
    assert all(picture.state.degree >= 2 and picture.state.film for picture in made), "a picture of the first degree"
    step, stride = (apart(made[1:], lag) for lag in (1, round(SECONDS * RATE / 2)))
    assert step <= 0.5 * stride, f"it jumps: one picture is {step:.1f} of 255 from the next, and {stride:.1f} from the one half a chunk later"
    at, inside = seams(made[1:])
    assert max(at) <= np.percentile(inside, 95), f"seams: {max(at):.2f} against {np.percentile(inside, 95):.2f} inside"
    moved = [float(np.abs(small(a.rgba) - small(b.rgba)).mean()) for a, b in zip(made[1::10], made[11::10], strict=False)]
    assert min(moved) > 0.5 and alike(second, last) < 0.9, f"it stands: {min(moved):.2f} of 255 a second"
    chunk = mind.film.chunk
    assert chunk is not None
    first_of, later = chunk.first.pixels, pixels(chunk.picture(0.2)[0])
    near, still = (float((later - where).square().mean()) for where in (carry(first_of, chunk.motion, 0.2 * SECONDS), first_of))
    assert near < 0.8 * still, f"it is not carried by its motion: {near:.1e} from where that leads, {still:.1e} from where it was"

    turned = play(mind, OTHER, 7.0, 2 * SECONDS + 0.2)
    before, after = reads(mind, last, OTHER), reads(mind, turned[-1], OTHER)
    assert after > before + 0.15 and after > reads(mind, turned[-1], WORDS), f"words do not act within two chunks: {before:.2f} to {after:.2f}"
    assert alike(last, turned[0]) >= 0.9, "words are a cut"

    thought = mind.thought
    assert thought is not None
    goal = mind.parts.dreamer.imagine(mind.parts.condition("a white tower at noon"), torch.zeros(mind.parts.dreamer.latent))
    mind.film.bridge((thought.parents, replace(thought.again, latent=goal)), 2)
    bridge = play(mind, OTHER, 10.4, 3 * SECONDS + 0.2)
    arrived = max(similarity(pixels(picture.rgba), pixels(mind.parts.dreamer.decode(goal))) for picture in bridge)
    assert arrived >= 0.85, f"the bridge does not end at its last picture: {arrived:.2f}"

    again = list(replay(begun(folder / "second"), [picture.state for picture in made[:24]]))
    assert all(np.array_equal(a.rgba, b.rgba) for a, b in zip(made, again, strict=False)), "a replay is another film"
    print(f"  measured: SSIM(first, source) {alike(first, second):.3f}; a picture is {step / stride:.2f} as far from the next as from the one half a chunk later; seams {max(at) / np.percentile(inside, 95):.2f} of the 95th percentile inside; "
          f"words read {before:.2f} to {after:.2f} after two chunks; a bridge ends at SSIM {arrived:.2f}; 24 pictures replayed bit by bit")  # fmt: skip


class Cuts(Carried):
    """A source that begins each chunk with a picture of its own."""

    def next_chunk(self, state: Reel, words: Script) -> Chunk:
        return super().next_chunk(replace(state, pixels=state.pixels.flip(2)), words)


class Stands(Carried):
    """A source that gives the same picture for ever."""

    def next_chunk(self, state: Reel, words: Script) -> Chunk:
        return Chunk(state, state, torch.zeros_like(state.motion), torch.zeros_like(words.noise[0]), 0.0)


def test_a_source_with_which_the_row_does_not_hold_is_locked_and_says_why(tmp_path: Path) -> None:
    mind = begun(tmp_path)
    scene = load(SCENES / "sequel.py")
    for source, why in ((Cuts, "does not begin with the last one's picture"), (Stands, "stands"), (Carried, "")):
        mind.film.source, mind.film.locked = source(mind.parts.dreamer), None
        made = play(mind, WORDS, 0.0, 0.3)
        assert why in str(mind.film.locked) and (mind.film.locked == "") == (not why)
        scene.state = made[-1].state
        assert (scene.state.continuation > 0.0) == (scene.wants() > 0.0) == (scene.state.film == "carried") == (not why)
    assert sum("does not go on by itself" in str(news) and "instead" not in str(news) for news in mind.news()) == 2


def test_the_picture_goes_on_by_itself(tmp_path: Path) -> None:
    check(tmp_path)


def test_where_the_crowd_for_the_words_is_painted_meanwhile_the_film_arrives_at_its_picture(tmp_path: Path) -> None:
    mind = begun(tmp_path)
    play(mind, WORDS, 0.0, 0.3)
    mind.thinks, thought = False, mind.thought
    assert thought is not None
    few, all_of_them = (replace(thought, company=replace(thought.company, wanting=wanting)) for wanting in ((1, 2, 3), ()))
    mind.film.forget()
    mind.thought = few
    waits = play(mind, WORDS, 0.3, 2 * SECONDS)
    mind.thought = all_of_them
    arrives = play(mind, WORDS, 0.3 + 2 * SECONDS, 3 * SECONDS)
    settled = play(mind, WORDS, 0.3 + 5 * SECONDS, 2 * SECONDS)
    assert max(picture.state.turned for picture in waits) < 0.5 < max(picture.state.turned for picture in arrives)
    assert settled[-1].state.turned < 0.5, "it arrives once"


CHANCE = torch.Generator().manual_seed(19)


def anywhere(picture: torch.Tensor, motion: torch.Tensor, seconds: float, mode: str = "") -> torch.Tensor:
    return picture.roll(int(torch.randint(1, picture.shape[-1], (1,), generator=CHANCE)), -1)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.rows.continuation.similarity", lambda a, b: 0.5, "constant"),
    put("engine.mind.carried.Chunk.picture", lambda self, part: (rgba(self.first.pixels), self.first.latent), "still"),
    put("engine.mind.carried.carry", anywhere, "chance"),
    put("engine.mind.carried.carry", lambda picture, motion, seconds, mode="": picture, "not carried"),
    put("engine.mind.film.Film.bridge", lambda self, *of: None, "no bridge"),
    put("engine.mind.mind.Mind._continues", property(lambda self: False), "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_continuation_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_two_rivals_continue_one_picture_by_turns_and_whom_people_linger_on_goes_on(tmp_path: Path) -> None:
    mind = begun(tmp_path)
    first, second = sorted(mind.rows.producers.now[:2], key=lambda one: one.id)
    asked = Dream(WORDS, film=HOLD, rivals="producers", autonomy=0.0)
    made = [mind.picture(asked, n / 5) for n in range(75)]
    turns = [(who, len(list(group))) for who, group in itertools.groupby(picture.state.rival for picture in made[1:])]
    assert {who for who, _ in turns} == {first.id, second.id} and len(turns) >= 3, f"no turns: {turns}"
    assert max(seams(made[1:])[0]) <= 1.5 * max(seams(made[1:])[1]), "one rival does not go on from the other's picture"
    mind.ponder(asked, 15.0)
    stayed = [mind.rows.producers.lives[one.id].producer.lingered for one in (first, second)]
    assert min(stayed) > 1.0, f"nobody has lingered on {stayed}"
    mind.rows.producers.linger({second.id: 150.0})
    later = [mind.picture(asked, 15.2 + n / 2).state.rival for n in range(80)]
    assert later.count(second.id) > 2 * later.count(first.id) > 0, "whom people linger on does not go on more often"


def panels(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """(h, w / 2, 3) f32 each: the left one and the right one of two pictures side by side."""
    half = picture.rgba.shape[1] // 2
    return picture.rgba[:, :half, :3].astype(np.float32), picture.rgba[:, half:, :3].astype(np.float32)


def warm(picture: np.ndarray) -> float:
    """How much more red than blue a picture (h, w, 3) is, of 255. The paper under ink is warm."""
    return float((picture[..., 0].astype(np.float32) - picture[..., 2]).mean())


@pytest.mark.parametrize("kind", ["corpora", "models"])
def test_two_rivals_side_by_side_go_on_from_one_picture_each_its_own_way_and_meet_where_people_touch(kind: str, tmp_path: Path) -> None:
    mind = begun(tmp_path)
    asked = Dream(WORDS, film=HOLD, rivals=kind, beside=True, autonomy=0.0)
    made: list[Picture] = []
    for n in range(round((BOUT + 1.5) * SECONDS * RATE)):
        if n == 40:
            mind.touch(Touch(0.9, 0.5))
        made.append(mind.picture(asked, n / RATE))
        if mind.film.shown is not None:
            assert float(mind.film.shown[1].shares.max()) <= CAP + 1e-3, "a memory has more of the wall than it may have of a picture"
    assert alike(made[0], made[1]) >= 0.9, "two pictures do not begin as the one that was there"
    apart_by = [float(np.abs(np.subtract(*panels(picture))).mean()) for picture in made]
    going, met = round((BOUT - 1.2) * SECONDS * RATE), round(BOUT * SECONDS * RATE) + 1
    state = made[going].state
    assert state.beside == 1.0 and [name for name, _ in state.rivals] == {"corpora": ["oil", "ink"], "models": ["small", "composed"]}[kind]
    assert apart_by[going] > 3.0 > 0.5 > apart_by[met], f"they neither part nor meet: {apart_by[going]:.1f} and {apart_by[met]:.2f} of 255 apart"
    assert made[met].state.rival == 2, "whose picture is touched does not go on"
    mind.ponder(asked, len(made) / RATE)
    assert mind.rivalry.worth.get(state.rivals[1][0], 0.0) > 0.99 * TOUCHED > mind.rivalry.worth.get(state.rivals[0][0], 0.0)
    if kind == "corpora":
        oil, ink = (warm(panel) for panel in panels(made[going]))
        assert ink > oil + 5.0, f"the other hand is not seen: {ink:.0f} against {oil:.0f}"
    alone = [mind.picture(replace(asked, rivals="", beside=False), (len(made) + n) / RATE) for n in range(round(3.5 * SECONDS * RATE))]
    assert alone[-1].state.beside == 0.0 and not alone[-1].state.rivals and len(mind.film.strands) == 1
    steps = [apart([a, b], 1) for a, b in itertools.pairwise([*made[1:], *alone])]
    assert max(steps) < 0.6 * apart([made[going], alone[-1]], 1), "two become one by a cut"


def test_two_corpora_by_turns_each_arrive_at_a_picture_of_their_own(tmp_path: Path) -> None:
    mind = begun(tmp_path)
    made = [mind.picture(Dream(WORDS, film=HOLD, rivals="corpora"), n / 5) for n in range(round(4 * TURN * SECONDS * 5))]
    turns = [(who, list(group)) for who, group in itertools.groupby(made[1:], lambda picture: picture.state.rival)]
    last = {who: warm(group[-1].rgba) for who, group in turns[:3] if who}
    assert set(last) == {1, 2} and last[2] > last[1] + 5.0, f"oil and ink: {last}"


def test_where_there_is_one_model_alone_it_goes_on_alone_and_says_so(tmp_path: Path) -> None:
    mind = Mind(options(tmp_path, founding=32, keyframe=100.0, think_every=24), parts=parts(dreamer=Composed(painter())))
    mind.film.locked = ""
    made = [mind.picture(Dream(WORDS, film=HOLD, rivals="models", beside=True), n / RATE) for n in range(8)]
    assert made[-1].state.chunk == 1 and made[-1].state.rivals == () and made[-1].state.beside == 0.0
    assert sum("--rival NAME names another" in str(news) for news in mind.news()) == 1


@pytest.mark.long
def test_ten_minutes_of_the_embedded_model_go_neither_grey_nor_black_nor_soft(tmp_path: Path) -> None:
    mind = Mind(MindOptions(archive=tmp_path, think_every=36, seed=19))
    made = []
    for n in range(600 * 2):
        picture = mind.picture(Dream("a ship in the storm", film=HOLD), n / 2)
        light = picture.rgba[..., :3].astype(np.float32)
        made.append((light.std(), light.mean(), np.abs(np.diff(light, axis=1)).mean(), np.ptp(light.mean((0, 1)))))
    assert picture.state.continuation > 590.0 and picture.state.chunk > 360, "it has not gone on for ten minutes"
    minutes = np.array(made).reshape(10, 120, 4).mean(1)
    print(f"  measured: contrast, light and sharpness of ten minutes, of the first: {(minutes / minutes[0]).min(0)[:3].round(2)} to {(minutes / minutes[0]).max(0)[:3].round(2)}")
    for name, place, least, most in (("contrast", 0, 0.75, 1.25), ("light", 1, 0.75, 1.25), ("sharpness", 2, 0.75, 1.4)):
        course = minutes[:, place] / minutes[0, place]
        assert least <= course.min() and course.max() <= most, f"{name}: {course.round(2)}"
    assert np.abs(minutes[:, 3] - minutes[0, 3]).max() < 12.0, f"colour: {minutes[:, 3].round(1)}"
