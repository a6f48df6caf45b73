"""`hypermnesia shaders` and `bench isf`: a table to the last file, whatever is in a folder."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from PIL import Image

from engine.__main__ import main
from engine.bench import table
from engine.bench.shaders import in_all, isf
from engine.stage.trial import trials

FINE = '/*{"DESCRIPTION": "Fine.", "INPUTS": [{"NAME": "n", "TYPE": "long", "VALUES": [1, 2], "LABELS": ["one", "two"]},]}*/ '
FINE += "void main() { gl_FragColor = vec4(isf_FragNormCoord, log(DATE.w), 1.0); }"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "from a Mac"
    (inside / "deeper").mkdir(parents=True)
    (inside / "Fine One.fs").write_text(FINE)
    (inside / "Fine-One.fs").write_text(FINE)
    (inside / "._Fine One.fs").write_bytes(b"\0\5\x16\7" + bytes(60))
    (inside / "clock.fs").write_text("/*{}*/ void main() { gl_FragColor = vec4(log(DATE.w) * isf_FragNormCoord.x * 0.1); }")
    (inside / "deeper" / "long.fs").write_text(f'/*{{"IMPORTED": {{"p": {{"PATH": "{"x" * 400}"}}}}}}*/ void main() {{}}')
    (inside / "deeper" / "noise.fs").write_bytes(bytes(range(256)) * 4)
    (inside / "link.fs").symlink_to(inside / "nowhere.fs")
    (inside / "round").symlink_to(inside)
    (inside / "size.fs").write_text('/*{"PASSES": [{"TARGET": "t", "WIDTH": "$NO"}, {}]}*/ void main() { gl_FragColor = vec4(isf_FragNormCoord.x); }')
    (inside / "toy.fs").write_text("void mainImage(out vec4 c, in vec2 p) { c = vec4(1.0); }")
    (inside / "folder.fs").mkdir()
    return inside


def test_a_folder_from_a_mac_ends_with_a_table(folder: Path) -> None:
    rows = isf(folder, frames=2)
    says = {row["file"]: str(row["says"]) for row in rows}
    assert [says[name] for name in ("Fine One", "Fine-One", "clock", "size")] == ["ok"] * 4
    assert "does not lie beside it" in says["long"] and "begins with a comment" in says["noise"] and "Shadertoy" in says["toy"]
    assert len(rows) == 7 and in_all(rows) == {"files": 7, "ok": 4, "flat": 0, "NaN": 0, "GL error": 0, "refused": 3, "with notes": 3}
    assert "does not lie beside it" in table({"shaders": rows})


def test_the_listing_names_verbs_inputs_stills_costs_and_why_one_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shaders", str(folder), "--sheet", str(folder / "sheet.png")]) == 1
    said = capsys.readouterr().out
    for line in ("✓ .fine_one()  Fine One.fs: from nothing, 1 pass, ", "    Fine.", "    n=1  long  one, two", "    overlooked: line 1: a comma too many",
                 "✗ toy.fs\n    toy.fs: mainImage is Shadertoy's", "! Fine-One.fs would be .fine_one() too, which is Fine One.fs: rename one of them",
                 "._Fine One.fs (a Mac's notes about a file), link.fs (a link that leads nowhere)", "7 shaders, 3 of them fail",
                 '"Solid Color.fs" is .solid_color()'):  # fmt: skip
        assert line in said, said
    with Image.open(folder / "sheet.png") as sheet:
        assert len(sheet.crop((4, 4, 164, 94)).convert("RGB").getcolors(1 << 16)) > 100, "the still of the first"


def test_a_folder_without_shaders_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shaders", str(tmp_path)]) == 2
    assert f"no ISF files (*.fs, *.frag) under {tmp_path}" in capsys.readouterr().err


def test_a_file_that_ends_the_driver_or_never_ends_costs_itself_alone(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.fs").write_text(FINE)
    every = trials([tmp_path / f"{name}.fs" for name in "abc"], (16, 9), 1)
    assert next(every).says == "ok"
    (driver,) = multiprocessing.active_children()
    driver.kill()
    assert "the driver ended with it" in next(every).says
    assert next(every).says == "ok"
    every.close()
    assert multiprocessing.active_children() == []


def test_a_shader_that_never_ends_is_ended_and_the_others_are_drawn(tmp_path: Path) -> None:
    endless = "".join(f"#define A{n + 1} {f'A{n} ' * 16}\n" for n in range(9))  # some driver's compiler takes hours with it, another's says no
    (tmp_path / "a.fs").write_text(f"/*{{}}*/\n#define A0 a += sin(a);\n{endless} void main() {{ float a = TIME; A9 gl_FragColor = vec4(a); }}")
    (tmp_path / "b.fs").write_text(FINE)
    every = trials([tmp_path / "b.fs", tmp_path / "a.fs", tmp_path / "b.fs"], (16, 9), 1, patience=1.0)
    assert [each.says.split(": ")[-1] for each in every] == ["ok", "it takes longer than 1 s to compile and draw", "ok"]
