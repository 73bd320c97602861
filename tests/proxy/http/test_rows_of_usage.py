"""The rows of §2.2 on what was used, and on the name of the model, over HTTP, in both lanes."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.proxy.http.hearing import told
from tests.proxy.http.lanes import HELLO, Lane, rows
from tests.proxy.http.wires import COUNTED, text
from tests.proxy.running import a_task
from tests.proxy.translation.upstreams import DONE, chunk, usage_chunk
from tests.proxy.upstream import answering, event, streaming


def used(lane: Lane, *events: bytes) -> dict[str, Any]:
    """The ledger's row of a call with these events."""
    claims = a_task()
    told(lane, *events, claims=claims)
    return rows(lane.gateway, claims.run, 1)[0]


def test_what_came_from_the_cache_is_counted_once(lane: Lane) -> None:
    """§2.2 usage: input is the prompt without what was cached; in the stream, in the whole answer, in the ledger."""
    lane.upstream.script = lane.streams(HELLO)
    claims = a_task()
    lane.stream(claims=claims, usage=COUNTED)
    lane.upstream.script = lane.answers(HELLO)
    whole = lane.call(claims=claims).json["usage"]
    assert {name: whole[name] for name in COUNTED} == COUNTED
    for row in rows(lane.gateway, claims.run, 2):
        assert (row["input_tokens"], row["output_tokens"]) == (100, 25)
        assert (row["cache_read_tokens"], row["cache_write_tokens"]) == (40, 8)


def test_the_latest_report_counts_and_nothing_is_added_up(pass_through: Lane, translated: Lane) -> None:
    """§2.2 usage: Kimi and Qwen report the whole prompt first, and split it in the end; vLLM reports all along."""
    start, *middle, _, stop = pass_through.wire.events(HELLO, model=pass_through.given)
    message = json.loads(start.split(b"data: ")[1])["message"]
    message["usage"] = {"input_tokens": 900, "output_tokens": 0}
    deltas = [
        event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage)
        for usage in (
            {"input_tokens": 900, "output_tokens": 5},
            {"input_tokens": 300, "cache_read_input_tokens": 600, "output_tokens": 12},
        )
    ]
    row = used(pass_through, event("message_start", message=message), *middle, *deltas, stop)
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (300, 600, 12)

    counts = [{"prompt_tokens": 40, "completion_tokens": number} for number in (0, 1, 7)]
    row = used(
        translated, chunk({"content": "a"}, usage=counts[0]), chunk({"content": "b"}, usage=counts[1]),
        chunk({}, "stop", usage=counts[2]), DONE,
    )  # fmt: skip
    assert (row["input_tokens"], row["output_tokens"]) == (40, 7)


def test_the_message_begins_with_a_count_of_its_input(lane: Lane) -> None:
    """§2.2 message_start usage: never 0, since Claude Code takes a message's usage from there; corrected in the end."""
    lane.upstream.script = lane.streams(HELLO)
    body = lane.body(stream=True, system="The quick brown fox jumps over the lazy dog. " * 40)
    reply = lane.stream(body, usage=COUNTED)
    first = json.loads(reply.body.split(b"\n")[1].removeprefix(b"data: "))["message"]["usage"]
    if lane.translated:
        assert 400 <= first["input_tokens"] <= 900
    else:
        assert first["input_tokens"] == 100


def test_the_count_behind_the_reason_to_stop_is_read(translated: Lane) -> None:
    """§2.2 usage chunk: it is asked for, and comes in a chunk without choices, behind the finish reason."""
    row = used(
        translated, chunk({"content": "a"}), chunk({}, "stop"), usage_chunk(prompt_tokens=9, completion_tokens=4), DONE
    )
    assert (row["input_tokens"], row["output_tokens"]) == (9, 4)
    asked = json.loads(translated.upstream.received[0].body)
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
    translated.call()
    assert "stream_options" not in json.loads(translated.upstream.received[1].body)


def test_a_count_that_is_missing_is_estimated_and_never_nothing(translated: Lane) -> None:
    """§2.2 usage: unknown counts are left out of the stream, and the ledger has the least that it must have been."""
    claims = a_task()
    found = told(translated, chunk({"content": "word " * 400}), chunk({}, "stop"), DONE, claims=claims)
    assert "cache_read_input_tokens" not in found.usage
    (row,) = rows(translated.gateway, claims.run, 1)
    assert row["input_tokens"] > 0
    assert 400 <= row["output_tokens"] <= 600


def test_the_requested_model_is_put_back(mapped: Lane, translated: Lane) -> None:
    """§2.2 model alias: in message_start and in whole answers; every other byte stays as it was."""
    for lane in (mapped, translated):
        lane.upstream.script = lane.streams(HELLO)
        reply = lane.stream()  # which checks the name
        assert lane.given.encode() not in reply.body
        lane.upstream.script = lane.answers(HELLO)
        assert lane.call().json["model"] == lane.asked
    events = b"".join(mapped.wire.events(text('the "model": "the-model-1" is'), model="the-model-1"))
    mapped.upstream.script = streaming(events)
    asked = mapped.asked.encode()
    assert mapped.stream().body == events.replace(b'"model": "the-model-1"', b'"model": "%s"' % asked, 1)
    whole = mapped.wire.message(text('"model": "the-model-1"'), model="the-model-1")
    mapped.upstream.script = answering(whole)
    assert mapped.call().body == whole.replace(b'"model": "the-model-1"', b'"model": "%s"' % asked, 1)


@pytest.mark.parametrize("name", ["claude-haiku-5[1m]", "claude-3-5-haiku-20241022", "haiku", "vendor/claude-haiku@9"])
def test_names_that_claude_code_makes_are_known(name: str, mapped: Lane) -> None:
    """§2.2 model alias: with [1m], with a date, unknown: by the tier in them; the caller reads what it asked for."""
    reply = mapped.call(mapped.body(model=name))
    assert (reply.status, reply.json["model"], reply.headers["x-gateway-model"]) == (200, name, "the-model-1")
    assert json.loads(mapped.upstream.received[0].body)["model"] == "the-model-1"


def test_a_mark_for_the_long_context_is_no_part_of_the_models_name(pass_through: Lane) -> None:
    """§2.2 model alias: no provider knows a model with [1m] in its name."""
    name = f"{pass_through.asked}[1m]"
    pass_through.upstream.script = pass_through.streams(HELLO)
    reply = pass_through.call(pass_through.body(model=name, stream=True))
    assert json.loads(pass_through.upstream.received[0].body)["model"] == pass_through.asked
    assert pass_through.wire.events(HELLO, model=name)[0] in reply.body


def test_what_the_provider_answered_with_is_recorded(mapped: Lane) -> None:
    """§2.2 model alias: the ledger has both names."""
    claims = a_task()
    mapped.call(claims=claims)
    with closing(sqlite3.connect(mapped.gateway.log.parent / "data" / "gateway.sqlite")) as ledger:
        mapped.gateway.usage_after(claims.run, 1)
        found = ledger.execute("SELECT asked, model FROM calls WHERE run = ?", (claims.run,)).fetchone()
    assert found == (mapped.asked, "the-model-1")
