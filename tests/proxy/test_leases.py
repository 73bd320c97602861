"""A task's token dies with its lease, while whoever pays for no task is not asked about."""

import threading
import time
from collections.abc import Iterator

import pytest

from proxy.ledger.ledger import open_ledger
from tests.proxy.running import PROVIDER_KEY, Reply, RunningProxy, a_task, request, running_proxy, token
from tests.proxy.upstream import ScriptedUpstream
from tests.stack.leases import API_TOKEN, Leases, running_leases

SECONDS = 20
ANSWER_SECONDS = 2.0  # so long an answer of the orchestrator counts


@pytest.fixture(scope="module")
def orchestrator() -> Iterator[Leases]:
    with running_leases() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    orchestrator: Leases, provider: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningProxy]:
    settings = {
        "SONNET_PROVIDER_BASE_URL": provider.url,
        "SONNET_PROVIDER_API_KEY": PROVIDER_KEY,
        "ORCHESTRATOR_URL": orchestrator.url,
        "API_TOKEN": API_TOKEN,
        "PROXY_WORKERS": "1",  # each has answers of its own
    }
    with running_proxy(tmp_path_factory.mktemp("leases"), **settings) as running:
        yield running


@pytest.fixture
def leases(orchestrator: Leases) -> Iterator[Leases]:
    """As at the start of a test: all live, and nobody was asked."""
    orchestrator.ended.clear()
    orchestrator.asked.clear()
    yield orchestrator
    orchestrator.delay_seconds = 0


def until_refused(gateway: RunningProxy, claims: str) -> Reply:
    deadline = time.monotonic() + SECONDS
    while (reply := gateway.message(claims)).status == 200:
        assert time.monotonic() < deadline, "it is not refused"
        time.sleep(0.1)
    return reply


def test_a_task_that_has_ended_is_refused_in_every_way_and_others_go_on(
    gateway: RunningProxy, upstream: ScriptedUpstream, leases: Leases
) -> None:
    ended, other = a_task(), a_task()
    assert [gateway.message(token(claims)).status for claims in (ended, other)] == [200, 200]
    leases.ended.add((ended.task, 1))
    reply = until_refused(gateway, token(ended))
    assert reply.error == (401, "authentication_error")
    assert reply.headers["x-should-retry"] == "false"
    assert "the task of this token has ended" in reply.json["error"]["message"]
    upstream.received.clear()
    headers = {"x-api-key": token(ended)}
    ways = (("POST", "/v1/messages"), ("POST", "/v1/messages/count_tokens"), ("GET", "/v1/models"), ("GET", "/task"))
    for method, target in ways:
        for _ in range(4):
            reply = gateway.call(method, target, request() if method == "POST" else None, headers)
            assert reply.error == (401, "authentication_error")
    assert upstream.received == []
    assert gateway.message(token(other)).status == 200


def test_the_next_attempt_of_a_task_is_let_pass_where_the_first_is_not(
    gateway: RunningProxy, upstream: ScriptedUpstream, leases: Leases
) -> None:
    first = a_task()
    leases.ended.add((first.task, 1))
    assert gateway.message(token(first)).status == 401
    assert gateway.message(token(a_task(run=first.run, task=first.task, attempt=2))).status == 200


def test_an_orchestrator_that_is_away_ends_no_paid_work(
    gateway: RunningProxy, upstream: ScriptedUpstream, leases: Leases
) -> None:
    running, ended = a_task(), a_task()
    leases.ended.add((ended.task, 1))
    assert [gateway.message(token(claims)).status for claims in (running, ended)] == [200, 401]
    leases.go_away()
    try:
        time.sleep(ANSWER_SECONDS)
        for claims, status in ((running, 200), (a_task(), 200), (ended, 401)):
            assert gateway.message(token(claims)).status == status
        assert "their tokens stay good" in gateway.log.read_text()
    finally:
        leases.come_back()
    leases.ended.add((running.task, 1))
    assert until_refused(gateway, token(running)).status == 401


def test_the_orchestrator_is_asked_once_in_a_while_and_not_with_each_call(
    gateway: RunningProxy, upstream: ScriptedUpstream, leases: Leases
) -> None:
    claims = a_task()
    assert [gateway.message(token(claims)).status for _ in range(40)] == [200] * 40
    assert 1 <= leases.asked.count((claims.task, 1)) < 20


def test_an_orchestrator_that_takes_its_time_holds_up_nobody_else(
    gateway: RunningProxy, upstream: ScriptedUpstream, leases: Leases
) -> None:
    """The event loop goes on: whoever is new waits, whoever is known passes."""
    known = a_task()
    gateway.message(token(known))
    leases.delay_seconds = 1.5
    ended: list[str] = []

    def call(name: str, claims: str) -> None:
        assert gateway.message(claims).status == 200
        ended.append(name)

    waiting = [threading.Thread(target=call, args=("new", token(a_task()))) for _ in range(4)]
    for thread in waiting:
        thread.start()
    while len(leases.asked) < 1 + len(waiting):
        time.sleep(0.01)
    call("known", token(known))
    for thread in waiting:
        thread.join(SECONDS)
    assert ended == ["known", *["new"] * 4]


def test_a_person_with_a_client_key_is_nobodys_task(
    gateway: RunningProxy, upstream: ScriptedUpstream, leases: Leases
) -> None:
    ledger = open_ledger(gateway.log.parent / "data" / "gateway.sqlite", "test")
    try:
        key = ledger.keys.make("ada")
    finally:
        ledger.close()
    assert gateway.message(key).status == 200
    assert leases.asked == []


def test_a_forged_token_is_not_asked_about(gateway: RunningProxy, leases: Leases) -> None:
    assert gateway.message(token(a_task(), key="another-key")).status == 401
    assert leases.asked == []


def test_what_the_proxy_shows_to_the_orchestrator_is_in_no_log(gateway: RunningProxy, leases: Leases) -> None:
    gateway.message(token(a_task()))
    assert API_TOKEN not in gateway.log.read_text()
