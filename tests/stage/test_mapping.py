"""Mapping: where light lands, measured from pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import moderngl
import numpy as np
import pytest

from engine.stage import lut
from engine.stage.mapping import Mapping, MappingError, edited, homography, load, save
from engine.stage.projection import Projection
from engine.stage.window import headless


@pytest.fixture(scope="module")
def context() -> moderngl.Context:
    return headless()


def project(context: moderngl.Context, mapping: Mapping, wall: np.ndarray, folder: Path = Path()) -> np.ndarray:
    """Pixels of an output (h, w, 3), top row first, of a wall (h, w, 3) u8."""
    h, w = wall.shape[:2]
    texture = context.texture((w, h), 3, np.ascontiguousarray(wall[::-1]).tobytes(), alignment=1)
    texture.repeat_x = texture.repeat_y = False
    target = context.texture((w, h), 3)
    frame = context.framebuffer([target])
    projection = Projection(context, mapping, folder)
    projection.draw(texture, frame, flip=True)
    pixels = np.frombuffer(frame.read(alignment=1), np.uint8).reshape(h, w, 3)
    for each in (projection, frame, target, texture):
        each.release()
    return pixels


def test_the_plain_mapping_shows_the_wall_as_it_is(context: moderngl.Context) -> None:
    wall = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    assert np.abs(project(context, Mapping(), wall).astype(int) - wall).max() <= 1


def test_corners_land_where_they_are_pinned(context: moderngl.Context) -> None:
    corners = ((0.1, 0.2), (0.9, 0.05), (0.95, 0.9), (0.2, 0.8))
    pixels = project(context, replace(Mapping(), corners=corners), np.full((200, 200, 3), 255, np.uint8))
    inward = ((4, 4), (-4, 4), (-4, -4), (4, -4))
    pairs = list(zip(corners, inward, strict=True))
    inside = [pixels[int(y * 200 + dy), int(x * 200 + dx)].max() for (x, y), (dx, dy) in pairs]
    outside = [pixels[int(y * 200 - dy), int(x * 200 - dx)].max() for (x, y), (dx, dy) in pairs]
    assert inside == [255] * 4 and outside == [0] * 4


def test_straight_lines_stay_straight_under_a_corner_pin() -> None:
    corners = ((0.1, 0.2), (0.9, 0.05), (0.95, 0.9), (0.2, 0.8))
    line = homography(corners, np.stack([np.linspace(0, 1, 50), np.linspace(0.2, 0.7, 50)], 1))
    a, b, c = line[0], line[25], line[49]
    (ux, uy), (vx, vy) = b - a, c - a
    assert abs(ux * vy - uy * vx) < 1e-12


def test_what_is_found_at_a_place_is_what_was_put_there() -> None:
    mapping = Mapping(part=(0.4, 0.0, 0.6, 1.0), corners=((0.1, 0.2), (0.9, 0.05), (0.95, 0.9), (0.2, 0.8)))
    mapping = mapping.with_mesh(3, 4).moved_point(1, 2, (0.03, -0.02))
    (x, y), = mapping.place(np.array([[0.3, 0.6]]))
    assert mapping.find((x, y)) == pytest.approx((0.4 + 0.3 * 0.6, 0.6), abs=1e-6)
    assert mapping.find((0.0, 0.0)) is None


@pytest.mark.parametrize("value", [255, 128, 64])
@pytest.mark.parametrize("gamma", [1.8, 2.2, 2.4])
def test_the_overlap_of_two_projectors_is_as_bright_as_the_rest(context: moderngl.Context, gamma: float, value: int) -> None:
    width, height, overlap = 600, 40, 200  # pixels of one output
    wall = np.full((height, 1000, 3), value, np.uint8)
    parts = {"left": ((0.0, 0.0, 0.6, 1.0), (0, 0, 1 / 3, 0)), "right": ((0.4, 0.0, 0.6, 1.0), (1 / 3, 0, 0, 0))}
    light = np.zeros((height, 1000, 3))
    for name, (part, blend) in parts.items():
        pixels = project(context, Mapping(part=part, blend=blend, gamma=gamma), wall[:, :width]) / 255
        offset = 0 if name == "left" else width - overlap
        light[:, offset : offset + width] += pixels**gamma
    columns = light.mean(axis=(0, 2))
    seen = columns / columns[:390].mean()
    assert seen[400:600].min() > 0.98 and seen[400:600].max() < 1.02


def test_black_is_as_bright_where_projectors_overlap_as_where_they_do_not(context: moderngl.Context) -> None:
    dark, own = np.zeros((40, 600, 3), np.uint8), 0.02  # light of a projector that shows black
    light = np.zeros((40, 1000))
    for part, blend, offset in (((0, 0, 0.6, 1), (0, 0, 1 / 3, 0), 0), ((0.4, 0, 0.6, 1), (1 / 3, 0, 0, 0), 400)):
        signal = project(context, Mapping(part=part, blend=blend, black=own), dark)[..., 0] / 255
        light[:, offset : offset + 600] += own + signal**2.2
    assert light.max() / light.min() < 1.05


def test_a_mask_and_a_hidden_polygon_stay_dark(context: moderngl.Context, tmp_path: Path) -> None:
    from PIL import Image

    mask = np.full((10, 10), 255, np.uint8)
    mask[:, :5] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    mapping = Mapping(mask="mask.png", hide=(((0.5, 0.0), (1.0, 0.0), (1.0, 0.3), (0.5, 0.3)),))
    pixels = project(context, mapping, np.full((100, 100, 3), 200, np.uint8), tmp_path)
    assert pixels[:, :44].max() == 0 and pixels[:20, 60:].max() == 0 and pixels[45:, 60:].min() == 200


def test_a_table_changes_colours_and_an_identity_does_not(context: moderngl.Context, tmp_path: Path) -> None:
    wall = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    for name, swap in (("same", False), ("swapped", True)):
        side = np.linspace(0, 1, 17)
        rows = [(r, g, b) for b in side for g in side for r in side]
        text = "\n".join(f"{b} {g} {r}" if swap else f"{r} {g} {b}" for r, g, b in rows)
        (tmp_path / f"{name}.cube").write_text(f'TITLE "{name}"\nLUT_3D_SIZE 17\n{text}\n')
        pixels = project(context, Mapping(lut=f"{name}.cube"), wall, tmp_path).astype(int)
        assert np.abs(pixels - (wall[..., ::-1] if swap else wall)).max() <= 2


def test_a_broken_table_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.cube").write_text("LUT_3D_SIZE 2\n0 0 0\n0 0 zero\n")
    with pytest.raises(lut.LutError, match=r"x\.cube:3: '0 0 zero'"):
        lut.read(tmp_path / "x.cube")


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    mapping = Mapping("HDMI-1", (0, 0, 0.6, 1), mask='a "b".png', hide=(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)),), black=0.01)
    mapping = mapping.with_mesh(3, 3).moved_point(1, 1, (0.05, -0.02)).moved_corner(2, (0.9, 0.95))
    save(tmp_path / "wall.toml", {"left": mapping, "right": Mapping()})
    assert load(tmp_path / "wall.toml") == {"left": mapping, "right": Mapping()}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[wall]\ncorner = [[0,0]]", r"nothing is called corner; did you mean corners\?"),
        ("[wall]\ncorners = [[0,0],[1,0]]", "corners wants 4 x 2 numbers"),
        ("[wall]\ncorners = [[0,0],[0.5,0.5],[1,1],[0,1]]", "one line"),
        ("[wall]\npart = [0, 0, 1]", "part wants 4 numbers, found"),
        ("[wall]\nmesh = [[[0,0],[0,0]],[[0,0]]]", "mesh wants at least 2 x 2 pairs"),
        ("[wall]\nmask = 3", "mask wants str, found 3"),
        ("gamma = 2", r"begin with a line like \[wall\]"),
        ("[wall", "wall.toml"),
    ],
)
def test_a_broken_file_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "wall.toml").write_text(text)
    with pytest.raises(MappingError, match=says):
        load(tmp_path / "wall.toml")


def test_messages_edit_and_a_misspelt_one_names_the_nearest() -> None:
    assert edited(Mapping(), "corner", (1, 0.9, 0.1)).corners[1] == (0.9, 0.1)
    assert len(edited(Mapping(), "mesh", (4, 5)).mesh) == 4
    assert edited(Mapping(), "gamma", (1.9,)).gamma == 1.9
    with pytest.raises(MappingError, match=r"did you mean corner\?"):
        edited(Mapping(), "cornr", (1, 0.9, 0.1))
    with pytest.raises(MappingError, match="takes numbers"):
        edited(Mapping(), "gamma", ("much",))
