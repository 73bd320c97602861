"""The small parts on their own: usage from any pieces of a stream, the splice, prices."""

import json
import random
from decimal import Decimal

import pytest

from proxy.errors import ApiError
from proxy.event_stream import PassedThrough
from proxy.prices import PriceTable, price
from proxy.request import ModelRequest, with_model, without_billing_block, without_thinking
from proxy.usage import StreamReader, Usage, of_body
from tests.proxy.upstream import MESSAGE_COST, event, message_events

EXPECTED = Usage(input=100, output=25, cache_read=40, cache_write=8)


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same throws each time


def pieces_of(stream: bytes, seed: int) -> list[bytes]:
    cuts = sorted(dice(seed).choices(range(len(stream)), k=seed))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("seed", [0, 1, 2, 5, 30, 300, 3000])
def test_usage_is_the_same_however_the_stream_is_cut(seed: int, newline: bytes) -> None:
    stream = b"".join(message_events("é\n🙂", 'a "usage" in "message_stop"', "x" * 500)).replace(b"\n", newline)
    passed = PassedThrough("")
    out = b"".join(map(passed.feed, pieces_of(stream, seed)))
    assert out + passed.end() == stream
    assert passed.reader.finished
    assert passed.reader.reading.usage == EXPECTED
    assert passed.reader.reading.model == "claude-sonnet-5-20260101"


@pytest.mark.parametrize("seed", [0, 1, 5, 30, 300, 3000])
def test_only_the_first_models_name_is_put_back_however_the_stream_is_cut(seed: int) -> None:
    stream = b"".join(message_events('"message":{"model":"claude-sonnet-5-20260101"}'))
    passed = PassedThrough("mine")
    out = b"".join(map(passed.feed, pieces_of(stream, seed)))
    assert out == stream.replace(b'"model": "claude-sonnet-5-20260101"', b'"model": "mine"', 1)
    assert passed.reader.reading.model == "claude-sonnet-5-20260101"


def test_the_last_snapshot_wins_field_by_field() -> None:
    reader = StreamReader()
    reader.feed(event("message_start", message={"usage": {"input_tokens": 900, "output_tokens": 1}}))
    reader.feed(event("message_delta", usage={"input_tokens": 300, "cache_read_input_tokens": 600, "output_tokens": 9}))
    reader.feed(event("message_delta", usage={"input_tokens": None, "output_tokens": 12}))
    assert reader.reading.usage == Usage(input=300, output=12, cache_read=600)


def test_what_is_cached_for_an_hour_is_told_apart_also_where_a_later_snapshot_does_not_say() -> None:
    reader = StreamReader()
    split = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 90}
    start = {"input_tokens": 1, "cache_creation_input_tokens": 100, "cache_creation": split}
    reader.feed(event("message_start", message={"usage": start}))
    reader.feed(event("message_delta", usage={"cache_creation_input_tokens": 100, "output_tokens": 5}))
    assert reader.reading.usage == Usage(input=1, output=5, cache_write=10, cache_write_1h=90)


@pytest.mark.parametrize("odd", ["12", -1, 1.5, True, [], None])
def test_a_count_that_is_no_count_is_not_taken(odd: object) -> None:
    assert of_body(json.dumps({"usage": {"input_tokens": odd, "output_tokens": 2}}).encode()).usage == Usage(output=2)
    assert of_body(json.dumps({"usage": {"input_tokens": odd}}).encode()).usage is None


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b'{"usage": 3}', b"\xff"])
def test_a_body_without_usage_reads_as_nothing(body: bytes) -> None:
    assert of_body(body).usage is None


def test_output_that_was_seen_counts_where_the_last_word_is_missing() -> None:
    reader = StreamReader()
    reader.feed(b"".join(message_events("x" * 4000, "y")[:5]))
    usage = reader.reading.usage
    assert usage is not None
    assert 900 <= usage.output <= 1000


def test_a_splice_changes_the_model_and_nothing_else() -> None:
    for seed in range(200):
        wanted = random_object(dice(seed))
        wanted = {"model": f'odd "{seed}" \\ é'} | wanted if seed % 4 else wanted | {"model": f'odd "{seed}" \\ é'}
        wanted["model"] = f'odd "{seed}" \\ é'
        body = json.dumps(wanted, indent=seed % 3 or None, ensure_ascii=seed % 2 == 0).encode()
        found = ModelRequest(body)
        assert found.model == wanted["model"]
        assert found.asking_for("") == found.asking_for(found.model) == body
        spliced = found.asking_for("new-model")
        assert json.loads(spliced) == wanted | {"model": "new-model"}
        model = json.dumps(wanted["model"], ensure_ascii=seed % 2 == 0).encode()
        assert spliced.count(b'"new-model"') == 1
        assert spliced.replace(b'"new-model"', model) == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}', b'{"model":"a","model":"a"}', b'{"model":"a","mod\\u0065l":"a"}',
        b'{"n":1,"model":"a","model":"a"}', b'{"model":"a","stream":"yes"}', b'{"model":"a","max_tokens":"9"}',
        b'{"model":"a","tools":[3]}', b'{"model":"a","tools":{}}', b'\xef\xbb\xbf{"model":"a"}', b'{"model":null}',
    ],
)  # fmt: skip
def test_a_request_that_could_be_read_in_two_ways_or_none_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        ModelRequest(body)
    assert refused.value.status == 400


def test_what_runs_on_the_providers_side_is_seen() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"name": "own"}, {"type": "custom", "name": "b"}]
    body = {"model": "a", "tools": tools, "mcp_servers": [{"url": "x"}], "container": "c"}
    assert ModelRequest(json.dumps(body).encode()).server_side == ["web_search_20250305", "mcp_servers", "container"]
    assert ModelRequest(b'{"model":"a","tools":null,"mcp_servers":[],"container":null}').server_side == []


def test_only_the_block_that_bills_is_taken_out() -> None:
    billing = '{"type":"text","text":"x-anthropic-billing-header: cc_version=1"}'
    for where in ("{}, {}", "{},{}"):
        blocks = where.format(billing, '{"type": "text" , "text": "You are \\u00e9"}')
        body = f'{{"model":"a", "n": 1.50,"system":[{blocks}] ,"messages":[{{"content":"{{}}"}}]}}'
        kept = '[{"type": "text" , "text": "You are \\u00e9"}]'
        assert without_billing_block(body.encode()).decode() == body.replace(f"[{blocks}]", kept)
    assert without_billing_block(b'{"model":"a","system":"x-anthropic-billing-header"}').endswith(b'billing-header"}')


def test_without_thinking_a_history_keeps_everything_else() -> None:
    text, tool = {"type": "text", "text": "t"}, {"type": "tool_use", "id": "1", "name": "n", "input": {}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [thought, text, tool]},
        {"role": "assistant", "content": [thought, {"type": "redacted_thinking", "data": "x"}]},
    ]
    body = json.dumps({"model": "a", "messages": messages, "thinking": {"type": "adaptive"}}).encode()
    assert json.loads(without_thinking(body)) == {
        "model": "a", "thinking": {"type": "adaptive"},
        "messages": [messages[0], {"role": "assistant", "content": [text, tool]}],
    }  # fmt: skip


def test_the_model_of_a_whole_answer_is_put_back() -> None:
    answer = b'{"id":"1", "content":[{"model":"x"}], "model" : "real" }'
    assert with_model(answer, "asked") == answer.replace(b'"real"', b'"asked"')
    assert with_model(b"no json", "asked") == b"no json"


def random_object(thrown: random.Random, depth: int = 0) -> dict[str, object]:
    values = ["model", '"model": "x"', "}{", "\\", 0, 1.5, None, True, ["model", {"model": "inner"}]]
    names = thrown.sample(["a", "modelx", "Model", "é", 'mo"del', "messages", "", "z"], k=thrown.randrange(8))
    nested = {"model": random_object(thrown, depth + 1)} if depth < 3 else {}
    return {name: thrown.choice([*values, nested]) for name in names}


def test_an_escaped_name_is_still_the_model() -> None:
    assert ModelRequest(b'{"mod\\u0065l": "claude-opus-5"}').model == "claude-opus-5"


def test_prices_are_in_micro_dollars_and_rounded_up() -> None:
    assert price("3/15").cost(EXPECTED) == MESSAGE_COST
    assert price("1/5").cost(Usage(cache_read=1)) == 1
    assert price("0.27/1.10").cost(Usage(input=1000, output=10)) == 281
    assert price("5/25").cost(Usage()) == 0
    assert price("0.5/2").input == Decimal("0.5")
    assert price("2/10").cost(Usage(cache_write_1h=100, web_searches=1)) == 400 + 10_000
    assert price("2/10").most(input_tokens=10, output_tokens=10) == 40 + 100


def test_a_model_has_the_price_of_its_name_then_of_the_first_pattern_and_is_never_free() -> None:
    table = PriceTable({"a-*": price("1/1"), "a-b*": price("2/2"), "a-b": price("3/3")})
    assert [table.find(name).input for name in ("a-b", "a-bc", "x")] == [3, 1, 5]
