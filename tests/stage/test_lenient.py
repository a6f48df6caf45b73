"""What people have in their folders of shaders, each construct in a file of its own: it draws, and says what was overlooked."""

from __future__ import annotations

from pathlib import Path

import moderngl
import pytest
from PIL import Image

from engine.stage import layer, lenient
from engine.stage.expression import evaluate
from engine.stage.header import ShaderError, verb
from engine.stage.isf import Drawing, Moment, Shader
from engine.stage.reading import read
from engine.stage.window import headless

AMOUNT = '{"NAME": "amount", "TYPE": "float", "DEFAULT": 0.6}'
FULL = "void main() { gl_FragColor = vec4(amount, 0.0, 0.0, 1.0); }"


@pytest.fixture(scope="module")
def context() -> moderngl.Context:
    return headless()


def write(folder: Path, text: str, name: str = "x.fs") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def red(context: moderngl.Context, path: Path) -> int:
    """The red of the middle of a shader's picture, after two frames."""
    grey = context.texture((4, 4), 4, bytes([153, 51, 0, 255]) * 16)
    shader = Shader(context, path)
    drawing = Drawing(shader, (9, 9))
    for _ in range(2):
        texture = drawing.draw({}, {"": grey}, Moment(2.0, 0.5))
    found = texture.read()[4 * (9 * 4 + 4)]
    assert context.error == "GL_NO_ERROR"
    drawing.release()
    shader.release()
    return int(found)


HEADERS = {  # what stands in the header -> what is said of it
    f'{{"INPUTS": [{AMOUNT},],}}': "line 1: a comma too many",
    f'{{"INPUTS": [{AMOUNT}] "CREDIT": "me"}}': "line 1: a missing comma",
    f'{{"INPUTS": [{AMOUNT} {{"NAME": "b", "TYPE": "bool"}}]}}': "line 1: a missing comma",
    f'{{ // whose\n"INPUTS": [{AMOUNT}] # mine\n}}': "line 1: a comment inside the JSON",
    "{'INPUTS': [{'NAME': 'amount', 'TYPE': 'float', 'DEFAULT': 0.6}]}": "line 1: single quotes",
    '{INPUTS: [{NAME: amount, TYPE: "float", DEFAULT: .6}]}': "line 1: the number .6",
    '{"inputs": [{"name": "amount", "type": "Float", "default": 0.6}]}': "keys in small letters (inputs)",
    '{"INPUTS": [{"NAME": "amount", "TYPE": "float", "DEFAULT": "0.6", "MIN": "low"}]}': "the MIN of amount is no number that a float takes",
    f'{{"INPUTS": [{AMOUNT}': "line 1: a missing ] at the end",
    f'{{"INPUTS": [{AMOUNT}}}': "line 1: a missing ]",
    f'{{"INPUTS": [{AMOUNT}], "DESCRIPTION": "a\tb\\m", "VSN": None}}': "line 1: None in place of a number",
    f'{{"INPUTS": [{AMOUNT}]}};': "line 1: what follows the last bracket (';')",
    f'{{"INPUTS": [{AMOUNT}, {{"NAME": "n", "TYPE": "long", "VALUES": ["a", "b"]}}]}}': "the VALUES of n are no whole numbers: they count from 0",
    f'{{"INPUTS": {{"first": {AMOUNT}}}}}': "INPUTS is no list",
    f'{{"INPUTS": [{AMOUNT}], "PASSES": [{{"TARGET": "t", "WIDTH": "$WIDHT / 2"}}, {{}}]}}': "it is drawn as large as the wall",
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_other_hosts_read_is_read_and_what_was_overlooked_is_said(
    context: moderngl.Context, tmp_path: Path, header: str
) -> None:
    path = write(tmp_path, f"/*{header}*/ {FULL}")
    assert red(context, path) == pytest.approx(153, abs=1)
    assert any(HEADERS[header] in note for note in read(path).notes), read(path).notes


def test_a_plain_header_has_nothing_overlooked(tmp_path: Path) -> None:
    assert read(write(tmp_path, f'/*{{"INPUTS": [{AMOUNT}], "PASSES": [{{}}]}}*/ {FULL}')).notes == ()


def test_a_header_may_stand_after_a_licence_and_begin_with_a_byte_order_mark_or_be_sixteen_bits_wide(
    context: moderngl.Context, tmp_path: Path
) -> None:
    text = f'/* MIT */\r\n/*{{"INPUTS": [{AMOUNT}]}}*/\r\n{FULL}'
    path = write(tmp_path, text)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_bytes(text.encode(encoding))
        assert red(context, path) == pytest.approx(153, abs=1)


BODIES = {  # a body -> the names that it declares besides `image`
    "gl_FragColor = IMG_NORM_PIXEL(image, isf_FragNormCoord, 0.0);": "",
    "gl_FragColor = IMG_PIXEL(image, gl_FragCoord.xy, 0.0);": "",
    "gl_FragColor = texture2DLod(image, isf_FragNormCoord, 0.0);": "",
    "gl_FragColor = texture2DRect(image, gl_FragCoord.xy);": "",
    "gl_FragColor = texture2DProj(image, vec3(isf_FragNormCoord, 1.0));": "",
    "gl_FragData[0] = IMG_THIS_PIXEL(image);": "",
    "vec4 sample = IMG_THIS_PIXEL(image); gl_FragColor = sample;": "",
    "float smooth = 1.0, flat = 0.0; gl_FragColor = IMG_THIS_PIXEL(image) * smooth + flat;": "",
    "vec4 input = IMG_THIS_PIXEL(image); vec4 filter = input; gl_FragColor = filter;": "",
    "vec4 texture = IMG_THIS_PIXEL(image); gl_FragColor = texture;": "",
    "gl_FragColor = vec4(smooth, 0.0, 0.0, 1.0);": '{"NAME": "smooth", "TYPE": "float", "DEFAULT": 0.6}',
    "gl_FragColor = vec4(half, 0.0, 0.0, 1.0);": '{"NAME": "half", "TYPE": "float", "DEFAULT": 0.6}',
    "gl_FragColor = IMG_NORM_PIXEL(texture, vec2(0.5)) * IMG_SIZE(texture).x / 4.0;": '{"NAME": "texture", "TYPE": "image"}',
    "gl_FragColor = IMG_PIXEL(buffer, vec2(2.0)) * IMG_SIZE(buffer).y / 4.0;": '{"NAME": "buffer", "TYPE": "image"}',
    "gl_FragColor = IMG_THIS_PIXEL(image) + textureCube(sky, vec3(1.0));": '{"NAME": "sky", "TYPE": "cube"}',
}


@pytest.mark.parametrize("body", BODIES)
def test_glsl_of_1_20_draws(context: moderngl.Context, tmp_path: Path, body: str) -> None:
    inputs = ", ".join(filter(None, ('{"NAME": "image", "TYPE": "image"}', BODIES[body])))
    assert red(context, write(tmp_path, f'/*{{"INPUTS": [{inputs}]}}*/\nvoid main() {{ {body} }}')) == pytest.approx(153, abs=1)


def test_lines_that_have_to_stand_first_and_outputs_of_their_own_and_second_declarations_draw(
    context: moderngl.Context, tmp_path: Path
) -> None:
    text = f"""/*{{"INPUTS": [{AMOUNT}]}}*/
    #version 330
    const float one = 1.0;
    #extension GL_OES_standard_derivatives : enable
    #extension GL_EXT_nobody_has_this : require
    precision highp float;
    uniform float amount;
    uniform vec2 RENDERSIZE;
    out vec4 painted;
    void main() {{ painted = vec4(amount * one, dFdx(isf_FragNormCoord.x), 0.0, 1.0); }}"""
    assert red(context, write(tmp_path, text)) == pytest.approx(153, abs=1)


def test_an_error_names_its_line_after_everything_that_was_mended(context: moderngl.Context, tmp_path: Path) -> None:
    text = f'/*{{"INPUTS": [{AMOUNT},]}}*/\n#version 120\n#extension GL_X : enable\nuniform float\namount;\nfloat sample = nothing;\n{FULL}'
    with pytest.raises(ShaderError, match=r"x\.fs:6: .*nothing"):
        Shader(context, write(tmp_path, text))


def test_a_vertex_file_has_the_same_dialect(context: moderngl.Context, tmp_path: Path) -> None:
    write(tmp_path, "#version 120\nvarying vec2 filter; void main() { vv_vertShaderInit(); filter = vec2(amount); }", "x.VS")
    path = write(tmp_path, f'/*{{"INPUTS": [{AMOUNT}]}}*/ varying vec2 filter; void main() {{ gl_FragColor = vec4(filter.x); }}')
    assert red(context, path) == pytest.approx(153, abs=1)


# --- pictures beside a shader


def picture(folder: Path, name: str, colour: tuple[int, int, int] = (153, 0, 0)) -> str:
    Image.new("RGB", (4, 4), colour).save(folder / name)
    return name


@pytest.mark.parametrize(
    "imported",
    ['{"p": {"PATH": "p.png"}}', '{"p": {"PATH": "P.PNG"}}', '{"p": "p.png"}', '[{"NAME": "p", "PATH": "p.png"}]',
     '{"x": {"NAME": "p", "PATH": "textures\\\\p.png"}}', '{"p": {"path": ["/media/somebody/p.png"], "TYPE": "image"}}'],
)  # fmt: skip
def test_every_form_of_import_finds_its_picture(context: moderngl.Context, tmp_path: Path, imported: str) -> None:
    picture(tmp_path, "p.png")
    path = write(tmp_path, f'/*{{"IMPORTED": {imported}}}*/ void main() {{ gl_FragColor = IMG_NORM_PIXEL(p, vec2(0.5)); }}')
    assert red(context, path) == pytest.approx(153, abs=1)


def test_six_paths_are_a_cube_whose_first_side_is_plus_x(context: moderngl.Context, tmp_path: Path) -> None:
    sides = [picture(tmp_path, f"side_{number}.png", (25 * number, 0, 0)) for number in range(1, 7)]
    listed = ", ".join(f'"{side}"' for side in sides)
    directions = ("1,0,0", "-1,0,0", "0,1,0", "0,-1,0", "0,0,1", "0,0,-1")
    for number, direction in enumerate(directions, 1):
        text = f'/*{{"IMPORTED": {{"sky": {{"TYPE": "cube", "PATH": [{listed}]}}}}}}*/'
        path = write(tmp_path, f"{text} void main() {{ gl_FragColor = textureCube(sky, vec3({direction})); }}", f"{number}.fs")
        assert red(context, path) == 25 * number


def test_an_import_may_name_a_pass(context: moderngl.Context, tmp_path: Path) -> None:
    header = '{"PASSES": [{"TARGET": "kept", "FLOAT": true}, {}], "IMPORTED": {"kept": {"PASSINDEX": 0}, "again": {"PASSINDEX": 0}}}'
    body = "void main() { gl_FragColor = PASSINDEX == 0 ? vec4(0.6) : IMG_THIS_PIXEL(kept) * 0.5 + IMG_THIS_PIXEL(again) * 0.5; }"
    assert red(context, write(tmp_path, f"/*{header}*/ {body}")) == pytest.approx(153, abs=1)


@pytest.mark.parametrize(
    ("imported", "says"),
    [
        ('{"p": {"PATH": "q.png"}}', r"q\.png, which does not lie beside it; did you mean p\.png\?"),
        (f'{{"p": {{"PATH": "{"long" * 100}.png"}}}}', "which does not lie beside it"),
        ('{"p": {"PATH": ["p.png", "p.png"]}}', "'p' is imported from 2 pictures; a cube has 6 sides"),
        ('{"a[b": {"PASSINDEX": 0}}', r"a picture is imported as 'a\[b'; a name is letters"),
        ('{"p": {"PASSINDEX": 3}}', "imports 'p' from pass 3, which has no TARGET"),
        ('{"p": {"PATH": "pointer.png"}}', r"pointer\.png: a pointer of git-lfs: `git lfs pull`"),
        ('{"p": {"PATH": "x.fs"}}', "not a picture that can be read"),
        ('"p.png"', "the JSON header is none of ISF's: IMPORTED is"),
    ],
)
def test_what_cannot_be_imported_is_said(context: moderngl.Context, tmp_path: Path, imported: str, says: str) -> None:
    picture(tmp_path, "p.png")
    (tmp_path / "pointer.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ShaderError, match=says):
        Shader(context, write(tmp_path, f'/*{{"IMPORTED": {imported}}}*/ void main() {{ gl_FragColor = vec4(1.0); }}'))


# --- sizes, Shadertoy, names


def test_sizes_are_read_as_hosts_read_them() -> None:
    names = {"WIDTH": 640.0, "HEIGHT": 360.0, "blur": 2.0}
    for text, wanted in {"$width / 2": 320, "FLOOR($WIDTH/3)": 213, "$blur ^ 2": 4, "$blur > 1 ? 10 : 20": 10, "$WIDTH;": 640,
                         "if($blur < 1, 5, 6)": 6, "clamp(0, $WIDTH, 100)": 100}.items():  # fmt: skip
        assert evaluate(text, names) == wanted, text


def test_a_size_that_fails_only_when_a_number_is_turned_is_the_walls_meanwhile(context: moderngl.Context, tmp_path: Path) -> None:
    header = f'{{"INPUTS": [{AMOUNT}], "PASSES": [{{"TARGET": "t", "WIDTH": "$WIDTH / $amount"}}, {{}}]}}'
    path = write(tmp_path, f"/*{header}*/ void main() {{ gl_FragColor = vec4(IMG_SIZE(t).x / 90.0); }}")
    shader, black = Shader(context, path), context.texture((1, 1), 4, bytes(4))
    drawing = Drawing(shader, (9, 9))
    assert drawing.draw({"amount": 0.5}, {"": black}, Moment()).read()[0] == pytest.approx(51, abs=1)
    assert drawing.draw({"amount": 0.0}, {"": black}, Moment()).read()[0] == pytest.approx(25.5, abs=1)


def test_shadertoy_gets_a_word_and_the_way_to_isf(tmp_path: Path) -> None:
    toy = "void mainImage(out vec4 c, in vec2 p) { c = vec4(p / iResolution.xy, sin(iTime), 1.0); }"
    for text, missing in ((toy, "an ISF header"), ("/*{}*/ " + toy, r"main\(\) is missing")):
        with pytest.raises(ShaderError, match=rf"mainImage is Shadertoy's, and {missing}.*docs/files\.md"):
            read(write(tmp_path, text))


def test_the_lines_that_the_page_shows_make_isf_of_shadertoy(context: moderngl.Context, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")
    shown = page.split("```glsl\n")[1].split("```")[0]
    assert red(context, write(tmp_path, shown)) == pytest.approx(153, abs=1)


def test_names_of_files_become_verbs_by_a_rule() -> None:
    for name, wanted in {"Solid Color": "solid_color", "IM-Volt": "im_volt", "3D Rotate": "fx_3d_rotate", "glow": "glow", "Lambda": "lambda_",
                         "Shape": "shape_", "Éclat (v2)": "eclat_v2", "--": "fx"}.items():  # fmt: skip
        assert verb(name) == wanted and wanted.isidentifier()


def test_a_folder_of_names_gives_verbs_and_says_which_two_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "FOLDERS", [*layer.FOLDERS, tmp_path])
    for name in ("Solid Color.fs", "Solid-Color.fs", "MyBlur.frag", "._MyBlur.frag", "half.fs.part", "empty.fs"):
        write(tmp_path, f'/*{{"INPUTS": [{AMOUNT}]}}*/ {FULL}' if name != "empty.fs" else "", name)
    layer.look()
    assert {"solid_color", "myblur"} <= set(layer.verbs()) and not {"empty", "half"} & set(layer.verbs())
    assert layer.dark.solid_color(amount=0.5).values == layer.dark.MyBlur(amount=0.5).values
    assert layer.collisions(tmp_path) == ["Solid-Color.fs would be .solid_color() too, which is Solid Color.fs: rename one of them"]
    with pytest.raises(AttributeError, match=r"did you mean \.solid_color\(\)"):
        _ = layer.dark.solid_colour
    layer.look()


def test_lines_of_notes_and_of_errors_are_those_of_the_text() -> None:
    found, notes = lenient.loads('{\n"a": [1,\n2,\n],\n"b": {}\n}')
    assert found == {"a": [1, 2], "b": {}} and notes == [(3, "a comma too many")]
    with pytest.raises(lenient.Broken) as wrong:
        lenient.loads('{\n"a": 1,\n"b: 2}')
    assert wrong.value.line == 3
    for text in ("", "nothing", "[" * 1000, '{"a" "b" : : 1}', "{:}", "{,}"):
        try:
            lenient.loads(text)
        except lenient.Broken:
            continue
