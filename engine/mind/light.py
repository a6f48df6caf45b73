"""Bringing memories over one another: one light, one place. So a crowd becomes a picture instead of a collage.

*One light*: each memory's mean is drawn most of the way to the crowd's, and its contrast by one factor for all channels
(scaled apart, large and small forms leave a grid of eight pixels). *One place*: each is moved by a few places, and mirrored
where that fits better, until its large forms lie over those of the memories before it, as far as correlation says
(matched filter; North 1943). What they share stands out; where they differ, every place decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.mind.model.flowing import deviation

LIT = 0.8  # of the way to the crowd's light
CONTRAST = (0.6, 1.6)  # at the least and at the most
REACH = 4 / 32  # of a side that a memory may be moved
STAY = 0.03  # of the best likeness that a move by the whole reach must gain


def one_light(latents: Tensor, models: int, amount: float = LIT) -> Tensor:
    """(n, c, h, w) in the light of the first `models` of them: means by channel, contrast by the largest channel."""
    mean, spread = latents.mean((2, 3), keepdim=True), deviation(latents[:, :1])[..., None, None].clamp_min(1e-3)
    wanted, contrast = mean[:models].median(0, keepdim=True)[0], spread[:models].median(0, keepdim=True)[0]
    factor = ((contrast / spread) ** amount).clamp(*CONTRAST)
    return mean + (wanted - mean) * amount + (latents - mean) * factor


def one_place(latents: Tensor, mirrored: Tensor, models: int, colours: int = 3, known: Sequence[Tensor] = ()) -> Tensor:
    """(n, c, h, w): the first as it is, each of the next of `models` moved or mirrored over those before it; others as they are.

    `known`: the first of them as they were placed before.
    """
    placed = [*known] or [latents[0]]
    over = placed[0][:colours].clone()
    for moved in placed[1:]:
        over += moved[:colours]
    for number in range(len(placed), min(models, len(latents))):
        moved = _best(over / number, latents[number], mirrored[number], colours)
        placed.append(moved)
        over += moved[:colours]
    return torch.cat([torch.stack(placed), latents[len(placed) :]])


class Placing:
    """`one_place` for crowds that come again: a thought gathers one twice, the next thought the same one and a few more.

    The same bytes as without it: what is known is compared, number by number, and goes on where it differs. Any thread.
    """

    def __init__(self) -> None:
        self._last: tuple[tuple[Tensor, Tensor, Tensor], ...] = ()  # as they came, mirrored, placed; replaced, never changed

    def __call__(self, latents: Tensor, mirrored: Tensor, models: int) -> Tensor:
        """As `one_place`."""
        came, turned = latents[:models], mirrored[:models]
        common, before = max(((_alike(came, turned, one), one[2]) for one in self._last), key=lambda found: found[0], default=(0, came))
        placed = one_place(latents, mirrored, models, known=before[:common].unbind())
        if common < len(came):
            self._last = (*self._last[-2:], (came, turned, placed[:models]))
        return placed


def _alike(came: Tensor, turned: Tensor, known: tuple[Tensor, Tensor, Tensor]) -> int:
    """How many of the first are the same as in a crowd that is known."""
    if came.shape[1:] != known[0].shape[1:]:
        return 0
    pairs = zip(came, known[0], turned, known[1], strict=False)
    return next((number for number, (a, b, c, d) in enumerate(pairs) if not (torch.equal(a, b) and torch.equal(c, d))), min(len(came), len(known[0])))


def _best(over: Tensor, latent: Tensor, mirrored: Tensor, colours: int) -> Tensor:
    """One of the two, moved to where it looks most like `over` (colours, h, w)."""
    height, width = over.shape[1:]
    reach = max(1, round(REACH * min(height, width)))
    wanted = over - over.mean((1, 2), keepdim=True)
    steps = torch.arange(-reach, reach + 1).float()
    apart = (steps[:, None].square() + steps[None].square()).sqrt() / (reach * 2**0.5)
    best, found = -1e9, latent
    for side in (latent, mirrored):
        around = F.pad(side[None], (reach,) * 4, mode="reflect")
        large = around[:, :colours] - side[:colours].mean((1, 2))[:, None, None]
        likeness = F.conv2d(large, wanted[None])[0, 0] / F.conv2d(large.square().sum(1, keepdim=True), torch.ones(1, 1, height, width))[0, 0].clamp_min(1e-6).sqrt()
        likeness = likeness - STAY * apart * likeness.abs().max()
        place = int(likeness.argmax())
        if float(likeness.flatten()[place]) > best:
            best = float(likeness.flatten()[place])
            top, left = divmod(place, 2 * reach + 1)
            found = around[0, :, top : top + height, left : left + width]
    return found
