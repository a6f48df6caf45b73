"""The mechanism as a whole, on small parts: words in, pictures and what was measured out."""

from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import KINDS, Dream, Returned, Set, Stored, Text, Touch, Trouble, Withdraw
from engine.mind.gap import LEADING
from engine.mind.gathering import FEW
from engine.mind.memory.archive import ArchiveError
from engine.mind.mind import Mind
from engine.mind.night import night
from engine.painter.recipe import Recipe
from tests.mind.small_mind import SIDE, Painter, options, paint, parts

WORDS = "a golden moon over my house at night"


def small(folder: Path, **changes: object) -> Mind:
    return Mind(options(folder, **changes), parts=parts())


def play(mind: Mind, words: str, seconds: float, start: float = 0.0, **forces: object) -> list:
    return [mind.picture(Dream(words, **forces), start + n / 12) for n in range(int(seconds * 12))]


def test_the_same_seed_archive_and_calls_give_the_same_bytes(tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        mind = small(tmp_path / name)
        mind.hear(Text(WORDS, key="k"))
        runs.append([p.rgba.tobytes() for p in play(mind, WORDS, 1.5, key="k")] + [p.rgba.tobytes() for p in play(mind, "", 2, 30.0)])
        mind.close()
    assert runs[0] == runs[1]
    other = small(tmp_path / "c", seed=1)
    assert [p.rgba.tobytes() for p in play(other, WORDS, 1)] != runs[0][:12]


def test_other_words_give_another_picture_that_fits_them(tmp_path: Path) -> None:
    mind = small(tmp_path)
    red = play(mind, "a red moon at night", 3)[-1].rgba[..., :3].mean((0, 1))
    blue = play(mind, "a blue river at noon", 3, 3.0)[-1].rgba[..., :3].mean((0, 1))
    assert blue[2] - blue[0] > 20 and blue[2] > red[2] + 30


def test_a_sentence_is_acknowledged_stored_and_comes_back_changed(tmp_path: Path) -> None:
    mind = small(tmp_path)
    (stored,) = mind.hear(Text(WORDS, key="k", visit="v"))
    assert isinstance(stored, Stored) and stored.key == "k" and stored.code
    assert mind.keeper.archive.count("kind = 1") == 1
    play(mind, WORDS, 1, key="k")
    (returned,) = mind.news()
    assert isinstance(returned, Returned) and returned.key == "k" and returned.visit == "v" and returned.depth == 1
    own = [token.text for token in returned.tokens if not token.ancestor]
    assert own == WORDS.split() and len(returned.tokens) > len(own)
    assert stored.fragment in mind.memory.row, "what was said is remembered, with its picture"


def test_two_visits_with_one_sentence_each_have_their_own_answer_and_their_own_lineage(tmp_path: Path) -> None:
    mind = small(tmp_path)
    one, two = (mind.hear(Text(WORDS, key=key, visit=f"visit {key}"))[0] for key in "ab")
    assert isinstance(one, Stored) and isinstance(two, Stored) and one.fragment != two.fragment and one.code != two.code
    shown = {key: play(mind, WORDS, 0.5, start, key=key)[-1].state for key, start in (("a", 0.0), ("b", 0.5))}
    answers = [(news.key, news.visit) for news in mind.news() if isinstance(news, Returned)]
    assert sorted(answers) == [("a", "visit a"), ("b", "visit b")]
    speakers = {key: mind.keeper.archive.said(key) for key in "ab"}
    assert speakers == {"a": one.fragment, "b": two.fragment}
    ancestors = {key: {ancestor.id: ancestor.share for ancestor in state.lineage.ancestors} for key, state in shown.items()}
    assert ancestors["a"][one.fragment] > 0.02 and two.fragment not in ancestors["a"], "the first picture is the first visit's"
    assert ancestors["b"][two.fragment] > 0.02, "and the second the second's"
    lines = {fragment: list(mind.keeper.line(fragment).ids) for fragment in (one.fragment, two.fragment)}
    assert all(fragment in line for fragment, line in lines.items()) and two.fragment not in lines[one.fragment]


def test_a_thought_is_wanted_anew_as_soon_as_more_of_its_crowd_is_painted(tmp_path: Path) -> None:
    mind, dream = small(tmp_path), Dream("a red moon at night")
    mind.thinks = False
    mind.ponder(dream, 0.0)
    mind.ponder(dream := Dream("a blue river at noon"), 0.1)
    assert mind.thought is not None and len(mind.thought.company.wanting) > FEW and not mind.wanted(dream, 0.2)
    thoughts, before = 1, len(mind.thought.company.ids)
    while mind.gathering.paint(mind.thought):
        if mind.wanted(dream, 0.2):
            mind.ponder(dream, 0.2)
            thoughts += 1
    assert 2 < thoughts < 8 and len(mind.thought.company.ids) > before
    assert not mind.wanted(dream, 0.2), "everybody is there"
    mind.close()


def test_what_one_of_them_takes_back_stays_the_others(tmp_path: Path) -> None:
    mind = small(tmp_path)
    one, two = (mind.hear(Text(WORDS, key=key, visit=key))[0] for key in "ab")
    assert isinstance(one, Stored) and isinstance(two, Stored)
    assert mind.withdraw(Withdraw(one.code)).key == "a"
    assert play(mind, WORDS, 0.5, key="a")[-1].state.words != WORDS, "taken back: nobody asks for it any more"
    shown = play(mind, WORDS, 0.5, 1.0, key="b")[-1].state
    assert shown.words == WORDS and two.fragment in {ancestor.id for ancestor in shown.lineage.ancestors}


def test_whose_words_they_are_is_still_known_after_a_restart(tmp_path: Path) -> None:
    mind = small(tmp_path)
    mind.hear(Text(WORDS, key="k"))
    play(mind, WORDS, 0.5, key="k")
    mind.close()
    again = small(tmp_path)
    shown = play(again, WORDS, 0.5, key="k")[-1].state
    assert again.keeper.archive.said("k") in {ancestor.id for ancestor in shown.lineage.ancestors}


def test_everybody_gets_an_answer_though_the_wall_shows_one(tmp_path: Path) -> None:
    mind = small(tmp_path)
    for number in range(4):
        mind.hear(Text(f"a {('red', 'blue', 'green', 'white')[number]} tower", key=str(number)))
    play(mind, "a white tower", 3)
    assert {news.key for news in mind.news()} == {"0", "1", "2", "3"}


def test_a_restart_forgets_nothing_and_answers_who_still_waits(tmp_path: Path) -> None:
    mind = small(tmp_path)
    mind.hear(Text("a violet tower in the fog", key="waiting", visit="v"))
    before = len(mind.memory)
    mind.close()
    again = small(tmp_path)
    assert len(again.memory) == before and [f.words for f in again.keeper.owed] == ["a violet tower in the fog"]
    play(again, "a red moon", 1)
    assert any(isinstance(news, Returned) and news.key == "waiting" for news in again.news())


def test_founding_memories_are_known_from_the_first_second_and_painted_when_they_are_wanted(tmp_path: Path) -> None:
    mind = small(tmp_path)
    assert len(mind.memory) == 96 and mind.keeper.archive.count() == 0
    assert not any(mind.keeper.recipes.painted(fragment.id) for fragment in mind.memory.fragments)
    mind.picture(Dream("a red moon"), 0.0)
    painted = [fragment for fragment in mind.memory.fragments if mind.keeper.recipes.painted(fragment.id)]
    assert 10 <= len(painted) <= 20 and "a red moon" in " ".join(fragment.words for fragment in painted)
    mind.close()
    assert len(Mind(options(tmp_path / "few", founding=24), parts=parts()).memory) == 24


def test_a_recipe_that_became_a_parent_is_kept_for_good_and_known_after_a_restart(tmp_path: Path) -> None:
    mind = small(tmp_path)
    mind.hear(Text("a violet moon over my house", key="1"))
    mind.picture(Dream("a violet moon over my house", key="1"), 0.0)
    parents = [parent for parent, _ in mind.keeper.archive.parents(1) if parent < 0]
    assert parents and all(mind.keeper.archive.fragment(parent) for parent in parents)
    mind.close()
    again = small(tmp_path)
    assert len({fragment.id for fragment in again.memory.fragments}) == len(again.memory.fragments) == 97
    assert all(again.keeper.latents(parent) is not None for parent in parents), "its picture lies in the archive"


def test_keyframes_are_remembered_and_descend_from_what_they_are_made_of(tmp_path: Path) -> None:
    mind = small(tmp_path, keyframe=2.0)
    play(mind, "a red moon at night", 7)
    machine = [f for f in mind.memory.fragments if f.kind == "machine"]
    assert 2 <= len(machine) <= 4
    line = mind.keeper.line(machine[-1].id)
    assert line.sum == pytest.approx(1, abs=1e-9) and line.depth == machine[-1].depth >= 1
    assert sum(share for _, share in mind.keeper.archive.parents(machine[-1].id)) == pytest.approx(1, abs=0.02)


def test_a_touch_tells_whose_the_place_is(tmp_path: Path) -> None:
    mind = small(tmp_path)
    assert mind.touch(Touch(0.5, 0.5)).ancestors == ()
    picture = play(mind, "a red moon at night", 1)[-1]
    told = [mind.touch(Touch(x, y, visit="v")) for x, y in ((0.1, 0.1), (0.9, 0.9), (1.0, 0.0), (-3.0, 9.0))]
    assert all(one.ancestors and one.visit == "v" for one in told)
    assert len({tuple(a.id for a in one.ancestors) for one in told}) > 1, "places differ"
    rows, cols = picture.shares.shape[1:]
    at = {a.id: n for n, a in enumerate(picture.state.lineage.ancestors)}
    for ancestor in told[0].ancestors:
        assert ancestor.share == pytest.approx(float(picture.shares[at[ancestor.id], rows // 10, cols // 10]), abs=1e-3)


def test_shares_of_a_picture_and_its_maps_agree(tmp_path: Path) -> None:
    picture = play(small(tmp_path), "a red moon at night", 1)[-1]
    lineage = picture.state.lineage
    assert sum(a.share for a in lineage.ancestors) + lineage.rest == pytest.approx(1, abs=1e-5)
    assert picture.shares.astype(float).mean((1, 2)) == pytest.approx([a.share for a in lineage.ancestors], abs=2e-3)
    assert all(len(a.voice) == 16 and max(map(abs, a.voice)) <= 1 for a in lineage.ancestors)


def test_alike_memories_sound_alike(tmp_path: Path) -> None:
    mind = small(tmp_path)
    voice = {f.words: np.array(mind.measuring.kin.voice(f.id)) for f in mind.memory.fragments}
    names = list(voice)
    same = [np.linalg.norm(voice[a] - voice[b]) for a in names for b in names if a < b and a.split()[1:] == b.split()[1:]]
    alike = [np.linalg.norm(voice[a] - voice[b]) for a in names for b in names if a < b and a.split(" ", 2)[1:2] + a.split(" ")[3:] == b.split(" ", 2)[1:2] + b.split(" ")[3:]]
    unlike = [np.linalg.norm(voice[a] - voice[b]) for a in names for b in names if a < b and not set(a.split()[1:]) & set(b.split()[1:])]
    assert np.mean(alike or same) < 0.8 * np.mean(unlike)


def test_the_stream_flows_without_cuts_freezing_gathering_contrast_or_going_grey(tmp_path: Path) -> None:
    mind = small(tmp_path)
    pictures = play(mind, "a red moon at night", 20, feedback=0.7)
    pictures += play(mind, "a green river at noon", 20, 20.0, feedback=0.7)
    latents = np.stack([p.latent.astype(np.float32) for p in pictures])
    steps = np.sqrt(np.square(np.diff(latents, axis=0)).mean((1, 2, 3)))
    spread = latents.std((2, 3)).mean(1)
    assert steps.max() < 0.25 * np.abs(latents[-1] - latents[200]).max(), "no cut, though the words change"
    assert steps[100:].min() > 1e-3, "it never freezes"
    assert 0.5 < spread[230:].mean() / spread[5:30].mean() < 2.0, "neither grey nor ever harder"
    assert spread[400:].max() < 1.5 * spread[400:].min()


def test_withdrawn_words_are_nobodys_and_the_mind_goes_on_alone(tmp_path: Path) -> None:
    mind = small(tmp_path)
    (stored,) = mind.hear(Text(WORDS, key="k"))
    assert isinstance(stored, Stored)
    play(mind, WORDS, 1, key="k")
    assert mind.withdraw(Withdraw("zzzzzzzzzz")).found is False
    assert mind.withdraw(Withdraw(stored.code)).found is True
    after = play(mind, WORDS, 1, 1.0, key="k")[-1]
    assert after.state.words != WORDS and stored.fragment not in mind.memory.row
    assert mind.withdraw(Withdraw(stored.code)).found is True, "whoever asks again, because no answer came, gets the same"
    assert stored.fragment not in {a.id for a in after.state.lineage.ancestors}


def test_a_full_disk_is_a_trouble_and_not_the_end(tmp_path: Path) -> None:
    mind = small(tmp_path, keyframe=0.5)
    play(mind, "a red moon", 0.5)
    mind.keeper.archive._base.execute("PRAGMA query_only=ON")  # what a full disk or a read-only one answers
    *_, news = mind.hear(Text(WORDS, key="k"))
    assert isinstance(news, Trouble) and "could not be stored" in news.what
    pictures = play(mind, "a blue river", 3, 1.0)
    troubles = [news for news in mind.news() if isinstance(news, Trouble)]
    assert len(pictures) == 36 and len(troubles) == 1, "it plays on and says so once"
    mind.keeper.archive._base.execute("PRAGMA query_only=OFF")
    assert isinstance(mind.hear(Text(WORDS, key="k"))[0], Stored)


def test_two_minds_cannot_have_one_archive(tmp_path: Path) -> None:
    mind = small(tmp_path)
    with pytest.raises(ArchiveError, match="in use by a show"):
        small(tmp_path)
    mind.close()
    small(tmp_path).close()


def test_parameters_that_are_the_minds_are_heard_and_others_left_alone(tmp_path: Path) -> None:
    mind = small(tmp_path)
    mind.set(Set("/hm/kinds/founding", (False,)))
    assert not mind.memory.words.alive.any()
    mind.set(Set("/hm/kinds/founding", (True,)))
    mind.set(Set("/hm/sound/gain", (0.5,)))
    mind.set(Set("/hm/seed", (3,)))
    assert mind.memory.words.alive.any()


def test_a_disk_that_refuses_an_erasure_is_asked_again_and_nothing_is_shown_meanwhile(tmp_path: Path) -> None:
    mind = small(tmp_path)
    (stored,) = mind.hear(Text(WORDS, key="k"))
    assert isinstance(stored, Stored)
    play(mind, WORDS, 1, key="k")
    mind.keeper.archive._base.execute("PRAGMA query_only=ON")
    assert mind.withdraw(Withdraw(stored.code)).found and stored.fragment not in mind.memory.row
    assert mind.keeper.unsettled and any("lies on the disk" in news.what for news in mind.news() if isinstance(news, Trouble))
    assert mind.withdraw(Withdraw(stored.code)).found, "a retry is not told that nobody was given this code"
    mind.keeper.archive._base.execute("PRAGMA query_only=OFF")
    mind.remembering.tried = 0.0
    mind.news()
    found = mind.keeper.archive.fragment(stored.fragment)
    assert not mind.keeper.unsettled and found and found.state == 1 and found.words == ""


def test_a_picture_darkens_when_it_is_repeated_and_not_while_it_is_new(tmp_path: Path) -> None:
    mind = small(tmp_path, keyframe=2.0)
    for n, words in enumerate(("a blue moon", "a golden river", "a white tower", "a green mountain")):
        play(mind, words, 5, 5.0 * n)
    fresh = [p.state.light for p in play(mind, "a violet river in the fog under a red tower", 5, 20.0)]
    play(mind, "a white tower", 5, 25.0)
    again = [p.state.light for p in play(mind, "a violet river in the fog under a red tower", 5, 30.0)]
    assert np.mean(again) < 0.85 * np.mean(fresh), "what was seen before is as bright as what is new"
    assert min(again) < min(fresh), "until it has been dreamt anew, which is new, it is darker than anything was"


def test_the_contact_sheet_shows_words_hidden_picture_memories_and_second_pictures(tmp_path: Path) -> None:
    from engine.mind.sheet import CAPTION, row, sheet

    mind = small(tmp_path)
    cells = row(mind, "a red moon at night")
    assert len(cells) == 7 and cells[0][1] == "a red moon at night" and "beta 1" in cells[-1][1]
    assert np.abs(cells[4][0].astype(float) - cells[6][0]).mean() > 1, "beta 0 looks like beta 1"
    assert sheet(mind, ("a red moon", "a river")).size == (7 * 64, 2 * (64 + CAPTION))


def test_a_night_copies_compacts_and_the_mind_goes_on(tmp_path: Path) -> None:
    import datetime

    mind = small(tmp_path, keyframe=0.3)
    play(mind, "a red moon at night", 6)
    before, mass = len(mind.memory.row), mind.keeper.archive.mass
    later = datetime.date.today() + datetime.timedelta(days=60)
    mind.keeper.archive.calendar = lambda: later
    merged = night(mind.keeper, mind.rows)
    assert (tmp_path / "snapshots" / f"{later.isoformat()}.sqlite").exists()
    assert merged > 0 and len(mind.memory.row) == before - merged and mind.keeper.archive.mass == mass
    assert play(mind, "a red moon at night", 1, 10.0)[-1].state.lineage.ancestors


def test_somebody_who_waits_is_thought_before_what_can_be_remembered_later(tmp_path: Path) -> None:
    """A keyframe had up to 64 parents, most of them not painted: 3.7 s in which nobody's words were thought."""
    mind = small(tmp_path, keyframe=0.0)
    mind.thinks = False
    try:
        mind.ponder(Dream("the sea"), 0.0)
        mind.picture(Dream("the sea"), 0.1)
        before = mind.keeper.archive.count(f"kind = {KINDS.index('machine')}")
        mind.ponder(Dream("the sea"), 1.0, waits=lambda: True)
        assert mind.keeper.archive.count(f"kind = {KINDS.index('machine')}") == before, "somebody waits: not now"
        mind.ponder(Dream("the sea"), 2.0)
        assert mind.keeper.archive.count(f"kind = {KINDS.index('machine')}") == before + 1
        shares = mind.thought.parentage() if mind.thought else {}
        assert len(shares) <= len(mind.thought.parents if mind.thought else ()) + LEADING + 1 and abs(sum(shares.values()) - 1) < 1e-9
        mind.hear(Text("a red boat", key="boat"))
        mind.ponder(Dream("the sea"), 3.0, waits=lambda: True)
        assert not [one for one in mind.news() if isinstance(one, Returned)] and len(mind.keeper.owed) == 1, "still owed"
        mind.ponder(Dream("the sea"), 4.0)
        assert [one.key for one in mind.news() if isinstance(one, Returned)] == ["boat"]
    finally:
        mind.close()


def test_a_picture_that_is_kept_on_the_wall_for_another_does_not_say_what_was_taken_back(tmp_path: Path) -> None:
    mind = small(tmp_path)
    (stored,) = mind.hear(Text(WORDS, key="k"))
    assert isinstance(stored, Stored) and play(mind, WORDS, 1, key="k")[-1].state.words == WORDS
    assert mind.withdraw(Withdraw(stored.code)).found
    kept = mind._withheld(Dream(""), "", 1.1).state
    assert WORDS not in (kept.words, kept.caption, *kept.readback)
    mind.close()


def test_memories_keep_their_size_while_the_contract_makes_pictures_smaller(tmp_path: Path) -> None:
    dreamer, asked = Painter(), list[tuple[int, int]]()

    def look(recipe: Recipe, size: tuple[int, int]) -> np.ndarray:
        asked.append(size)
        return paint(recipe, size)

    mind = Mind(options(tmp_path, founding=24), parts=parts(dreamer=dreamer, paint=look))
    mind.keeper.recipes.paint(-1)
    dreamer.size = (SIDE // 2, SIDE // 2)  # as a model is after `lower`
    mind.keeper.recipes.paint(-2)
    assert asked == [(SIDE, SIDE)] * 2, "or no crowd could lie over one another: each thought failed, and the room was started anew"
    mind.close()


def test_a_sentence_that_never_had_the_wall_has_a_picture_of_its_own(tmp_path: Path) -> None:
    """In a live room it had a copy of what was on the wall: nobody of its own crowd was painted, so those who were there stayed."""
    mind = Mind(options(tmp_path), parts=parts())
    mind.live()
    wall = Dream("a red moon at night", key="k" * 12)
    mind.hear(Text(wall.words, key=wall.key, person="first"))
    mind.ponder(wall, 0.0)
    while mind.gathering.paint(mind.thought):
        pass
    mind.hear(Text("a blue river at noon", key="b" * 12, person="second"))
    while len(mind.keeper.owed):
        mind.ponder(wall, 9.0)
    archive = mind.keeper.archive
    said = [found.words for one, _ in archive.parents(archive.said("b" * 12)) if (found := archive.fragment(one)) and one != archive.said("b" * 12)]
    assert len(said) > 3 and sum("blue" in words or "river" in words or "noon" in words for words in said) > len(said) / 2, said
    mind.close()
