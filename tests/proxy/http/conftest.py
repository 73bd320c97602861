"""One gateway for most of these tests, with three scripted providers, and its two lanes."""

from collections.abc import Iterator

import pytest

from tests.proxy.http.lanes import Lane, Upstreams, lane_of, running_lanes
from tests.proxy.http.silence import Outcomes, running_silences
from tests.proxy.running import RunningProxy
from tests.proxy.upstream import ScriptedUpstream, running_upstream


@pytest.fixture(scope="package", autouse=True)
def silences(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """What comes of half a minute of silence. It begins with the first test of all, so that nobody waits for it; and
    not at all where no test asks."""
    if any("test_silence" in item.nodeid for item in request.session.items):
        with running_silences(tmp_path_factory.mktemp("silences")) as outcomes:
            yield outcomes
    else:
        yield {}


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningProxy, Upstreams]]:
    with running_lanes(tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(scope="package")
def gateway(running: tuple[RunningProxy, Upstreams]) -> RunningProxy:
    return running[0]


@pytest.fixture(scope="package")
def providers(running: tuple[RunningProxy, Upstreams]) -> Upstreams:
    return running[1]


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """A provider of a module's own."""
    with running_upstream() as found:
        yield found


@pytest.fixture(params=["pass-through", "translated"])
def lane(request: pytest.FixtureRequest, gateway: RunningProxy, providers: Upstreams) -> Lane:
    """Each of the two lanes in turn."""
    return lane_of(request.param, gateway, providers)


@pytest.fixture
def pass_through(gateway: RunningProxy, providers: Upstreams) -> Lane:
    """Anthropic's own wire, at Anthropic, with the model that was asked for."""
    return lane_of("pass-through", gateway, providers)


@pytest.fixture
def mapped(gateway: RunningProxy, providers: Upstreams) -> Lane:
    """Anthropic's wire, at another provider, with another model."""
    return lane_of("mapped", gateway, providers)


@pytest.fixture
def translated(gateway: RunningProxy, providers: Upstreams) -> Lane:
    """OpenAI's wire."""
    return lane_of("translated", gateway, providers)
