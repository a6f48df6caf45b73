"""The painter: every kind at every size, the same by seed, and words that can be seen."""
from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch

from engine.painter.air import exposed
from engine.painter.attributes import COLOURS, OFFERS
from engine.painter.bodies import Body
from engine.painter.canvas import Canvas, luma
from engine.painter.paint import KINDS, Attributes, beauty, paint
from engine.painter.scene import PIGMENTS, Scene, parted

SIZES = ((128, 128), (256, 256), (256, 448))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """On a busy machine two threads wait for one another: these tests took 7 minutes with two and less than one with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_paints_at_every_size(kind: str) -> None:
    for size in SIZES:
        pictures, shown = paint(kind, 1, size, seed=1)
        assert pictures.shape == (1, 3, *size) and pictures.dtype == torch.float32
        assert pictures.min() >= 0 and pictures.max() <= 1 and bool(pictures.isfinite().all())
        assert [a.kind for a in shown] == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_paints_the_same_pixels_and_another_does_not(kind: str) -> None:
    torch.manual_seed(1)
    one, shown = paint(kind, 2, (48, 48), seed=5)
    torch.manual_seed(2)
    same, shown_again = paint(kind, 2, (48, 48), seed=5)
    other, _ = paint(kind, 2, (48, 48), seed=6)
    assert torch.equal(one, same) and shown == shown_again
    assert (one - other).abs().mean() > .02 and (one[0] - one[1]).abs().mean() > .01


@pytest.mark.parametrize("kind", KINDS)
def test_a_wanted_colour_turns_the_picture_towards_it(kind: str) -> None:
    means = {}
    for colour in ("red", "blue", "green"):
        pictures, shown = paint(kind, 4, (48, 48), seed=3, wanted=Attributes(kind, colour=colour))
        assert all(a.colour == colour for a in shown)
        means[colour] = pictures.mean((0, 2, 3))
    share = {colour: mean / mean.sum() for colour, mean in means.items()}
    for channel, colour in enumerate(("red", "green", "blue")):
        others = max(float(share[other][channel]) for other in means if other != colour)
        assert share[colour][channel] > others + .025, (colour, share)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if OFFERS[kind].times])
def test_night_is_darker_than_noon(kind: str) -> None:
    night, noon = (luma(paint(kind, 6, (48, 48), 9, wanted=Attributes(kind, time=time))[0]).mean() for time in ("night", "noon"))
    assert night < noon * .8


def test_what_stands_in_the_sky_is_seen_over_any_land() -> None:
    """Two moons are two bright round places in a night; a rainbow is more colourful than no rainbow; lightning is brighter."""
    for kind in ("sea", "field", "desert"):
        night, noon = ({"time": time, "weather": "clear"} for time in ("night", "noon"))
        moons, none = (luma(paint(kind, 2, (96, 96), 4, wanted=Attributes(kind, light=light, **night))[0])[:, 0, :48] for light in ("two moons", "stars"))
        assert float((moons > .55).float().mean()) > 3 * float((none > .55).float().mean()) + .01, kind
        bow, bare = (paint(kind, 2, (96, 96), 4, wanted=Attributes(kind, light=light, **noon))[0] for light in ("rainbow", "lightning"))
        assert float((bow - bare).abs().mean()) > .01, kind


def test_several_boats_are_more_than_one() -> None:
    several, one = (luma(paint("sea", 4, (96, 96), 4, wanted=Attributes("sea", figure=figure, time="noon", weather="clear"))[0]) for figure in ("boats", "boat"))
    assert float((several < .25).float().mean()) > 1.4 * float((one < .25).float().mean()) > 0


def test_the_gate_refuses_black_white_flat_and_noise() -> None:
    ramp = torch.linspace(0, 1, 64)[None, None, None].expand(1, 3, 64, 64)
    bad = torch.cat((torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64), torch.full((1, 3, 64, 64), .5),
                     torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).expand(1, 3, 64, 64)))
    assert not beauty(bad).any() and beauty(ramp).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_painted_passes_the_gate(kind: str) -> None:
    pictures, _ = paint(kind, 16, (64, 64), seed=21)
    assert bool(pictures.isfinite().all()) and beauty(pictures).float().mean() >= .9


def test_an_unknown_word_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'forest'"):
        paint("forrest", 1, (64, 64), 0)
    with pytest.raises(ValueError, match="did you mean 'violet'"):
        paint("sea", 1, (64, 64), 0, wanted=Attributes("sea", colour="violett"))


def test_colours_and_pigments_are_the_same_words() -> None:
    assert set(COLOURS) == set(PIGMENTS)


def test_a_limb_without_length_is_a_ball() -> None:
    canvas = Canvas(1, (64, 64), 0)
    one = torch.ones(1, 1, 1, 1)
    body = Body(canvas, .5 * one, .5 * one, one, one)
    body.limb((0., 0., .1), (0., 0., .1))
    assert abs(float(body.mask.mean()) - math.pi * .1**2) < .01


def test_a_small_part_of_a_canvas_keeps_lengths_and_places() -> None:
    canvas = Canvas(2, (64, 96), 0)
    part, (rows, columns) = canvas.window(*(canvas.uniform(low, low + .1) for low in (.2, .6, .3, .7)))
    assert torch.equal(part.disk(.5, .5, .2), canvas.disk(.5, .5, .2)[..., rows, columns])
    assert part.noise(4).shape == (2, 1, part.height, part.width) and part.height < 64 and part.width < 96


def test_pictures_parted_among_two_painters_lie_where_they_were() -> None:
    canvas = Canvas(3, (32, 32), 0)
    scene = Scene(canvas, [Attributes("sea"), Attributes("sea", time="night"), Attributes("sea")])
    chosen = torch.tensor((1., 0., 1.))[:, None, None, None]
    painted = parted(canvas, scene, chosen, lambda c, s: torch.ones(c.count, 3, 32, 32),
                     lambda c, s: torch.ones(c.count, 3, 32, 32) * s.has("time", "night") * .5)
    assert painted[:, 0, 0, 0].tolist() == [1., .5, 1.]


def test_a_print_that_would_be_nearly_black_is_exposed_longer_and_others_are_not() -> None:
    dark, fair = torch.full((1, 3, 8, 8), .05), torch.full((1, 3, 8, 8), .5)
    assert .08 < float(exposed(dark).mean()) < .2 and torch.allclose(exposed(fair), fair)


def test_a_limb_that_is_one_pixel_wide_has_no_slope() -> None:
    """At the border of a picture a limb's window may be that narrow: twelve thousand recipes found one."""
    canvas = Canvas(1, (32, 32), 0)
    light, mask = canvas.shade(torch.rand(1, 1, 9, 1), torch.ones(1, 1, 1, 1))
    assert bool(light.isfinite().all()) and mask.shape == (1, 1, 9, 1)
