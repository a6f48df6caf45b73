"""The order of the suite: files that take longest first, so that two workers end together."""

import pytest

LONGEST = ("test_readme.py", "test_row_07_displacement.py", "test_docs.py", "test_command.py", "test_train.py", "test_row_09_forget.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
