"""Fixtures of the orchestrator's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dbos import DBOS, DBOSConfig

from tests.orchestrator.played import World


@pytest.fixture(scope="session")
def _dbos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Callable[[str], None]], list[str]]]:
    """Real DBOS, with a workflow that does nothing but be counted."""
    told: list[str] = []
    config: DBOSConfig = {
        "name": "test", "system_database_url": f"sqlite:///{tmp_path_factory.mktemp('dbos') / 'w.sqlite'}",
        "enable_otlp": False, "log_level": "WARNING",
    }  # fmt: skip
    DBOS(config=config)

    @DBOS.workflow(name="counted")
    def counted(run_id: str) -> None:
        told.append(run_id)

    DBOS.launch()
    yield {"review": counted}, told
    DBOS.destroy(destroy_registry=True)


@pytest.fixture
def begun(_dbos: tuple[dict[str, Callable[[str], None]], list[str]]) -> list[str]:
    """The runs whose workflow was begun."""
    _dbos[1].clear()
    return _dbos[1]


@pytest.fixture
def starting_world(
    tmp_path: Path, begun: list[str], _dbos: tuple[dict[str, Callable[[str], None]], list[str]]
) -> Iterator[World]:
    """As `world`, and a request starts a real workflow, which is counted in `begun`."""
    made = World(tmp_path / "starting", _dbos[0])
    yield made
    made.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An orchestrator's parts on a store of this test's own."""
    made = World(tmp_path)
    yield made
    made.close()
