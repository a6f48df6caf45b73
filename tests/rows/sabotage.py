"""What every row's test is tested with: the mechanism replaced by a constant, by chance, or left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Check = Callable[[Path], None]
Sabotage = Callable[[pytest.MonkeyPatch], None]


def fails(check: Check, sabotage: Sabotage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a row's check on a sabotaged mechanism: it must fail. Returns (and prints) how."""
    sabotage(monkeypatch)
    with pytest.raises(AssertionError) as failure:
        check(folder)
    how = str(failure.value).split("\n")[0]
    print(f"  {sabotage.__name__}: {how}")
    return how


def put(target: str, value: Any, name: str) -> Sabotage:
    """A sabotage that puts `value` in the place of "module.attribute"."""

    def sabotage(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(target, value)

    sabotage.__name__ = name
    return sabotage
