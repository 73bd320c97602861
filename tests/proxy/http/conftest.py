"""One gateway for most of these tests, with three scripted providers, and its two lanes."""

from collections.abc import Iterator

import pytest

from tests.proxy.http.lanes import HELLO, Lane
from tests.proxy.http.wires import AnthropicWire, OpenAiWire, Wire
from tests.proxy.running import PROVIDER_KEY, RunningProxy, running_proxy
from tests.proxy.upstream import ScriptedUpstream, answering, running_upstream

Upstreams = dict[str, ScriptedUpstream]


@pytest.fixture(scope="package")
def providers() -> Iterator[Upstreams]:
    """`anthropic` counts as Anthropic itself, `other` speaks its wire, `openai` the other one."""
    with running_upstream() as anthropic, running_upstream() as other, running_upstream() as openai:
        yield {"anthropic": anthropic, "other": other, "openai": openai}


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """A provider of a module's own."""
    with running_upstream() as found:
        yield found


@pytest.fixture(scope="package")
def gateway(providers: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    settings = {
        "SONNET_PROVIDER": "custom-openai", "SONNET_PROVIDER_BASE_URL": f"{providers['openai'].url}/v1",
        "SONNET_PROVIDER_API_KEY": PROVIDER_KEY, "SONNET_MODEL": "the-model-1", "SONNET_PRICE": "3/15",
        "OPUS_PROVIDER": "anthropic", "OPUS_PROVIDER_BASE_URL": providers["anthropic"].url,
        "OPUS_PROVIDER_API_KEY": PROVIDER_KEY, "OPUS_PRICE": "3/15",
        "HAIKU_PROVIDER": "zai", "HAIKU_PROVIDER_BASE_URL": f"{providers['other'].url}/api",
        "HAIKU_PROVIDER_API_KEY": PROVIDER_KEY, "HAIKU_MODEL": "the-model-1", "HAIKU_PRICE": "3/15",
    }  # fmt: skip
    with running_proxy(tmp_path_factory.mktemp("gateway"), **settings) as running:
        yield running


def lane_of(name: str, gateway: RunningProxy, providers: Upstreams) -> Lane:
    """The lane of that name; its provider answers, and has received nothing."""
    found: dict[str, tuple[str, Wire, str, str]] = {
        "pass-through": ("anthropic", AnthropicWire(), "claude-opus-5", "claude-opus-5"),
        "mapped": ("other", AnthropicWire(), "claude-haiku-5", "the-model-1"),
        "translated": ("openai", OpenAiWire(), "claude-sonnet-5", "the-model-1"),
    }
    key, wire, asked, given = found[name]
    upstream = providers[key]
    upstream.received.clear()
    lane = Lane(name, gateway, upstream, wire, asked, given)
    upstream.script = answering(lane.wire.message(HELLO, model=given))
    return lane


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
