"""What the tests of the simulators share: a not-github for each file, and one not-telegram with somebody new in it."""

from collections.abc import Iterator

import pytest

from sim.not_github import client
from sim.not_telegram.person import Person
from tests.sim.checked_api import CheckedApi
from tests.sim.not_github import running
from tests.sim.not_telegram import serving, somebody_new
from tests.sim.openapi import Contract


@pytest.fixture(scope="session")
def contract() -> Contract:
    """GitHub's OpenAPI description."""
    return Contract()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a not-github."""
    with running(tmp_path_factory.mktemp("not-github")) as url:
        yield url


@pytest.fixture
def api(url: str, contract: Contract) -> Iterator[CheckedApi]:
    api = CheckedApi(url, contract)
    yield api
    api.close()
    client.call("DELETE", f"{url}/_sim/faults")


@pytest.fixture(scope="session")
def not_telegram() -> Iterator[str]:
    """The address of a not-telegram, in memory."""
    with serving() as address:
        yield address


@pytest.fixture
def person(not_telegram: str) -> Person:
    return somebody_new(not_telegram)
