"""The two lanes of a running gateway, each with the scripted provider behind it."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.tokens import Claims
from tests.proxy.http.wires import AnthropicWire, OpenAiWire, Part, Wire, text
from tests.proxy.running import PROVIDER_KEY, Reply, RunningProxy, a_task, request, running_proxy, token
from tests.proxy.translation.invariants import check
from tests.proxy.upstream import Script, ScriptedUpstream, answering, running_upstream, streaming

Upstreams = dict[str, ScriptedUpstream]

HELLO = text("Hello", " wörld 🙂")
SAID = "Hello wörld 🙂"


@dataclass(frozen=True)
class Lane:
    """A lane: calls of the model `asked` reach `upstream`, which is asked for `given` on its `wire`."""

    name: str
    gateway: RunningProxy
    upstream: ScriptedUpstream
    wire: Wire
    asked: str
    given: str

    @property
    def translated(self) -> bool:
        return self.name == "translated"

    def body(self, **more: Any) -> bytes:
        """A small request."""
        return request(**{"model": self.asked, **more})

    def streams(self, *parts: Part, headers: dict[str, str] | None = None) -> Script:
        """A script of the provider: it streams an answer."""
        return streaming(*self.wire.events(*parts, model=self.given), headers=headers)

    def answers(self, *parts: Part) -> Script:
        """A script of the provider: it gives an answer at once."""
        return answering(self.wire.message(*parts, model=self.given))

    def call(
        self, body: bytes | None = None, headers: dict[str, str] | None = None, *, claims: Claims | None = None
    ) -> Reply:
        """Asks for a message."""
        return self.gateway.message(token(claims or a_task()), body or self.body(), headers)

    def stream(
        self,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        claims: Claims | None = None,
        usage: dict[str, int] | None = None,
    ) -> Reply:
        """Asks for a stream, which must keep to the rules; `usage`: what a client must have counted at its end."""
        reply = self.call(body or self.body(stream=True), headers, claims=claims)
        assert reply.status == 200, reply.body
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert self.violations(reply.body, usage) == []
        return reply

    def violations(self, events: bytes, usage: dict[str, int] | None = None) -> list[str]:
        """What is wrong with a stream."""
        return check(events, translated=self.translated, asked=self.asked, usage=usage)


def rows(gateway: RunningProxy, run: str, count: int) -> list[dict[str, Any]]:
    """The ledger's rows of a run, oldest first, once there are that many."""
    deadline = time.monotonic() + 15
    while True:
        with closing(sqlite3.connect(gateway.log.parent / "data" / "gateway.sqlite")) as ledger:
            ledger.row_factory = sqlite3.Row
            found = ledger.execute("SELECT * FROM calls WHERE run = ? ORDER BY id", (run,)).fetchall()
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count
            return [dict(row) for row in found]
        time.sleep(0.02)


@contextmanager
def running_lanes(folder: Path) -> Iterator[tuple[RunningProxy, Upstreams]]:
    """A gateway and its providers: `anthropic` counts as Anthropic itself, `other` speaks its wire, `openai` the other
    one."""
    with running_upstream() as anthropic, running_upstream() as other, running_upstream() as openai:
        providers = {"anthropic": anthropic, "other": other, "openai": openai}
        settings = {
            "SONNET_PROVIDER": "custom-openai", "SONNET_PROVIDER_BASE_URL": f"{providers['openai'].url}/v1",
            "SONNET_PROVIDER_API_KEY": PROVIDER_KEY, "SONNET_MODEL": "the-model-1", "SONNET_PRICE": "3/15",
            "OPUS_PROVIDER": "anthropic", "OPUS_PROVIDER_BASE_URL": providers["anthropic"].url,
            "OPUS_PROVIDER_API_KEY": PROVIDER_KEY, "OPUS_PRICE": "3/15",
            "HAIKU_PROVIDER": "zai", "HAIKU_PROVIDER_BASE_URL": f"{providers['other'].url}/api",
            "HAIKU_PROVIDER_API_KEY": PROVIDER_KEY, "HAIKU_MODEL": "the-model-1", "HAIKU_PRICE": "3/15",
        }  # fmt: skip
        with running_proxy(folder, **settings) as running:
            yield running, providers


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
