"""Every secret inside the stack is renewed while it works; what was before is ended, and opens nothing any more."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pika
import pytest
import requests
from pika.exceptions import AMQPError

from native.desk import Desk
from native.stack import Stack
from orchestrator.tasks import LEASE_SECONDS
from stack.topology import USERS
from tests.whole.test_tokens import OPENED, REFUSED, doors, review_of
from tests.whole.world import World


def rotate(stack: Stack, *arguments: str) -> str:
    command = [sys.executable, "-m", "stack", "rotate", *arguments, "--folder", str(stack.secrets)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def values(stack: Stack) -> Iterator[str]:
    """Every secret inside."""
    for master in (stack.secrets / "init").iterdir():
        yield from master.read_text().split() if master.name != "broker" else ()


def is_let_in(url: str) -> bool:
    """Whether the broker takes this address's password."""
    try:
        pika.BlockingConnection(pika.URLParameters(url)).close()
    except AMQPError:
        return False
    return True


def api(stack: Stack, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{stack.ports.url('orchestrator')}/runs", headers=headers, timeout=10).status_code


def usage(stack: Stack, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{stack.ports.url('proxy')}/metrics", headers=headers, timeout=10).status_code


def at_work(world: World, desk: Desk) -> None:
    """Returns once Claude works on this person's review."""

    def claimed() -> bool:
        runs = desk.api.runs(person=f"telegram:{desk.person.user_id}", limit=1)
        tasks = desk.api.run(runs[0].id).tasks if runs else ()
        return any((task.step, task.state) == ("review", "claimed") for task in tasks) and bool(world.slot_processes())

    world.until(claimed)


@pytest.fixture
def pull(world: World) -> str:
    return world.pull()


def test_everything_is_renewed_while_a_review_is_under_way(world: World, desk: Desk, pull: str) -> None:
    stack = world.stack
    before = [*values(stack)]
    urls = {user: stack.secret(user, "BROKER_URL") for user in USERS}
    token, read = stack.secret("cli", "API_TOKEN"), stack.secret("proxy", "PROXY_READ_TOKEN")
    world.model("slow", delay_seconds=2)
    since = world.ask(f"/review {pull}")
    at_work(world, desk)
    old = doors(world, review_of(desk))

    said = rotate(stack, "all")
    # what was shown before still opens, and so does the new
    assert [door() for door in (*old.values(), *doors(world, review_of(desk)).values())] == [OPENED] * 4
    assert api(stack, token) == api(stack, stack.secret("cli", "API_TOKEN")) == OPENED
    assert usage(stack, read) == usage(stack, stack.secret("proxy", "PROXY_READ_TOKEN")) == OPENED
    for user, url in urls.items():
        world.until(lambda user=user: is_let_in(stack.secret(user, "BROKER_URL")))  # type: ignore[misc]
        assert not is_let_in(url)
    ended = desk.wait_for_ending(since)
    assert (ended.run.state, world.review_attempts(ended)) == ("verified", 1)

    # everybody connects anew: with the renewed password
    stack.broker.stop()
    stack.broker.start()
    world.behave()
    again = desk.run(f"/review {pull} fresh")
    assert again.run.state == "verified"
    assert again.run.cost_usd > 0  # the orchestrator reads it with the renewed token
    assert len(world.reviews()) == 1  # what a former key has signed is known as ours

    said += rotate(stack, "all", "--end", "--now")
    assert api(stack, token) == usage(stack, read) == REFUSED
    assert api(stack, stack.secret("cli", "API_TOKEN")) == OPENED
    assert desk.run(f"/review {pull} fresh").run.state == "verified"
    assert len(world.reviews()) == 1

    logs = "".join(path.read_text() for path in (stack.folder / "logs").glob("*.log"))
    assert not [text for text in (*before, *values(stack)) if text in said + logs]


def test_what_a_leaked_key_has_signed_opens_nothing_from_now_on(world: World, desk: Desk, pull: str) -> None:
    world.model("hang")
    since = world.ask(f"/review {pull}")
    at_work(world, desk)
    old = doors(world, review_of(desk))
    assert {door() for door in old.values()} == {OPENED}
    rotate(world.stack, "model-tokens", "--now")
    rotate(world.stack, "forge-tokens", "--now")
    assert {door() for door in old.values()} == {REFUSED}
    desk.person.say("/cancel")  # if it has not failed by itself yet
    assert desk.wait_for_ending(since).run.state in ("cancelled", "failed")
    world.behave()
    assert desk.run(f"/review {pull}").run.state == "verified"


def test_a_claimed_task_outlives_the_key_that_its_process_is_known_by(world: World, desk: Desk, pull: str) -> None:
    world.model("slow", delay_seconds=4)
    since = world.ask(f"/review {pull}")
    at_work(world, desk)
    rotate(world.stack, "instance")
    time.sleep(LEASE_SECONDS / 2)  # within it the lease is renewed, and the process handed its new token
    rotate(world.stack, "instance", "--end", "--now")
    ended = desk.wait_for_ending(since)
    assert (ended.run.state, world.review_attempts(ended)) == ("verified", 1)
