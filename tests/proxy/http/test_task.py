"""What a task has spent of its budget, asked with its own token: that costs nothing, and opens no other's."""

from collections.abc import Iterator
from secrets import token_hex

import pytest

from proxy.ledger.ledger import Ledger, open_ledger
from stack.tokens import Claims
from tests.proxy.http.lanes import HELLO, Lane, rows
from tests.proxy.running import Reply, RunningProxy, a_task, token
from tests.proxy.upstream import MESSAGE_COST

OFTEN = 8  # calls on new connections, so that both workers have some


def spent(gateway: RunningProxy, claims: Claims, **more: str) -> Reply:
    return gateway.call("GET", "/task", headers=more or {"x-api-key": token(claims)})


def test_a_task_that_has_not_begun_has_spent_nothing(gateway: RunningProxy) -> None:
    reply = spent(gateway, a_task(budget_usd=2.0))
    assert (reply.status, reply.json) == (200, {"spent_usd": 0, "budget_usd": 2.0})


def test_what_was_spent_is_known_with_the_last_byte_of_each_call_in_every_worker(lane: Lane) -> None:
    lane.upstream.script = lane.streams(HELLO)
    claims = a_task(budget_usd=0.5)
    for number in range(1, 4):
        lane.stream(claims=claims)
        said = [spent(lane.gateway, claims).json for _ in range(OFTEN)]
        assert said == [{"spent_usd": number * MESSAGE_COST / 1e6, "budget_usd": 0.5}] * OFTEN


def test_all_attempts_of_a_task_spend_from_one_budget_and_other_tasks_from_their_own(lane: Lane) -> None:
    first = a_task()
    lane.call(claims=first)
    second, other = a_task(run=first.run, task=first.task, attempt=2), a_task(run=first.run)
    lane.call(claims=second)
    rows(lane.gateway, first.run, 2)
    assert spent(lane.gateway, second).json["spent_usd"] == 2 * MESSAGE_COST / 1e6
    assert spent(lane.gateway, other).json["spent_usd"] == 0


def test_asking_costs_nothing_is_counted_nowhere_and_needs_no_money(lane: Lane) -> None:
    lane.upstream.received.clear()
    claims = a_task(budget_usd=0.0)
    assert spent(lane.gateway, claims).json == {"spent_usd": 0, "budget_usd": 0}
    assert lane.gateway.usage(claims.run)["calls"] == 0
    assert lane.upstream.received == []


def test_a_bearer_token_is_as_good(gateway: RunningProxy) -> None:
    claims = a_task()
    assert spent(gateway, claims, authorization=f"Bearer {token(claims)}").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"x-nothing": "1"},
        {"x-api-key": "junk"},
        {"x-api-key": token(a_task(), key="another-key")},
        {"x-api-key": token(a_task(), kind="forge")},
        {"x-api-key": token(a_task(expires=1.0))},
    ],
    ids=["none", "junk", "forged", "another kind", "expired"],
)
def test_who_may_not_call_may_not_ask(headers: dict[str, str], gateway: RunningProxy) -> None:
    reply = spent(gateway, a_task(), **headers)
    assert reply.error == (401, "authentication_error")


@pytest.fixture
def ledger(gateway: RunningProxy) -> Iterator[Ledger]:
    opened = open_ledger(gateway.log.parent / "data" / "gateway.sqlite", f"test:{token_hex(4)}")
    yield opened
    opened.close()


def test_a_person_with_a_client_key_has_no_task(ledger: Ledger, gateway: RunningProxy) -> None:
    key = ledger.keys.make(f"person-{token_hex(4)}")
    assert spent(gateway, a_task(), **{"x-api-key": key}).error == (403, "permission_error")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_there_is_nothing_but_to_ask(method: str, gateway: RunningProxy) -> None:
    reply = gateway.call(method, "/task", b"{}", {"x-api-key": token(a_task())})
    assert reply.status == 405
