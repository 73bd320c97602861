"""A scripted provider and a running proxy in front of it."""

from collections.abc import Iterator

import pytest

from tests.proxy.running import PROVIDER_KEY, RunningProxy, running_proxy
from tests.proxy.upstream import ScriptedUpstream, answering


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    upstream = ScriptedUpstream()
    upstream.start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def proxy(provider: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    settings = {
        "SONNET_PROVIDER_BASE_URL": provider.url + "/base",
        "SONNET_PROVIDER_API_KEY": PROVIDER_KEY,
        "SONNET_PRICE": "3/15",
        "HAIKU_MODEL": "small-model-1",
        "HAIKU_PRICE": "1/5",
    }
    with running_proxy(tmp_path_factory.mktemp("proxy"), **settings) as running:
        yield running


@pytest.fixture
def upstream(provider: ScriptedUpstream) -> ScriptedUpstream:
    provider.received.clear()
    provider.script = answering({"model": "claude-sonnet-5-20260101", "usage": {"input_tokens": 3, "output_tokens": 2}})
    return provider
