"""Judges a translator: what it makes of every recorded stream and of telling requests, each violation by its row."""

import json
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from proxy.errors import ApiError
from proxy.gateway import Provider
from tests.proxy.translation.invariants import Block, Told, check, read
from tests.proxy.translation.upstreams import ALL, ASKED, ESTIMATE, Expected, Upstream, cut

PROVIDER = Provider("some-provider", "openai", "https://provider.invalid/v1", "bearer")
BLIND = Provider("blind-provider", "openai", "https://provider.invalid/v1", "bearer", reads_images=False)


class Translator(Protocol):
    finished: bool
    failed: bool
    started: bool
    error: tuple[int, str, str] | None

    def feed(self, chunk: bytes) -> bytes: ...

    def end(self) -> bytes: ...


New = Callable[..., Translator]


def translated(new: New, pieces: Iterable[bytes]) -> tuple[bytes, Translator]:
    """The events that a new translator makes of the pieces, and the translator after them."""
    translator = new(asked=ASKED, input_estimate=ESTIMATE, message_id="msg_fixed")
    return b"".join([*map(translator.feed, pieces), translator.end()]), translator


def judged_streams(new: New) -> list[str]:
    """The violations over all recorded streams, sent event by event, and in bites of 1, 7 and 4096 bytes."""
    found = []
    for upstream in ALL:
        try:
            found += [*_whole_and_cut(new, upstream), *_in_time(new, upstream)]
        except Exception as error:
            found.append(f"{upstream.row}: {upstream.name}: raised {error!r}")
    return found


def _whole_and_cut(new: New, upstream: Upstream) -> list[str]:
    events, translator = translated(new, upstream.events)
    found = judged(upstream, events, translator) + judged(upstream, *translated(new, [upstream.data]))
    for size in (1, 7, 4096):
        if translated(new, cut(upstream.data, size))[0] != events:
            found.append(f"UTF-8: {upstream.name}: other events where the stream is cut into bites of {size} bytes")
    return found


def judged(upstream: Upstream, events: bytes, translator: Translator) -> list[str]:
    """The violations in what was made of one recorded stream."""
    usage = None if upstream.error else upstream.usage
    found = [f"{violation} ({upstream.name})" for violation in check(events, asked=ASKED, usage=usage)]
    told = read(events)
    found += _content(upstream, told)
    error = told.error["type"] if told.error else ""
    if error != upstream.error:
        found.append(f"error mid-stream: {upstream.name}: error {error!r}, not {upstream.error!r}")
    if (translator.finished, translator.failed) != (not upstream.error, bool(upstream.error)):
        found.append(f"truncated upstream: {upstream.name}: finished {translator.finished}, failed {translator.failed}")
    if translator.started != upstream.started or (upstream.error and translator.error is None):
        found.append(f"first-event gate: {upstream.name}: started {translator.started}, error {translator.error}")
    if not upstream.error and told.stop_reason != upstream.stop:
        row = "finish reason" if "tool_use" in (told.stop_reason, upstream.stop) else "stop map"
        found.append(f"{row}: {upstream.name}: {told.stop_reason}, not {upstream.stop}")
    return found


def _content(upstream: Upstream, told: Told) -> list[str]:
    """What is lost, or in another place."""
    made = [_block(block) for block in told.blocks]
    return [] if made == list(upstream.blocks) else [f"{upstream.row}: {upstream.name}: {made}"]


def _block(block: Block) -> Expected:
    if block.kind != "tool_use":
        return (block.kind, block.text)
    try:
        return (block.kind, block.start.get("name"), json.loads("".join(block.pieces) or "{}"))
    except ValueError:
        return (block.kind, block.start.get("name"), None)


def _in_time(new: New, upstream: Upstream) -> list[str]:
    """Whether pieces come when the provider sends them: the first call's arguments before its last piece has come."""
    if "OpenAI, parallel" not in upstream.name:
        return []
    translator = new(asked=ASKED, input_estimate=ESTIMATE, message_id="msg_fixed")
    given = [translator.feed(event) for event in upstream.events]
    late = [n for n in (2, 3, 4, 6, 7) if b"partial_json" not in given[n]]
    return [f"tool args: {upstream.name}: held back: {late}"] if late else []


def refusal(to_openai: Callable[..., Any], request: dict[str, Any], provider: Provider = PROVIDER) -> ApiError | None:
    """The error that a request is refused with; None where it is not."""
    try:
        to_openai(request, model="some-model", provider=provider)
    except ApiError as error:
        return error
    return None
