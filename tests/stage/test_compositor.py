"""The compositor: chains drawn for real, files changed under its feet."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from collections.abc import Iterator
from pathlib import Path

import moderngl
import numpy as np
import pytest

from engine.stage import layer as language
from engine.stage.compositor import Compositor
from engine.stage.fuse import HERE, Fused, joins, reads
from engine.stage.isf import Moment
from engine.stage.layer import Layer, dark, dreamed
from engine.stage.window import headless

SIZE = (64, 36)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(language, "FOLDERS", [*language.FOLDERS, tmp_path])
    return tmp_path


@pytest.fixture
def compositor() -> Iterator[Compositor]:
    context = headless()
    context.gc_mode = "auto"
    made = Compositor(context, SIZE)
    yield made
    assert context.error == "GL_NO_ERROR"
    made.release()
    context.gc_mode = None
    context.release()


def pixels(texture: moderngl.Texture) -> np.ndarray:
    dtype = {"f1": np.uint8, "f2": np.float16, "f4": np.float32}[texture.dtype]
    found = np.frombuffer(texture.read(), dtype).reshape(texture.height, texture.width, 4).astype(float)
    return found / (255 if texture.dtype == "f1" else 1)


def objects() -> dict[str, int]:
    """How many GL objects of each kind exist in the context that is current, asked of GL itself."""
    gl = ctypes.CDLL(ctypes.util.find_library("OpenGL") or ctypes.util.find_library("GL"))
    kinds = ("Texture", "Framebuffer", "Buffer", "Program", "Shader", "VertexArray")
    return {kind: sum(getattr(gl, f"glIs{kind}")(n) & 0xFF != 0 for n in range(1, 8000)) for kind in kinds}


clock = iter(range(1, 10**9))


def put(folder: Path, name: str, body: str) -> None:
    path = folder / f"{name}.fs"
    path.write_text('/*{"INPUTS": [{"NAME": "inputImage", "TYPE": "image"}]}*/\n' + body)
    os.utime(path, ns=(next(clock), next(clock)))  # two edits within one tick of the file system are two


def grey(level: float) -> str:
    return f"void main() {{ gl_FragColor = vec4(vec3({level}), 1.0); }}"


def test_light_fades_by_trail(compositor: Compositor, folder: Path) -> None:
    put(folder, "lamp", grey(1.0))
    trail = {"trail": 0.5, "zoom": 1.0, "turn": 0.0, "glow": 1.0}
    compositor.draw(Layer("lamp", (dark,)).feedback(**trail), Moment(0, 1 / 30))
    seen = [pixels(compositor.draw(dark.feedback(**trail), Moment(i / 30, 1 / 30)))[18, 32, 0] for i in (1, 2, 3)]
    assert seen == pytest.approx([0.5, 0.25, 0.125], abs=1e-3)


def test_trails_fade_as_fast_at_sixty_frames_a_second_as_at_thirty(compositor: Compositor, folder: Path) -> None:
    put(folder, "lamp", grey(1.0))
    ends = []
    for fps in (30, 60):
        compositor.release_drawings()
        compositor.draw(Layer("lamp", (dark,)).feedback(trail=0.8), Moment(0, 1 / fps))
        for index in range(fps // 3):
            texture = compositor.draw(dark.feedback(trail=0.8), Moment(index / fps, 1 / fps))
        ends.append(pixels(texture)[18, 32, 0])
    assert ends[0] == pytest.approx(ends[1], rel=0.02)


def test_a_layer_that_is_used_twice_is_drawn_once(compositor: Compositor, folder: Path) -> None:
    put(folder, "lamp", grey(0.5))
    drawn: list[str] = []
    compositor.measure = lambda place, cost: drawn.append(place[0])
    lamp = Layer("lamp", (dark,)).grade()
    compositor.draw(lamp.mask(lamp), Moment())
    assert sorted(drawn) == ["grade", "lamp", "mask"]


JOINED = (
    dreamed.frame().drift(amount=0.02).feedback(trail=0.7).grade(light=0.8, exposure=0.2),
    dreamed.frame().bloom().grade(warmth=0.5).mask(size=0.5),  # a verb with passes of its own, at the bottom of a run
    dreamed.frame().feedback().edge().mosh().warp(),  # two memories
)


@pytest.mark.parametrize("layer", JOINED, ids=lambda layer: "+".join(layer.shape))
def test_verbs_drawn_in_one_program_look_as_if_each_were_drawn_alone(compositor: Compositor, layer: Layer) -> None:
    y, x = np.mgrid[0:64, 0:64, 0:1][:2] / 64
    soft = np.dstack([127 + 120 * np.sin(a * x + b * y) for a, b in ((9, 5), (3, -8), (-6, 2), (0, 0))]).astype(
        np.uint8
    )
    picture = compositor.context.texture((64, 64), 4, soft.tobytes())
    picture.repeat_x = picture.repeat_y = False
    compositor.between = (64, 64)
    compositor.sources.images |= {"startImage": picture, "endImage": picture}
    drawn: list[str] = []
    compositor.measure = lambda place, cost: drawn.append(place[0])
    seen = []
    for joining in (False, True):
        compositor.release_drawings()
        compositor.joining = joining
        seen.append([pixels(compositor.draw(layer, Moment(i / 30, 1 / 30)))[..., :3] for i in range(8)])
    assert any("+" in place for place in drawn)
    for alone, joined in zip(*seen, strict=True):  # at edges a place is computed instead of read between four pixels
        assert np.abs(alone - joined).mean() < 0.01 and np.percentile(np.abs(alone - joined), 95) < 0.06


def test_every_two_of_our_verbs_that_join_compile_together(compositor: Compositor) -> None:
    shaders = [compositor.shader(verb) for verb in language.verbs()]
    pairs = [(a, b) for a in shaders for b in shaders if joins(a.header, b.header, True)]
    for pair in pairs:
        Fused(compositor.context, pair).release()
    assert len(pairs) > 100


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("void main() { gl_FragColor = IMG_THIS_PIXEL(inputImage); }", HERE),
        ("void main() { gl_FragColor = IMG_NORM_PIXEL(inputImage, vec2(0.5)); }", "there"),
        ("void main() { gl_FragColor = IMG_THIS_PIXEL(inputImage) + IMG_THIS_PIXEL(inputImage); }", ""),
        ("void main() { vec4 c; for (int i = 0; i < 9; i++) c += IMG_THIS_PIXEL(inputImage); gl_FragColor = c; }", ""),
        ("vec4 f() { return IMG_THIS_PIXEL(inputImage); } void main() { gl_FragColor = f() + f(); }", ""),
        ("#define T(p) IMG_NORM_PIXEL(inputImage, p)\nvoid main() { gl_FragColor = T(vec2(0.1)) + T(vec2(0.2)); }", ""),
        ("void main() { gl_FragColor = texture(inputImage, vec2(0.5)); }", ""),
    ],
)
def test_only_a_verb_that_reads_one_place_joins_the_one_below(folder: Path, body: str, how: str) -> None:
    put(folder, "lamp", body)
    assert reads(language.header("lamp")) == how


def test_a_memory_goes_on_when_its_verb_is_drawn_with_others(compositor: Compositor, folder: Path) -> None:
    put(folder, "lamp", grey(1.0))
    trail = {"trail": 0.5, "zoom": 1.0, "turn": 0.0, "glow": 1.0}
    compositor.draw(Layer("lamp", (dark,)).feedback(**trail), Moment(0, 1 / 30))
    compositor.joining = True
    plain = {"contrast": 1.0, "saturation": 1.0}
    seen = pixels(compositor.draw(dark.feedback(**trail).grade(**plain), Moment(1 / 30, 1 / 30)))[18, 32, 0]
    assert seen == pytest.approx(0.5, abs=0.01)


def test_a_changed_file_changes_the_program_it_is_part_of(compositor: Compositor, folder: Path) -> None:
    put(folder, "lamp", grey(0.25))
    layer = Layer("lamp", (dark,)).grade(contrast=1.0, saturation=1.0)
    compositor.joining = True
    assert pixels(compositor.draw(layer, Moment()))[0, 0, 0] == pytest.approx(0.25, abs=0.01)
    put(folder, "lamp", grey(0.75))
    assert compositor.reload() == ["lamp.fs is new"]
    assert pixels(compositor.draw(layer, Moment()))[0, 0, 0] == pytest.approx(0.75, abs=0.01)


def test_a_changed_file_is_drawn_anew_and_a_broken_one_keeps_the_last_good(
    compositor: Compositor, folder: Path
) -> None:
    layer = Layer("lamp", (dark,))
    put(folder, "lamp", grey(0.25))
    assert pixels(compositor.draw(layer, Moment()))[0, 0, 0] == pytest.approx(0.25, abs=0.01)
    put(folder, "lamp", grey(0.75))
    assert compositor.reload() == ["lamp.fs is new"]
    assert pixels(compositor.draw(layer, Moment()))[0, 0, 0] == pytest.approx(0.75, abs=0.01)
    put(folder, "lamp", "void main() { gl_FragColor = vec4(oops); }")
    (said,) = compositor.reload()
    assert "lamp.fs:2:" in said and "the last good version plays on" in said
    assert compositor.reload() == []  # said once
    assert pixels(compositor.draw(layer, Moment()))[0, 0, 0] == pytest.approx(0.75, abs=0.01)
    put(folder, "lamp", grey(0.5))
    assert compositor.reload() == ["lamp.fs is new"]


def test_a_file_that_never_worked_lets_its_input_through_and_says_so_once(compositor: Compositor, folder: Path) -> None:
    put(folder, "lamp", grey(0.5))
    put(folder, "broken", "void main() { oops }")
    for _ in range(3):
        texture = compositor.draw(Layer("broken", (Layer("lamp", (dark,)),)), Moment())
    assert pixels(texture)[0, 0, 0] == pytest.approx(0.5, abs=0.01)
    assert len([said for said in compositor.troubles if "broken.fs" in said]) <= 2


def test_two_hundred_reloads_leave_nothing_behind(compositor: Compositor, folder: Path) -> None:
    layer = Layer("lamp", (dark,)).feedback().grade()
    compositor.joining = True
    put(folder, "lamp", grey(0.001))
    compositor.draw(layer, Moment())
    before = objects()
    for index in range(200):
        put(folder, "lamp", grey((index % 50) / 50))
        compositor.reload()
        compositor.size = (64 + index % 7, 36)  # and targets of changing sizes
        compositor.draw(layer, Moment())
    assert objects() == before and before["Texture"] > 2


def test_a_picture_of_any_shape_fills_the_wall(compositor: Compositor) -> None:
    for w, h in ((32, 32), (64, 16), (16, 64)):
        white = compositor.context.texture((w, h), 4, b"\xff" * (w * h * 4))
        white.repeat_x = white.repeat_y = False
        compositor.between = (w, h)
        compositor.sources.images |= {"startImage": white, "endImage": white}
        assert pixels(compositor.draw(dreamed, Moment(100.0)))[..., :3].min() > 0.95


SWEEP = """/*{"INPUTS": [{"NAME": "startImage", "TYPE": "image"}, {"NAME": "endImage", "TYPE": "image"},
    {"NAME": "progress", "TYPE": "float", "DEFAULT": 0.0}]}*/
void main() {
    float new = step(isf_FragNormCoord.x, progress * 1.001);
    gl_FragColor = mix(IMG_THIS_PIXEL(startImage), IMG_THIS_PIXEL(endImage), progress <= 0.0 ? 0.0 : new);
}
"""


def test_transitions_in_the_form_of_isf_are_ways_between_pictures(compositor: Compositor, folder: Path) -> None:
    (folder / "sweep.fs").write_text(SWEEP)
    sides = [compositor.context.texture((8, 8), 4, colour * 64) for colour in (b"\xff\0\0\xff", b"\0\0\xff\xff")]
    compositor.between = (8, 8)
    compositor.sources.images |= dict(zip(("startImage", "endImage"), sides, strict=True))
    for progress, red, blue in ((0.0, 1.0, 0.0), (1.0, 0.0, 1.0)):
        compositor.sources.numbers = {"progress": progress}
        seen = pixels(compositor.draw(dreamed.sweep(), Moment()))[18, 32]
        assert (seen[0], seen[2]) == pytest.approx((red, blue), abs=0.02)


def test_a_number_that_a_scene_leaves_out_has_the_headers_default(compositor: Compositor, folder: Path) -> None:
    (folder / "half.fs").write_text(
        '/*{"INPUTS": [{"NAME": "x", "TYPE": "float", "DEFAULT": 0.5}]}*/ void main() { gl_FragColor = vec4(x); }'
    )
    assert pixels(compositor.draw(Layer("half"), Moment()))[0, 0, 0] == pytest.approx(0.5, abs=0.01)
    assert pixels(compositor.draw(Layer("half", (), (("x", 0.25),)), Moment()))[0, 0, 0] == pytest.approx(
        0.25, abs=0.01
    )
