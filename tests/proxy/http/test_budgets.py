"""Budgets and limits over HTTP: many calls at once, on two workers, spend what they may and one call more at most."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stack.tokens import Claims
from tests.proxy.http.gateways import provider, running_gateway
from tests.proxy.http.lanes import HELLO, Lane, rows
from tests.proxy.running import Reply, RunningProxy, a_task, request, token
from tests.proxy.upstream import MESSAGE_COST, Exchange, ScriptedUpstream, answering

CALLS = 100
AFFORDABLE = 12  # calls
CALL_SECONDS = 0.05
CENT = {"usage": {"input_tokens": 10_000 // 3, "output_tokens": 1}}  # 9,999 and 15 micro-dollars
CENT_MICRO = 10_014


@pytest.mark.parametrize("streamed", [True, False])
def test_a_hundred_calls_at_once_spend_one_call_too_much_at_most(streamed: bool, lane: Lane) -> None:
    def script(exchange: Exchange) -> None:
        time.sleep(CALL_SECONDS)
        (lane.streams(HELLO) if streamed else lane.answers(HELLO))(exchange)

    lane.upstream.script = script
    budget = AFFORDABLE * MESSAGE_COST - 100
    claims = a_task(budget_usd=budget / 1e6)
    key, body = token(claims), lane.body(stream=streamed, max_tokens=30)
    with ThreadPoolExecutor(CALLS) as threads:
        replies = list(threads.map(lambda _: lane.gateway.message(key, body), range(CALLS)))
    outcomes = Counter("ok" if reply.status == 200 else reply.json["error"]["type"] for reply in replies)
    assert set(outcomes) == {"ok", "billing_error"}
    spent = outcomes["ok"] * MESSAGE_COST
    assert budget <= spent <= budget + MESSAGE_COST  # and none of it is left
    used = lane.gateway.usage(claims.run)
    assert (used["calls"], round(used["cost_usd"] * 1e6)) == (outcomes["ok"], spent)
    assert len(lane.upstream.received) == outcomes["ok"]


def test_the_refusal_is_the_contracts(lane: Lane) -> None:
    claims = a_task(budget_usd=0.0007)
    assert lane.call(claims=claims).status == 200
    rows(lane.gateway, claims.run, 1)
    for streamed in (True, False):
        reply = lane.call(lane.body(stream=streamed), claims=claims)
        assert reply.error == (429, "billing_error")
        assert reply.json["error"]["message"].startswith("spend limit reached")
        assert reply.headers["x-should-retry"] == "false"
        assert "retry-after" not in reply.headers
    assert lane.gateway.usage(claims.run)["calls"] == 1


@pytest.mark.parametrize("most", [0, -1, -(10**9), -(10**30)])
def test_a_call_that_says_it_puts_out_less_than_nothing_holds_no_less(most: int, lane: Lane) -> None:
    """Else each of these would make room for others, and the limit would hold for none of them. What such a call holds
    is its input alone, of which two and a half fit into this budget; and then one call too much."""
    lane.upstream.script = slow_answer(lane)
    claims = a_task(budget_usd=MESSAGE_COST / 1e6)
    key, body = token(claims), lane.body(max_tokens=most)
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: lane.gateway.message(key, body), range(8)))
    assert {reply.status for reply in replies} <= {200, 400, 429}
    assert lane.gateway.usage(claims.run)["calls"] <= 3


@pytest.mark.parametrize("most", [10**12, 10**18, 10**30])
def test_a_call_that_wants_more_than_there_is_waits_for_nobody(most: int, lane: Lane) -> None:
    """It may be made as long as anything is left: so one call is too much, and no more than one."""
    claims = a_task()
    reply = lane.call(lane.body(max_tokens=most), claims=claims)
    assert reply.status in (200, 400)
    assert reply.status == 200 or reply.error == (400, "invalid_request_error")
    assert lane.call(claims=claims).status == 200


def slow_answer(lane: Lane) -> Any:
    def script(exchange: Exchange) -> None:
        time.sleep(0.3)
        lane.answers(HELLO)(exchange)

    return script


# Limits beside those of tasks


@pytest.fixture
def limited(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    """A run may cost 2 cents by the environment, a person 4 a day and 5 a month, all together 7 by the file."""
    upstream.script = answering(CENT)
    sections = {
        "providers.only": provider(upstream.url),
        "tiers": {"sonnet": "only"},
        "limits": {"person_day": 0.04, "day": 0.07},
    }
    settings = {"LIMIT_RUN_USD": "0.02", "LIMIT_PERSON_DAY_USD": "9"}
    with running_gateway(tmp_path_factory.mktemp("limited"), sections, **settings) as running:
        yield running


def spend(gateway: RunningProxy, claims: Claims) -> tuple[int, Reply]:
    """How many calls a run can make, one after the other, and what the first that it cannot make is told."""
    for calls in range(20):
        reply = gateway.message(token(claims), request(max_tokens=1))
        if reply.status != 200:
            return calls, reply
        rows(gateway, claims.run, calls + 1)
    raise AssertionError("there is no limit")


def test_runs_people_and_days_have_limits_of_their_own(limited: RunningProxy) -> None:
    told = []
    for person in ("1", "1", "1", "2", "2", "3"):
        told.append((person, *spend(limited, a_task(person=person))))
    assert [calls for _, calls, _ in told] == [2, 2, 0, 2, 1, 0]
    said = [reply.json["error"]["message"] for _, _, reply in told]
    assert all(reply.error == (429, "billing_error") for _, _, reply in told)
    assert ["this run's limit" in text for text in said] == [True, True, False, True, False, False]
    assert "your limit for today" in said[2]
    assert "the gateway's limit for today" in said[4]
    assert "the gateway's limit for today" in said[5]
    assert "$0.0400 of $0.04" in said[2] or "$0.0401 of $0.04" in said[2]
