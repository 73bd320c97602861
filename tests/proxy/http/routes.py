"""Routes from one provider to the next, for the tests of who serves a call.

Each case has a model, and providers, of its own: what one provider did must not tell against that of another case.
"""

from dataclasses import dataclass
from typing import Any

from native.rabbitmq import free_port
from tests.proxy.http.gateways import Values, provider
from tests.proxy.http.wires import AnthropicWire, OpenAiWire
from tests.proxy.running import Reply, RunningProxy, a_task, request, token
from tests.proxy.upstream import Script, ScriptedUpstream, answering

ANTHROPIC, OPENAI = AnthropicWire(), OpenAiWire()
MODELS = [f"case-{number}" for number in range(80)]


@dataclass(frozen=True)
class Case:
    """Calls of `model` go to `first`, then to `second`, which is asked for the model second-best."""

    gateway: RunningProxy
    first: ScriptedUpstream
    second: ScriptedUpstream
    model: str

    def call(self, headers: dict[str, str] | None = None, *, claims: Any = None, **more: Any) -> Reply:
        return self.gateway.message(token(claims or a_task()), request(self.model, **more), headers)

    @property
    def asked(self) -> tuple[int, int]:
        """How many requests each of the two has received."""
        return len(self.first.received), len(self.second.received)

    def by(self, reply: Reply) -> str:
        """Who answered: `first` or `second`."""
        return reply.headers["x-gateway-provider"].removeprefix(f"{self.model}-")


def sections(first: str, second: str, openai: str, leaving: str) -> dict[str, Values]:
    """The routes of all cases, and those of some that have more than two providers or another wire."""
    ways: dict[str, list[Any]] = {}
    found: dict[str, Values] = {}
    for model in MODELS:
        for name, url in (("first", first), ("second", second)):
            found[f"providers.{model}-{name}"] = provider(url)
        ways[model] = [f"{model}-first", f"{model}-second/second-best"]
    found["providers.leaving"] = provider(leaving)
    found["providers.away"] = provider(f"http://127.0.0.1:{free_port()}")
    found["providers.translated"] = provider(f"{openai}/v1", "openai")
    found["providers.picky"] = provider(f"{openai}/v1", "openai", reads_images=False)
    for name in ("a", "b", "c", "d"):
        found[f"providers.last-{name}"] = provider(second)
    ways |= {
        "away-first": ["away", "last-a/second-best"],
        "leaving-first": ["leaving", "last-a/second-best"],
        "all-away": ["away", {"provider": "away", "model": "another"}],
        "other-wire": ["last-b", "translated/openai-model"],
        "picky-first": ["picky", "last-c/second-best"],
        "worse": ["last-d", {"provider": "last-a", "model": "worse-model", "downgrade": True}],
    }
    found["tiers"] = {"haiku": "last-c/small-model", "sonnet": "last-c"}
    return {**found, "models": ways}


def other(case: Case, model: str) -> Case:
    return Case(case.gateway, case.first, case.second, model)


def failing(status: int, kind: str = "api_error") -> Script:
    return answering(ANTHROPIC.error(kind, f"no, {status}"), status)
