"""Where the operator's desk is: whoever may read the show's home can find it, before, during and after a show."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from engine.house.desk import announced, kept_token, main


def test_the_desk_can_be_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "doors"
    assert main(["--home", str(tmp_path)]) == 1, "no show runs"
    token = kept_token(folder)
    assert f"token={token}" in capsys.readouterr().out and kept_token(folder) == token
    assert (folder / "token").stat().st_mode & 0o077 == 0, "nobody else may read it"
    with announced(folder, f"http://127.0.0.1:8123/desk?token={token}"):
        assert main(["--home", str(tmp_path)]) == 0
        assert capsys.readouterr().out.strip() == f"http://127.0.0.1:8123/desk?token={token}"
    (folder / "desk").write_text(f"{os.getpid() + 4_000_000} http://gone/\n")
    assert main(["--home", str(tmp_path)]) == 1 and re.search(r":\d+/desk\?token=", capsys.readouterr().out)
