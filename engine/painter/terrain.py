"""Terrain: a field of heights seen in perspective, without a loop over rays: every column is searched once for what hides what."""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter.canvas import Canvas

ROWS = 96                                              # slices from near to far; fewer show as terraces at 256 px


@dataclass
class Land:
    """What is seen of a terrain: a place for maps of the slices to be looked at from every pixel."""
    canvas: Canvas
    cover: Tensor                                      # (count, 1, h, w), 1 where there is ground
    index: Tensor                                      # (count, 1, h, w), fractional slice seen at a pixel
    distance: Tensor                                   # (count, 1, h, w), 0 near .. 1 far

    def look(self, slices: Tensor) -> Tensor:
        """(count, k, ROWS, w) of values at the slices -> (count, k, h, w) as seen."""
        low = self.index.floor().long().clamp(0, ROWS - 2)
        part = (self.index - low).clamp(0, 1)
        low = low.expand(-1, slices.shape[1], -1, -1)
        return torch.gather(slices, 2, low) * (1 - part) + torch.gather(slices, 2, low + 1) * part


def slices(c: Canvas, near: float = .7, far: float = 9.) -> tuple[Tensor, Tensor]:
    """Places of the slices in the world: across (1, 1, ROWS, w) and ahead (1, 1, ROWS, 1)."""
    ahead = near * (far / near) ** (torch.arange(ROWS, device=c.device) / (ROWS - 1))[None, None, :, None]
    return (c.x - .5) * ahead, ahead


def relief(c: Canvas, texture: Tensor, across: Tensor, ahead: Tensor, scale: float = 9.) -> Tensor:
    """A square texture of heights (count, 1, n, n) laid over the world: (count, 1, ROWS, w)."""
    gx, gy = (place.expand(c.count, 1, ROWS, c.width) for place in (across / scale * 2, ahead / scale * 2 - 1))
    grid = torch.cat((gx, gy), 1).permute(0, 2, 3, 1)
    return F.grid_sample(texture, grid, padding_mode="reflection", align_corners=False, mode="bicubic")


def see(c: Canvas, height: Tensor, ahead: Tensor, horizon: Tensor, eye: float = .5) -> Land:
    """Stand at `eye` and look: heights of the slices (count, 1, ROWS, w) -> Land.

    A slice shows where it rises above all nearer ones, so in every column the running minimum of the slices'
    places on the picture is sorted, and one binary search per pixel finds what is seen there.
    """
    place = horizon + (eye - height) / ahead                             # y on the picture, (count, 1, ROWS, w)
    top = torch.cummin(place, 2).values
    columns = (-top[:, 0]).transpose(1, 2).contiguous()                  # (count, w, ROWS), ascending
    asked = (-c.y[:, 0].transpose(1, 2)).expand(c.count, c.width, c.height).contiguous()
    found = torch.searchsorted(columns, asked).transpose(1, 2)[:, None]  # (count, 1, h, w), ROWS where there is sky
    at = found.clamp(1, ROWS - 1)
    here, nearer = torch.gather(place, 2, at), torch.gather(place, 2, at - 1)
    part = ((nearer - c.y) / (nearer - here).clamp(min=1e-5)).clamp(0, 1)
    cover = ((c.y - top[:, :, -1:]) / c.pixel + .5).clamp(0, 1)
    index = at - 1 + part
    return Land(c, cover, index, index / (ROWS - 1))


def sunlit(height: Tensor, across: Tensor, ahead: Tensor, side: Tensor, steep: float = 1.) -> Tensor:
    """Light on the slices from one `side` (count, 1, 1, 1; -1 left, 1 right), about 0..1 (Lambert, and a little from above)."""
    dx = torch.gradient(height, dim=3)[0] / (torch.gradient(across.expand(1, 1, ROWS, -1), dim=3)[0] + 1e-6)
    dz = torch.gradient(height, dim=2)[0] / torch.gradient(ahead, dim=2)[0]
    dx, dz = (dx * steep).clamp(-4, 4), (dz * steep).clamp(-4, 4)
    norm = (1 + dx**2 + dz**2).sqrt()
    return ((-dx * side * .75 + dz * -.25 + .45) / norm).clamp(0, 1)
