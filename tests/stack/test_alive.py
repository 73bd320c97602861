"""A token dies with its lease, and lives on where nobody can say."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from native.desk import wait_until
from stack import alive
from stack.alive import Alive
from stack.errors import Refused
from stack.ids import uuid7
from stack.tokens import Claims
from tests.stack.leases import API_TOKEN, Leases, running_leases

SECONDS = 20


def a_task(attempt: int = 1) -> Claims:
    return Claims(
        run=str(uuid7()), task=str(uuid7()), person="telegram:1", role="pr_reviewer", attempt=attempt, budget_usd=1,
        expires=time.time() + 3600,
    )  # fmt: skip


def lives(asking: Alive, claims: Claims) -> bool:
    try:
        asking.check(claims)
    except Refused:
        return False
    return True


@pytest.fixture
def leases() -> Iterator[Leases]:
    with running_leases() as running:
        yield running


@pytest.fixture
def asking(leases: Leases) -> Alive:
    return Alive(leases.url + "/", API_TOKEN)


def test_a_task_that_is_worked_on_is_let_pass_and_asked_for_once_in_a_while(leases: Leases, asking: Alive) -> None:
    claims = a_task(attempt=3)
    for _ in range(100):
        asking.check(claims)
    assert leases.asked == [(claims.task, 3)]


def test_a_task_that_has_ended_is_refused_within_seconds(leases: Leases, asking: Alive) -> None:
    claims, other = a_task(), a_task()
    assert lives(asking, claims)
    leases.ended.add((claims.task, 1))
    wait_until(lambda: not lives(asking, claims), seconds=SECONDS)
    assert lives(asking, other)
    with pytest.raises(Refused, match="the task of this token has ended"):
        asking.check(claims)


def test_an_attempt_that_another_has_taken_the_place_of_is_refused(leases: Leases, asking: Alive) -> None:
    first = a_task(attempt=1)
    leases.ended.add((first.task, 1))
    assert not lives(asking, first)
    assert lives(asking, replace(first, attempt=2))


def test_a_lease_that_lives_again_opens_again(leases: Leases, asking: Alive) -> None:
    claims = a_task()
    leases.ended.add((claims.task, 1))
    assert not lives(asking, claims)
    leases.ended.clear()
    wait_until(lambda: lives(asking, claims), seconds=SECONDS)


# --- nobody to ask ------------------------------------------------------------------------------------


def test_with_no_answer_yet_a_task_is_let_pass(leases: Leases, asking: Alive, caplog: pytest.LogCaptureFixture) -> None:
    leases.go_away()
    assert all(lives(asking, a_task()) for _ in range(10))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "their tokens stay good" in caplog.text


def test_while_the_orchestrator_is_away_its_last_answer_counts(leases: Leases, asking: Alive) -> None:
    running, ended = a_task(), a_task()
    leases.ended.add((ended.task, 1))
    assert (lives(asking, running), lives(asking, ended)) == (True, False)
    leases.go_away()
    time.sleep(alive.ASK_SECONDS)
    assert [(lives(asking, running), lives(asking, ended)) for _ in range(3)] == [(True, False)] * 3
    leases.ended = {(running.task, 1)}
    leases.come_back()
    wait_until(lambda: (lives(asking, running), lives(asking, ended)) == (False, True), seconds=SECONDS)


def test_that_it_is_back_is_told_too(leases: Leases, asking: Alive, caplog: pytest.LogCaptureFixture) -> None:
    leases.go_away()
    claims = a_task()
    assert lives(asking, claims)
    leases.come_back()
    wait_until(lambda: lives(asking, claims) and leases.asked, seconds=SECONDS)
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "the orchestrator does not say which tasks run", "the orchestrator says again which tasks run",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "says",
    [
        (500, b""), (503, b'{"alive": false}'), (404, b'{"error": "there is no such page"}'), (200, b"<html>"),
        (200, b"[]"), (200, b'{"dead": true}'), (200, b"\xff"), (302, b""),
    ],
)  # fmt: skip
def test_what_is_no_answer_ends_no_work(leases: Leases, asking: Alive, says: tuple[int, bytes]) -> None:
    leases.says = says
    assert lives(asking, a_task())


def test_an_orchestrator_that_does_not_know_us_is_told_of_and_ends_no_work(
    leases: Leases, caplog: pytest.LogCaptureFixture
) -> None:
    assert lives(Alive(leases.url, "not-the-token"), a_task())
    assert "does not know our secret" in caplog.text
    assert "not-the-token" not in caplog.text


def test_an_orchestrator_that_hangs_holds_up_one_call_and_not_every_one(leases: Leases, asking: Alive) -> None:
    leases.delay_seconds = alive.TIMEOUT_SECONDS + 1
    assert all(lives(asking, a_task()) for _ in range(20))
    assert len(leases.asked) == 1


# --- many ---------------------------------------------------------------------------------------------


def test_many_threads_ask_for_a_task_once(leases: Leases, asking: Alive) -> None:
    claims, together = a_task(), threading.Barrier(16)
    leases.delay_seconds = 0.1

    def check(_: int) -> bool:
        together.wait(SECONDS)
        return all(lives(asking, claims) for _ in range(100))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(check, range(16)))
    assert 1 <= len(leases.asked) <= 16  # those that were first at the same moment


def test_only_so_many_answers_are_kept_and_those_that_ask_stay(
    leases: Leases, asking: Alive, caplog: pytest.LogCaptureFixture
) -> None:
    leases.go_away()  # it is about what is kept, not about the answers
    caplog.set_level(logging.ERROR)
    first = a_task()
    for number in range(alive.KEPT + 200):
        asking.check(a_task())
        if number % 100 == 0:
            asking._keep((first.task, 1), True)
    assert len(asking._known) == alive.KEPT
    assert (first.task, 1) in asking._known
