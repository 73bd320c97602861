"""A place for a gateway.toml."""

from pathlib import Path

import pytest

from tests.proxy.setup.written import Written


@pytest.fixture
def file(tmp_path: Path) -> Written:
    return Written(tmp_path)
