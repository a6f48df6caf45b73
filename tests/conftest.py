"""The order of the suite: files that take longest first, so that two workers end together."""

from pathlib import Path

import pytest

LONGEST = ("test_readme.py", "test_row_07_displacement.py", "test_docs.py", "test_command.py", "test_train.py", "test_row_09_forget.py",
           "test_pages.py", "test_watchdog.py")  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only what keeps time is asked for, a file without such a test is not imported: all of them take longer than some tests."""
    asked = [name for name in ("realtime", "shared") if f" {name} " in f" {config.option.markexpr} ".replace(f"not {name}", "")]
    if collection_path.is_dir() or not collection_path.name.startswith("test_"):
        return None
    text = collection_path.read_text(encoding="utf-8") if asked else ""
    return True if any(f"mark.{name}" not in text for name in asked) else None
