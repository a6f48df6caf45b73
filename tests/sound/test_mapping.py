"""Every mapping has a cause that can be seen and an effect that can be heard."""

from __future__ import annotations

import numpy as np
import pytest

from engine.bench.sound import two_minutes
from engine.core.messages import Ancestor, Grain, Keystroke, Lineage, State
from engine.sound import mapping
from engine.sound.measure import k_weighted, loudness, true_peak
from engine.sound.murmur import Murmur

VOICES = tuple(Ancestor(k + 1, 0.4 * 0.6**k, x=0.1 * k) for k in range(6))


def listen(state: State, seconds: float = 60.0, flow: float = 0.0, seed: int = 1) -> list[Grain]:
    murmur = Murmur(seed)
    return [g for tick in range(int(seconds * 60)) for g in murmur.grains(tick / 60, 1 / 60, state, flow)]


def pairs(grains: list[Grain]) -> list[tuple[Grain, Grain]]:
    """The two streams: each voice for the words with the one for the picture."""
    voices = [g for g in grains if g.source > 0 and abs(g.rate) == 1.0]
    return list(zip(voices[::2], voices[1::2], strict=False))


def test_stillness_is_near_silence_and_motion_is_density() -> None:
    counts = [len(listen(State(motion=m, lineage=Lineage(VOICES)))) for m in (0.0, 0.3, 1.0, 3.0)]
    assert counts == sorted(counts) and counts[-1] > 4 * counts[0]
    assert counts[0] < 2.5 * 60


def test_one_grows_used_to_a_motion_but_not_to_stillness() -> None:
    slow, fast = (State(motion=m, lineage=Lineage(VOICES)) for m in (1.0, 6.0))
    early, late = (len([g for g in listen(fast, 240.0) if low <= g.time < low + 40]) for low in (0, 200))
    usual = len([g for g in listen(slow, 240.0) if 200 <= g.time < 240])
    assert early > 1.2 * late and late < 1.3 * usual
    still = [g for g in listen(State(motion=0.0, lineage=Lineage(VOICES)), 240.0) if g.time > 200]
    assert len(still) < 2.5 * 40


def test_agreement_is_unison_and_the_gap_is_roughness_and_desynchrony() -> None:
    agreed = pairs(listen(State(gap=0.0, motion=1.0, lineage=Lineage(VOICES))))
    assert agreed and all(a.time == b.time and a.detune == b.detune and a.position == b.position for a, b in agreed)
    late, rough = [], []
    for gap in (0.1, 0.4, 0.9):
        found = pairs(listen(State(gap=gap, motion=1.0, lineage=Lineage(VOICES))))
        late.append(np.mean([b.time - a.time for a, b in found]))
        rough.append(np.mean([b.detune - a.detune for a, b in found]))
    assert late == sorted(late) and late[0] > 0.0 and rough == sorted(rough) and rough[0] > 0.0


def test_the_gap_turns_the_pictures_memory_backwards_and_never_the_words() -> None:
    found = [pairs(listen(State(gap=gap, motion=1.0, lineage=Lineage(VOICES)), 120.0)) for gap in (0.0, 0.4, 1.0)]
    assert all(a.rate == 1.0 for both in found for a, _ in both)
    backwards = [float(np.mean([b.rate < 0.0 for _, b in both])) for both in found]
    assert backwards[0] == 0.0 < backwards[1] < backwards[2] < 0.9


def test_every_new_sentence_puts_the_same_memories_over_another_ground() -> None:
    murmur, grounds, voices = Murmur(1), [], []
    for second, words in enumerate(["", "the sea", "the sea", "a room", "a fire", "a fire", "snow"] * 10):
        state = State(words=words or "the sea", motion=1.0, lineage=Lineage(VOICES))
        for tick in range(60):
            for grain in murmur.grains(second + tick / 60, 1 / 60, state):
                (voices if grain.source else grounds).append((words, grain))
    low = {round(g.detune % 12.0, 2) for _, g in grounds}
    assert low == {round(mapping.ground(k) % 12.0, 2) for k in range(4)} and len(low) == 3
    first = [round(g.detune % 12.0, 2) for _, g in grounds[:3]]
    assert first == [0.0, 0.0, 0.0], "the first words are the ground"
    assert all(abs(g.detune) < 0.1 for _, g in voices), "memories keep their pitches"


def test_displacement_hangs_the_memories_under_the_pictures_pitches() -> None:
    found = [
        pairs(listen(State(displacement=d, motion=1.0, lineage=Lineage(VOICES))))[0][0].detune for d in (0, 0.3, 0.6)
    ]
    assert found[0] == 0.0 and found[0] > found[1] > found[2]


def test_shares_choose_who_sounds_and_how_loud() -> None:
    grains = [g for g in listen(State(motion=2.0, lineage=Lineage(VOICES)), 240.0) if g.source > 0]
    counts = [sum(g.source == voice.id for g in grains) for voice in VOICES]
    assert counts == sorted(counts, reverse=True) and counts[-1] > 0
    assert mapping.chorus(Lineage(VOICES))[0][1] == 1.0
    energy = np.array([sum(g.gain**2 * g.duration for g in grains if g.source == voice.id) for voice in VOICES])
    shares = np.array([voice.share for voice in VOICES])
    assert np.abs(energy / energy.sum() - shares / shares.sum()).max() < 0.04  # as much of the sound as of the picture
    gone = tuple(voice for voice in VOICES if voice.id != 1)
    assert not any(g.source == 1 for g in listen(State(motion=2.0, lineage=Lineage(gone))))


def test_depth_makes_grains_shorter_and_more() -> None:
    def voices(depth: int) -> list[Grain]:
        return [g for g in listen(State(motion=1.0, lineage=Lineage(VOICES, depth=depth))) if g.source > 0]

    shallow, deep = voices(0), voices(9)
    assert np.mean([g.duration for g in deep]) < 0.4 * np.mean([g.duration for g in shallow])
    assert len(deep) > 1.5 * len(shallow)


def test_standardisation_is_heard_as_unison() -> None:
    grains = [g for g in listen(State(motion=1.0, standard=1.0, gap=0.0, displacement=0.5, lineage=Lineage(VOICES)))]
    voices = [g for g in grains if g.source > 0 and g.rate == 1.0]
    assert {g.source for g in voices} == {1}
    assert {round(g.detune, 9) for g in voices} == {0.0} and {round(g.pan, 9) for g in voices} == {0.0}
    free = [g for g in listen(State(motion=1.0, lineage=Lineage(VOICES))) if g.source > 0]
    assert len({g.source for g in free}) > 3 and np.std([g.pan for g in free]) > 0.1


def test_novelty_is_level() -> None:
    levels = [
        max(g.gain for g in listen(State(motion=1.0, light=light, lineage=Lineage(VOICES)))) for light in (0, 0.5, 1)
    ]
    assert levels == sorted(levels) and levels[2] > 2.5 * levels[0]  # 10 dB, less what breath and chance do


@pytest.mark.parametrize(("x", "y"), [(0.1, 0.2), (0.5, 0.5), (0.9, 0.7)])
def test_what_stands_out_in_the_picture_is_where_its_sound_comes_from(x: float, y: float) -> None:
    latent = np.random.default_rng(0).standard_normal((4, 32, 32)) * 0.1
    column, row = round(x * 31), round(y * 31)
    latent[:, max(0, row - 2) : row + 3, max(0, column - 2) : column + 3] += 3.0
    found = mapping.salient(latent)
    assert abs(found[0] - x) < 0.06 and abs(found[1] - y) < 0.06
    murmur = Murmur(1)
    murmur.look(*found)
    state = State(standard=1.0)
    bed = [
        g for tick in range(600) for g in murmur.grains(tick / 60, 1 / 60, state) if g.source == 0 and g.duration > 1.8
    ]
    assert np.mean([g.pan for g in bed]) == pytest.approx(mapping.azimuth(found[0]), abs=0.03)


def test_unless_told_otherwise_the_bed_comes_from_where_the_largest_share_lies() -> None:
    left = Lineage((Ancestor(1, 0.9, x=0.1, y=0.5), Ancestor(2, 0.1, x=0.9, y=0.5)))
    assert mapping.middle(left)[0] < 0.15 and mapping.middle(Lineage()) == (0.5, 0.5)
    bed = [g for g in listen(State(standard=1.0, lineage=left)) if g.source == 0]
    assert np.mean([g.pan for g in bed]) == pytest.approx(-0.4, abs=0.06)


def test_a_sentence_is_one_knock_at_once_and_then_a_beat_for_every_word() -> None:
    words = "the sea at night, and nobody is there"
    grains = list(mapping.sentence(words, 10.0, State(lineage=Lineage(VOICES))))
    assert grains[0].time == 10.0 and grains[0].source == mapping.TICK and grains[0].prompt
    assert all(g.time >= 10.0 + mapping.AHEAD for g in grains[1:])
    beats = [g.time for g in grains[1:]]
    assert len(beats) == 8 and beats == sorted(beats) and beats[0] > 10.1
    gaps = np.diff(beats)
    assert gaps.argmax() == 3  # the comma breathes
    assert len(set(np.round(gaps, 3))) > 2  # a rhythm, not a metronome


def test_other_sentences_have_other_rhythms() -> None:
    assert mapping.rhythm("une ville en feu") != mapping.rhythm("the sea at night")
    assert mapping.rhythm("") == [] and mapping.rhythm("... !?") == []
    assert len(mapping.rhythm("海 夜 море")) == 3


def test_a_key_is_heard_and_its_deletion_is_heard_backwards() -> None:
    lineage = Lineage(VOICES)
    plain, rare = mapping.keystroke(Keystroke(1.0), 1.0, lineage), mapping.keystroke(Keystroke(8.0), 1.0, lineage)
    assert rare.cutoff > 2 * plain.cutoff and rare.gain > plain.gain
    assert mapping.keystroke(Keystroke(2.0, deleted=True), 1.0, lineage).rate < 0.0
    counts = [len(listen(State(lineage=Lineage(VOICES)), flow=flow)) for flow in (0.0, 10.0, 40.0)]
    assert counts == sorted(counts) and counts[2] > 2 * counts[0]


def test_the_same_ticks_and_states_give_the_same_grains() -> None:
    state = State(motion=1.0, gap=0.4, lineage=Lineage(VOICES))
    assert listen(state, 5.0) == listen(state, 5.0)
    assert listen(state, 5.0) != listen(state, 5.0, seed=2)


@pytest.mark.parametrize("state", [State(), State(motion=1e9, gap=9.0, displacement=9.0, light=-3.0, standard=2.0)])
def test_no_state_makes_an_impossible_grain_or_a_flood(state: State) -> None:
    grains = listen(state, 20.0)
    assert len(grains) < 20 * 60
    for grain in grains:
        assert 0.0 <= grain.gain <= 1.0 and 0.05 <= grain.duration <= 2.0 and 0.0 <= grain.position <= 1.0
        assert abs(grain.pan) <= 1.0 and 100.0 <= grain.cutoff <= 20000.0


def test_onsets_are_neither_a_beat_nor_a_burst() -> None:
    times = [a.time for a, _ in pairs(listen(State(motion=1.5, lineage=Lineage(VOICES)), 120.0))]
    waits = np.diff(times)
    assert 0.3 < np.std(waits) / np.mean(waits) < 0.8  # a beat has 0, chance alone 1


def test_half_a_minute_sounds_is_not_clipped_and_is_about_as_loud_as_broadcast() -> None:
    sound = two_minutes(seconds=32.0)[8 * 48000 :]
    measured = loudness(sound)
    assert -32.0 < measured.integrated < -18.0
    assert measured.peak < -3.0


def test_loudness_agrees_with_the_standards_own_example() -> None:
    """BS.1770: a 997 Hz sine of 0 dBFS in one front channel measures -3.01 LUFS."""
    t = np.arange(48000 * 5) / 48000
    sine = np.stack([np.sin(2 * np.pi * 997 * t), 0 * t], 1)
    assert loudness(sine).integrated == pytest.approx(-3.01, abs=0.02)
    assert loudness(0.1 * sine).integrated == pytest.approx(-23.01, abs=0.02)
    assert np.std(k_weighted(np.sin(2 * np.pi * 20 * t)[:, None], 48000)) < 0.2


def test_a_peak_between_two_samples_is_found() -> None:
    t = np.arange(48000) / 48000
    sine = np.sin(2 * np.pi * 12000 * t + np.pi / 4)[:, None] * np.hanning(48000)[:, None]
    assert np.abs(sine).max() < 0.72
    assert true_peak(sine) == pytest.approx(0.0, abs=0.1)
