"""What a call is recorded as: exactly what the provider said, or a floor where it did not say."""

import sqlite3
import threading

from tests.proxy.running import READ_TOKEN, RunningProxy, a_task, request, token
from tests.proxy.upstream import MESSAGE_COST, Exchange, ScriptedUpstream, answering, event, message_events, streaming


def test_a_stream_is_recorded_exactly(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    upstream.script = streaming(*message_events("Hello"))
    claims = a_task()
    assert proxy.message(token(claims), request(stream=True)).body == b"".join(message_events("Hello"))
    assert proxy.usage(claims.run) == {
        "run": claims.run, "calls": 1, "cost_usd": MESSAGE_COST / 1e6, "models": ["claude-sonnet-5-20260101"],
        "input_tokens": 100, "output_tokens": 25, "cache_read_tokens": 40, "cache_write_tokens": 8,
        "cache_write_1h_tokens": 0, "web_searches": 0,
    }  # fmt: skip


def test_an_answer_in_json_is_recorded_exactly(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    usage = {"input_tokens": 10, "output_tokens": 4, "cache_read_input_tokens": 5, "cache_creation_input_tokens": None}
    upstream.script = answering({"model": "small-model-1", "usage": usage})
    claims = a_task()
    proxy.message(token(claims), request("claude-haiku-9"))
    assert proxy.usage(claims.run) == {
        "run": claims.run, "calls": 1, "cost_usd": 31 / 1e6, "models": ["small-model-1"],  # 10 + 0.5 + 20, rounded up
        "input_tokens": 10, "output_tokens": 4, "cache_read_tokens": 5, "cache_write_tokens": 0,
        "cache_write_1h_tokens": 0, "web_searches": 0,
    }  # fmt: skip


def test_a_row_says_whose_call_it_was(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    claims = a_task(attempt=3)
    proxy.message(token(claims))
    proxy.usage_after(claims.run, 1)
    with sqlite3.connect(proxy.log.parent / "data" / "gateway.sqlite") as ledger:
        columns = "run, task, attempt, person, role, route, provider, status, outcome"
        rows = ledger.execute(f"SELECT {columns} FROM calls WHERE run = ?", (claims.run,)).fetchall()  # noqa: S608
    ledger.close()
    whose = (claims.run, claims.task, 3, "7", "pr_reviewer")
    assert rows == [(*whose, "sonnet", "anthropic", 200, "ok")]


def test_a_call_that_the_provider_refused_costs_nothing(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    upstream.script = answering({"type": "error"}, 529)
    claims = a_task()
    proxy.message(token(claims))
    usage = proxy.usage(claims.run)
    assert (usage["calls"], usage["cost_usd"], usage["models"]) == (1, 0, [])


def test_an_answer_without_usage_is_billed_by_the_size_of_the_request(
    proxy: RunningProxy, upstream: ScriptedUpstream
) -> None:
    upstream.script = answering({"content": []})
    claims = a_task()
    body = request(system="x" * 4000)
    proxy.message(token(claims), body)
    assert proxy.usage(claims.run)["input_tokens"] == len(body) // 4


def test_the_next_call_of_a_task_finds_the_last_one_counted(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    """The provider holds the connection open behind its last event; both workers must know the row already."""
    release = threading.Event()
    events = message_events("Hello")

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(b"".join(events))
        release.wait(timeout=10)
        exchange.end()

    upstream.script = script
    claims = a_task(budget_usd=0.0005)
    connection = proxy.connect()
    body = request(stream=True, max_tokens=30)
    connection.request("POST", "/v1/messages", body, {"x-api-key": token(claims)})
    response = connection.getresponse()
    response.read(len(b"".join(events)))
    assert {proxy.message(token(claims), request(max_tokens=30)).status for _ in range(8)} == {429}
    release.set()
    assert response.read() == b""
    connection.close()


def test_a_caller_that_leaves_ends_the_providers_work_and_pays_for_what_was_seen(
    proxy: RunningProxy, upstream: ScriptedUpstream
) -> None:
    left = []
    done = threading.Event()
    events = message_events(*["word"] * 50)

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(b"".join(events[:43]))  # 40 pieces of text, then silence
        left.append(exchange.wait_until_left())
        done.set()

    upstream.script = script
    claims = a_task()
    connection = proxy.connect()
    connection.request("POST", "/v1/messages", request(stream=True), {"x-api-key": token(claims)})
    response = connection.getresponse()
    assert response.read(len(events[0])) == events[0]
    response.close()
    connection.close()
    assert done.wait(timeout=10)
    assert left == [True]
    usage = proxy.usage_after(claims.run, 1)
    assert (usage["input_tokens"], usage["output_tokens"], usage["models"]) == (100, 40, [])


def test_a_caller_that_leaves_while_text_is_coming_ends_the_providers_work(
    proxy: RunningProxy, upstream: ScriptedUpstream
) -> None:
    ended = threading.Event()
    first, _, _, *texts = message_events("word" * 100)

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(first)
        exchange.send_until_left(texts[0])
        ended.set()

    upstream.script = script
    claims = a_task()
    connection = proxy.connect()
    connection.request("POST", "/v1/messages", request(stream=True), {"x-api-key": token(claims)})
    response = connection.getresponse()
    response.read(10_000)
    response.close()
    connection.close()
    assert ended.wait(timeout=10)
    usage = proxy.usage_after(claims.run, 1)
    assert usage["input_tokens"] == 100
    assert usage["output_tokens"] > 1


def test_a_caller_that_leaves_before_the_answer_begins_ends_the_providers_work(
    proxy: RunningProxy, upstream: ScriptedUpstream
) -> None:
    left = []
    arrived, done = threading.Event(), threading.Event()

    def script(exchange: Exchange) -> None:
        arrived.set()
        left.append(exchange.wait_until_left())
        done.set()

    upstream.script = script
    claims = a_task()
    connection = proxy.connect()
    connection.request("POST", "/v1/messages", request(), {"x-api-key": token(claims)})
    assert arrived.wait(timeout=10)
    connection.close()
    assert done.wait(timeout=10)
    assert left == [True]
    assert proxy.usage_after(claims.run, 1)["input_tokens"] == len(request()) // 4


def test_an_error_event_of_the_provider_is_passed_on_once(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    events = [message_events()[0], event("error", error={"type": "overloaded_error", "message": "Overloaded"})]
    upstream.script = streaming(*events)
    claims = a_task()
    assert proxy.message(token(claims), request(stream=True)).body == b"".join(events)
    assert proxy.usage(claims.run)["input_tokens"] == 100


def test_metrics_add_up(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    claims = a_task(role="a_role_of_its_own")
    proxy.message(token(claims), request("claude-opus-5"))
    proxy.usage_after(claims.run, 1)
    reply = proxy.call("GET", "/metrics", headers={"authorization": f"Bearer {READ_TOKEN}"})
    lines = [line.rsplit(" ", 1) for line in reply.body.decode().splitlines() if "a_role_of_its_own" in line]
    found = {name.partition("{")[0]: float(value) for name, value in lines if 'kind="' not in name}
    assert (found["gateway_calls_total"], found["gateway_cost_dollars_total"]) == (1, 65 / 1e6)
