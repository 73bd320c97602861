"""One gateway for most of these tests, with three scripted providers, and its two lanes."""

import socket
from collections.abc import Iterator

import pytest

from tests.proxy.http.gateways import running_gateway
from tests.proxy.http.lanes import HELLO, Lane, Upstreams, lane_of, running_lanes
from tests.proxy.http.routes import ANTHROPIC, MODELS, OPENAI, Case, sections
from tests.proxy.http.silence import Outcomes, running_silences
from tests.proxy.running import RunningProxy
from tests.proxy.upstream import ScriptedUpstream, answering, running_upstream


@pytest.fixture(scope="session", autouse=True)
def silences(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """What comes of half a minute of silence. It begins with the first test of all, so that nobody waits for it; and
    not at all where no test asks."""
    if any("test_silence" in item.nodeid for item in request.session.items):
        with running_silences(tmp_path_factory.mktemp("silences")) as outcomes:
            yield outcomes
    else:
        yield {}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningProxy, Upstreams]]:
    with running_lanes(tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(scope="session")
def gateway(running: tuple[RunningProxy, Upstreams]) -> RunningProxy:
    return running[0]


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def route_upstreams() -> Iterator[dict[str, ScriptedUpstream]]:
    with running_upstream() as first, running_upstream() as second, running_upstream() as openai:
        yield {"first": first, "second": second, "openai": openai}


@pytest.fixture(scope="session")
def leaving() -> Iterator[socket.socket]:
    """The door of a provider that a test closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture(scope="session")
def routed(
    route_upstreams: dict[str, ScriptedUpstream], leaving: socket.socket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningProxy]:
    urls = {name: upstream.url for name, upstream in route_upstreams.items()}
    urls["leaving"] = f"http://127.0.0.1:{leaving.getsockname()[1]}"
    with running_gateway(tmp_path_factory.mktemp("routed"), sections(**urls), PROXY_WORKERS="1") as running:
        yield running


@pytest.fixture(scope="session")
def unused_models() -> Iterator[str]:
    return iter(MODELS)


@pytest.fixture
def case(routed: RunningProxy, route_upstreams: dict[str, ScriptedUpstream], unused_models: Iterator[str]) -> Case:
    for upstream in route_upstreams.values():
        upstream.received.clear()
    route_upstreams["second"].script = answering(ANTHROPIC.message(HELLO, model="second-best"))
    route_upstreams["openai"].script = answering(OPENAI.message(HELLO))
    return Case(routed, route_upstreams["first"], route_upstreams["second"], next(unused_models))
