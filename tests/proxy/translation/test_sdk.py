"""The official SDK reads what we make of every recorded stream."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic, APIError, AsyncAnthropic, DefaultAsyncHttpxClient, DefaultHttpxClient
from anthropic.types import Message

from proxy.translation.message import to_message
from proxy.translation.request import to_openai
from proxy.translation.stream import StreamTranslator
from tests.proxy.translation.judging import PROVIDER, translated
from tests.proxy.translation.judging_requests import COMPLETION
from tests.proxy.translation.upstreams import ASKED, BAD, ESTIMATE, GEMINI, GOOD, KIMI, SIGNATURE, Upstream, cut

ASKING: dict[str, Any] = {"model": ASKED, "max_tokens": 99, "messages": [{"role": "user", "content": "hello"}]}


def streaming(upstream: Upstream, *, bites: int = 64) -> httpx2.MockTransport:
    """A server whose answer is the translated stream, in small pieces."""
    events, _ = translated(StreamTranslator, upstream.events)

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces(events, bites))

    return httpx2.MockTransport(answer)


class Pieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that comes in pieces."""

    def __init__(self, body: bytes, size: int) -> None:
        self._body = body
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        return cut(self._body, self._size)

    async def __aiter__(self) -> Any:
        for piece in cut(self._body, self._size):
            yield piece


def client(transport: httpx2.MockTransport) -> Anthropic:
    http = DefaultHttpxClient(transport=transport)
    return Anthropic(api_key="invented", base_url="http://translated.invalid", max_retries=0, http_client=http)


def told(message: Message) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for block in message.content:
        if block.type == "text":
            found.append(("text", block.text))
        elif block.type == "thinking":
            assert not block.signature
            found.append(("thinking", block.thinking))
        elif block.type == "tool_use":
            found.append(("tool_use", block.name, block.input))
    return found


@pytest.mark.parametrize("upstream", GOOD, ids=lambda upstream: upstream.name)
def test_the_sdk_puts_a_stream_together(upstream: Upstream) -> None:
    """§2.2 SSE order: blocks, stop reason, model and usage as the official accumulator has them."""
    with client(streaming(upstream)) as anthropic, anthropic.messages.stream(**ASKING) as stream:
        texts = "".join(stream.text_stream)
        message = stream.get_final_message()
    expected = [block if block[-1] is not None else (*block[:2], {}) for block in upstream.blocks]
    assert told(message) == expected
    assert texts == "".join(block[1] for block in upstream.blocks if block[0] == "text")
    assert (message.stop_reason, message.model) == (upstream.stop, ASKED)
    if upstream.usage is not None:
        assert message.usage.model_dump(exclude_none=True) == upstream.usage


@pytest.mark.parametrize("upstream", BAD, ids=lambda upstream: upstream.name)
def test_the_sdk_raises_where_a_stream_fails(upstream: Upstream) -> None:
    """§2.2 error mid-stream: the official client raises, and never takes the message for whole."""
    with (
        client(streaming(upstream)) as anthropic,
        pytest.raises(APIError) as raised,
        anthropic.messages.stream(**ASKING) as stream,
    ):
        stream.get_final_message()
    body: Any = raised.value.body
    assert body["error"]["type"] == upstream.error


def test_the_asynchronous_sdk_does_so_too() -> None:
    """§2.2 SSE order: one stream with thoughts, text and a call."""

    async def message() -> Message:
        http = DefaultAsyncHttpxClient(transport=streaming(KIMI, bites=1))
        async with (
            AsyncAnthropic(api_key="invented", base_url="http://translated.invalid", http_client=http) as anthropic,
            anthropic.messages.stream(**ASKING) as stream,
        ):
            return await stream.get_final_message()

    assert told(asyncio.run(message())) == list(KIMI.blocks)


def test_the_sdk_sends_a_signature_back() -> None:
    """§2.2 Gemini: what the SDK has of a call, sent back as it sends it, brings the provider's id and signature."""
    with client(streaming(GEMINI)) as anthropic, anthropic.messages.stream(**ASKING) as stream:
        message = stream.get_final_message()
    sent = [{"type": "tool_use", "id": block.id, "name": block.name, "input": block.input}
            for block in message.content if block.type == "tool_use"]  # fmt: skip
    results = [{"type": "tool_result", "tool_use_id": block["id"], "content": "done"} for block in sent]
    turns = [{"role": "assistant", "content": sent}, {"role": "user", "content": results}]
    request = {**ASKING, "messages": [*ASKING["messages"], *turns]}
    first, second = to_openai(request, model="gemini-3-pro", provider=PROVIDER)["messages"][1]["tool_calls"]
    assert (first["id"], second["id"]) == GEMINI.ids
    assert first["extra_content"] == {"google": {"thought_signature": SIGNATURE}}
    assert "extra_content" not in second


def test_the_sdk_reads_a_whole_answer() -> None:
    """§2.2 usage: a message that came whole has all that the official types ask for."""
    body = json.dumps(to_message(COMPLETION, asked=ASKED, input_estimate=ESTIMATE))
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "application/json"}, content=body)
    )
    with client(transport) as anthropic:
        message = anthropic.messages.create(**ASKING)
    assert [block[0] for block in told(message)] == ["thinking", "text", "tool_use", "tool_use"]
    assert (message.stop_reason, message.usage.input_tokens) == ("tool_use", 40)
    assert Message.model_validate(message.model_dump(), strict=True) == message
