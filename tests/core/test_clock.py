from engine.core.clock import AudioTime, Clock


class Hand:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_ticks_are_whole_steps_of_time():
    hand = Hand()
    clock = Clock(60, hand)
    clock.start()
    hand.now += 3.2 / 60
    ticks = list(clock.due())
    assert [t.tick for t in ticks] == [1, 2, 3]
    assert ticks[-1].time == 3 * clock.dt
    assert list(clock.due()) == []


def test_a_stall_is_skipped_not_replayed():
    hand = Hand()
    clock = Clock(60, hand, patience=6)
    clock.start()
    hand.now += 2.0
    assert len(list(clock.due())) == 6
    assert clock.skipped == 114
    hand.now += 1 / 60
    assert [t.tick for t in clock.due()] == [121]


def test_a_month_of_ticks_does_not_drift():
    hand = Hand()
    hand.now = 0.0
    clock = Clock(60, hand, patience=10**9)
    clock.start()
    hand.now = 30 * 86400.0
    clock._tick = 60 * 30 * 86400 - 3
    assert [t.tick for t in clock.due()][-1] == 60 * 30 * 86400


def page(running=1.0, rate=48_000.0):
    return lambda: {"running": running, "rate": rate, "nominal": 48_000.0}


def test_audio_time_follows_the_card_and_never_jumps():
    hand = Hand()
    time = AudioTime(page(rate=48_004.8), hand)  # a card 100 ppm fast
    start = time()
    hand.now += 0.3
    time()  # the first look at the page
    before = time()
    hand.now += 100.0
    after = time()
    assert abs((after - before) - 100.01) < 1e-6
    assert after > before > start


def goes(measured, seconds, begun):
    """How far audio time goes within `seconds`, `begun` seconds after it was made."""
    hand = Hand()
    time = AudioTime(measured, hand)
    time()
    hand.now += begun
    before = time()
    hand.now += seconds
    return time() - before


def test_audio_time_goes_on_when_the_sound_room_is_gone():
    assert abs(goes(page(running=0.0, rate=0.0), 5.0, 0.0) - 5.0) < 1e-9


def test_a_wild_measurement_of_the_rate_is_not_believed():
    assert abs(goes(page(rate=30_000.0), 1.0, 1.0) - 1.0) < 1e-9


def test_scene_seconds_turn_back_into_monotonic_ones():
    hand = Hand()
    time = AudioTime(page(rate=48_004.8), hand)
    hand.now += 1.0
    now = time()
    target = time.monotonic(now + 10.001)
    assert abs(target - (hand.now + 10.0)) < 1e-3
