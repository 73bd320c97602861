"""The official `anthropic` client through both lanes: sync and async, streamed and whole, with tools."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.types import Message, TextBlock, ToolUseBlock

from tests.proxy.http.lanes import HELLO, SAID, Lane
from tests.proxy.http.wires import text, use
from tests.proxy.running import a_task, token
from tests.proxy.upstream import Exchange

TOOLS: Any = [
    {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"name": "time", "description": "The time", "input_schema": {"type": "object"}},
]
QUESTION: Any = {"role": "user", "content": "How is it there?"}
# ids as both wires take them
WEATHER = use("toolu_01AAAAAAAAAAAAAAAAAAAAAA", "weather", city="Zürich 🏔")
TIME = use("toolu_01BBBBBBBBBBBBBBBBBBBBBB", "time")


@pytest.fixture
def client(lane: Lane) -> Iterator[Anthropic]:
    with Anthropic(base_url=lane.gateway.url, api_key=token(a_task()), max_retries=0, timeout=20) as client:
        yield client


def asking(lane: Lane, *messages: Any, **more: Any) -> Any:
    return {"model": lane.asked, "max_tokens": 99, "messages": [QUESTION, *messages], **more}


def said(message: Message) -> str:
    return "".join(block.text for block in message.content if isinstance(block, TextBlock))


def assert_whole(message: Message, lane: Lane) -> None:
    assert (said(message), message.stop_reason, message.model) == (SAID, "end_turn", lane.asked)
    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens) == (100, 25)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (40, 8)


def test_an_answer_comes_whole(client: Anthropic, lane: Lane) -> None:
    lane.upstream.script = lane.answers(HELLO)
    assert_whole(client.messages.create(**asking(lane)), lane)


def test_an_answer_streams(client: Anthropic, lane: Lane) -> None:
    lane.upstream.script = lane.streams(HELLO)
    with client.messages.stream(**asking(lane)) as stream:
        assert list(stream.text_stream) == list(HELLO.pieces)
        assert_whole(stream.get_final_message(), lane)


def test_a_bearer_token_opens_as_well(lane: Lane) -> None:
    with Anthropic(
        base_url=lane.gateway.url, auth_token=token(a_task()), api_key=None, max_retries=0, timeout=20
    ) as client:
        assert_whole(client.messages.create(**asking(lane)), lane)


def test_many_asynchronous_calls_at_once_do_not_mix(lane: Lane) -> None:
    def script(exchange: Exchange) -> None:
        number = exchange.received.body.split(b"number ")[1][:2].decode()
        parts = text(f"I am {number}", ", it seems"), use(f"toolu_{number}" * 3, "weather", city=number)
        is_stream = b'"stream":true' in exchange.received.body.replace(b" ", b"")
        (lane.streams(*parts) if is_stream else lane.answers(*parts))(exchange)

    async def one(client: AsyncAnthropic, number: int) -> Message:
        request = asking(lane, system=f"You are number {number}.", tools=TOOLS)
        if number % 2:
            whole: Message = await client.messages.create(**request)
            return whole
        async with client.messages.stream(**request) as stream:
            return await stream.get_final_message()

    async def all_of_them() -> list[Message]:
        async with AsyncAnthropic(
            base_url=lane.gateway.url, api_key=token(a_task()), max_retries=0, timeout=20
        ) as client:
            return await asyncio.gather(*(one(client, number) for number in range(10, 40)))

    lane.upstream.script = script
    for number, message in enumerate(asyncio.run(all_of_them()), start=10):
        assert said(message) == f"I am {number}, it seems"
        call = message.content[1]
        assert isinstance(call, ToolUseBlock)
        assert call.input == {"city": str(number)}


@pytest.mark.parametrize("streamed", [True, False])
def test_a_tool_goes_round(streamed: bool, client: Anthropic, lane: Lane) -> None:
    message = answered(client, lane, streamed, text("I look."), WEATHER)
    assert message.stop_reason == "tool_use"
    assert said(message) == "I look."
    call = message.content[1]
    assert isinstance(call, ToolUseBlock)
    assert (call.id, call.name, call.input) == (WEATHER.id, "weather", {"city": "Zürich 🏔"})

    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "Schnee ❄"}]}
    turns = {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}
    final = answered(client, lane, streamed, HELLO, turns=turns)
    assert_whole(final, lane)
    assert lane.wire.tool_names(lane.upstream.received[1].body) == {"weather", "time"}
    assert lane.wire.results(lane.upstream.received[1].body) == {WEATHER.id: "Schnee ❄"}


@pytest.mark.parametrize("streamed", [True, False])
def test_tools_in_parallel_go_round(streamed: bool, client: Anthropic, lane: Lane) -> None:
    message = answered(client, lane, streamed, WEATHER, TIME, WEATHER_AGAIN)
    calls = [block for block in message.content if isinstance(block, ToolUseBlock)]
    assert len(calls) == len(message.content) == 3
    assert [call.name for call in calls] == ["weather", "time", "weather"]
    assert [call.input for call in calls] == [{"city": "Zürich 🏔"}, {}, {"city": "Bern"}]

    results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": f"of {call.id}"} for call in calls]
    turns = {"role": "assistant", "content": message.content}, {"role": "user", "content": results}
    assert_whole(answered(client, lane, streamed, HELLO, turns=turns), lane)
    found = lane.wire.results(lane.upstream.received[1].body)
    assert found == {call.id: f"of {call.id}" for call in (WEATHER, TIME, WEATHER_AGAIN)}


WEATHER_AGAIN = use("toolu_01CCCCCCCCCCCCCCCCCCCCCC", "weather", city="Bern")


def answered(client: Anthropic, lane: Lane, streamed: bool, *parts: Any, turns: tuple[Any, ...] = ()) -> Message:
    """What the client makes of an answer of these parts."""
    request = asking(lane, *turns, tools=TOOLS)
    if not streamed:
        lane.upstream.script = lane.answers(*parts)
        whole: Message = client.messages.create(**request)
        return whole
    lane.upstream.script = lane.streams(*parts)
    with client.messages.stream(**request) as stream:
        return stream.get_final_message()


def test_tokens_are_counted_and_models_are_listed(client: Anthropic, lane: Lane) -> None:
    lane.upstream.script = lambda exchange: exchange.whole(200, b'{"input_tokens": 7}', {})
    counted = client.messages.count_tokens(model=lane.asked, messages=[QUESTION], tools=TOOLS).input_tokens
    assert counted > 20 if lane.translated else counted == 7
    assert "claude-opus" in [model.id for model in client.models.list(limit=1000)]
