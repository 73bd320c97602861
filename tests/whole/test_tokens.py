"""What a task's tokens open while it is worked on, they open no more once it has ended or was cancelled."""

import time
from collections.abc import Callable

import pytest
import requests

from native.desk import Desk
from stack.api import TaskView
from stack.ids import uuid7
from stack.roles import TokenKind
from stack.tokens import Claims, sign
from tests.whole.world import World

OPENED, REFUSED = 200, 401


def doors(world: World, task: TaskView) -> dict[TokenKind, Callable[[], int]]:
    """What each of the tokens of a task is answered with, at its door."""
    claims = Claims(
        run=str(uuid7()), task=str(task.id), person="telegram:1001", role=task.role, attempt=task.attempt,
        budget_usd=1, expires=time.time() + 3600, repository=f"acme/{world.name}",
    )  # fmt: skip
    secret, ports = world.stack.secret, world.stack.ports
    model = {"x-api-key": sign(secret("proxy", "MODEL_TOKEN_KEY"), "model", claims)}
    forge = {"Authorization": f"Bearer {sign(secret('forge', 'FORGE_TOKEN_KEY'), 'forge', claims)}"}
    refs = f"{ports.url('forge')}/git/acme/{world.name}/info/refs?service=git-upload-pack"
    return {
        "model": lambda: requests.get(f"{ports.url('proxy')}/v1/models", headers=model, timeout=10).status_code,
        "forge": lambda: requests.get(refs, headers=forge, timeout=10).status_code,
    }


def review_of(desk: Desk) -> TaskView:
    """The task of the newest run's review."""
    run = desk.api.run(desk.api.runs(limit=1)[0].id)
    return next(task for task in run.tasks if task.step == "review")


@pytest.mark.parametrize("kind", ["model", "forge"])
def test_a_token_dies_when_its_task_is_cancelled(world: World, desk: Desk, kind: TokenKind) -> None:
    world.model("hang")
    since = world.ask(f"/review {world.pull()}")
    world.until(world.slot_processes)
    door = doors(world, review_of(desk))[kind]
    assert door() == OPENED
    desk.person.say("/cancel")
    world.until(lambda: door() == REFUSED, seconds=15)
    assert desk.wait_for_ending(since).run.state == "cancelled"


def test_the_tokens_of_a_task_that_has_ended_are_dead(world: World, desk: Desk) -> None:
    ended = desk.run(f"/review {world.pull()}")
    assert ended.run.state == "verified"
    opened = doors(world, review_of(desk))
    for door in opened.values():
        world.until(lambda door=door: door() == REFUSED, seconds=15)  # type: ignore[misc]


def test_tokens_live_on_while_the_orchestrator_is_away(world: World, desk: Desk) -> None:
    world.model("slow", delay_seconds=2)
    since = world.ask(f"/review {world.pull()}")
    world.until(world.slot_processes)
    opened = doors(world, review_of(desk))
    assert {door() for door in opened.values()} == {OPENED}
    orchestrator = world.stack.services["orchestrator"]
    orchestrator.crash()
    time.sleep(3)  # longer than an answer counts
    assert {door() for door in opened.values()} == {OPENED}
    orchestrator.restart()
    assert desk.wait_for_ending(since).run.state == "verified"
