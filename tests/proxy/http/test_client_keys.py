"""Client keys over HTTP: made in the ledger, good at once in every worker, and revoked at once."""

import time
from collections.abc import Iterator
from secrets import token_hex

import pytest

from proxy.ledger.ledger import Ledger, open_ledger
from tests.proxy.http.lanes import Lane
from tests.proxy.running import Reply, RunningProxy, a_task, request, token
from tests.proxy.upstream import MESSAGE_COST

OFTEN = 8  # calls on new connections, so that both workers have some


@pytest.fixture
def ledger(gateway: RunningProxy) -> Iterator[Ledger]:
    opened = open_ledger(gateway.log.parent / "data" / "gateway.sqlite", f"test:{token_hex(4)}")
    yield opened
    opened.close()


@pytest.fixture
def name() -> str:
    return f"person-{token_hex(4)}"


def often(lane: Lane, key: str) -> list[Reply]:
    return [lane.gateway.message(key, lane.body()) for _ in range(OFTEN)]


def test_a_key_is_good_at_once_and_revoked_at_once(name: str, ledger: Ledger, lane: Lane) -> None:
    key = ledger.keys.make(name)
    assert {reply.status for reply in often(lane, key)} == {200}
    bearer = lane.gateway.call("POST", "/v1/messages", lane.body(), {"authorization": f"Bearer {key}"})
    assert bearer.status == 200
    ledger.keys.revoke(name)
    for reply in often(lane, key):
        assert reply.error == (401, "authentication_error")
        assert reply.headers["x-should-retry"] == "false"
    assert lane.gateway.call("GET", "/v1/models", headers={"x-api-key": key}).status == 401
    counted = lane.gateway.call("POST", "/v1/messages/count_tokens", lane.body(), {"x-api-key": key})
    assert counted.status == 401
    assert len(lane.upstream.received) == OFTEN + 1


def test_its_calls_are_counted_under_its_name(name: str, ledger: Ledger, lane: Lane) -> None:
    key = ledger.keys.make(name)
    lane.gateway.message(key, lane.body(), {"x-claude-code-session-id": "a-session"})
    deadline = time.monotonic() + 5
    while not (found := ledger.rows("SELECT * FROM calls WHERE client = ?", (name,))):
        assert time.monotonic() < deadline
    row = found[0]
    assert (row["run"], row["task"], row["person"], row["role"]) == ("", "", "", "client")
    assert (row["session"], row["outcome"], row["micro_dollars"]) == ("a-session", "ok", MESSAGE_COST)
    assert ledger.account(f"key/{name}") == (MESSAGE_COST, 0)


def test_a_key_expires(name: str, ledger: Ledger, lane: Lane) -> None:
    key = ledger.keys.make(name, expires=time.time() + 0.5)
    assert lane.gateway.message(key, lane.body()).status == 200
    time.sleep(0.55)
    assert {reply.error for reply in often(lane, key)} == {(401, "authentication_error")}


@pytest.mark.parametrize("limit", ["total_micro", "day_micro", "month_micro"])
def test_a_key_has_limits(limit: str, name: str, ledger: Ledger, lane: Lane) -> None:
    key = ledger.keys.make(name, **{limit: 2 * MESSAGE_COST})
    statuses = []
    for _ in range(4):
        statuses.append(lane.gateway.message(key, lane.body(max_tokens=30)))
        time.sleep(0.1)
    assert [reply.status for reply in statuses] == [200, 200, 429, 429]
    assert statuses[-1].error == (429, "billing_error")
    assert "this key's limit" in statuses[-1].json["error"]["message"]


def test_a_key_that_nobody_made_opens_nothing(ledger: Ledger, lane: Lane) -> None:
    for key in ("gk-", "gk-" + "a" * 43, "gk-' OR 1=1 --", "gk-%", "gk-\xff"):
        reply = lane.gateway.message(key, lane.body())
        assert reply.error == (401, "authentication_error")
    assert lane.upstream.received == []


def test_a_person_may_use_what_runs_on_the_providers_side(name: str, ledger: Ledger, pass_through: Lane) -> None:
    body = pass_through.body(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert pass_through.gateway.message(ledger.keys.make(name), body).status == 200
    assert pass_through.gateway.message(token(a_task()), body).status == 403


def test_neither_keys_nor_tokens_are_in_the_log_or_in_an_answer(name: str, ledger: Ledger, lane: Lane) -> None:
    key, task = ledger.keys.make(name), token(a_task())
    ledger.keys.revoke(name)
    bad = [lane.gateway.message(key, lane.body()), lane.gateway.message(task + "x", lane.body())]
    lane.upstream.script = lambda exchange: exchange.cut()
    bad += [lane.gateway.message(task, lane.body()), lane.gateway.message(task, request("unknown"))]
    told = lane.gateway.log.read_text() + "".join(str(reply) for reply in bad)
    for secret in (key, task, key.removeprefix("gk-")):
        assert secret not in told
