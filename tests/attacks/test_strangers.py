"""Somebody takes the port of a service that died: who calls it tells him nothing that opens anything, and goes on with
the genuine one when that is back."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from native.desk import Desk
from native.rabbitmq import free_port
from stack.proof import PATH
from tests.stack.strangers import Answer, Stranger, agreeing, http, reflecting, stranger
from tests.whole.world import World

SECONDS = 20.0


@contextmanager
def taken(world: World, service: str, answer: Answer = reflecting) -> Iterator[Stranger]:
    """The service is dead, and a stranger listens on its port; then it is started again."""
    process = world.stack.services[service]
    process.kill()
    try:
        with stranger(answer, port=urlsplit(world.stack.ports.url(service)).port or 0) as other:
            yield other
    finally:
        process.restart()


def inside(world: World) -> set[str]:
    """Every secret inside the stack that there is a copy of."""
    masters = (world.stack.secrets / "init").iterdir()
    return {text for master in masters if master.name != "broker" for text in master.read_text().split()}


def told_nothing(world: World, other: Stranger) -> None:
    assert other.was_called()
    assert other.opens(*inside(world)) == []


@pytest.mark.parametrize("answer", [agreeing, reflecting])
def test_in_the_orchestrators_place(world: World, desk: Desk, answer: Answer) -> None:
    """The agent renews its lease, the proxy asks for the task, and the bot for the person's runs."""
    world.model("slow", delay_seconds=3)
    since = world.ask(f"/review {world.pull()}")
    world.until(world.slot_processes)
    with taken(world, "orchestrator", answer) as other:
        desk.person.say("/status")
        # the names of secrets that they have in common with it: of three, each its own
        world.until(lambda: len(names(other)) >= 3 or other.opens(), seconds=SECONDS)
        told_nothing(world, other)
    assert desk.wait_for_ending(since).run.state == "verified"


def names(other: Stranger) -> set[bytes]:
    """By which secrets he was asked for a proof: each is one caller."""
    return {one.split(b"secret=")[1].split(b"&")[0] for one in other.heard if b"secret=" in one}


def test_in_the_forges_place(world: World, desk: Desk) -> None:
    """An agent has been given a task, and would fetch the repository."""
    with world.on("review.claimed", lambda: world.stack.services["forge"].kill()) as died:
        since = world.ask(f"/review {world.pull()}")
        assert died.wait(SECONDS)
    with taken(world, "forge") as other:
        world.until(other.was_called, seconds=SECONDS)
        world.until(lambda: len(other.heard) >= 2 or other.opens(), seconds=SECONDS)
        told_nothing(world, other)
    assert desk.wait_for_ending(since).run.state == "verified"


def test_in_the_proxys_place(world: World, desk: Desk) -> None:
    """Claude Code would call the model with the task's token; the runner leads it there, and does not."""
    world.model("slow", delay_seconds=2)
    since = world.ask(f"/review {world.pull()}")
    world.until(world.slot_processes)
    with taken(world, "proxy") as other:
        world.until(lambda: len(other.heard) >= 2 or other.opens(), seconds=SECONDS)
        told_nothing(world, other)
    assert desk.wait_for_ending(since).run.state == "verified"


def test_who_hands_on_what_another_service_proves(world: World, desk: Desk) -> None:
    """The forge cannot prove that it is the orchestrator, though it shares a token with it."""
    forge = world.stack.ports.url("forge")

    def asking_the_forge(heard: bytes) -> bytes:
        path = heard.split(b" ")[1].decode() if heard.endswith(b"\r\n\r\n") else PATH
        return http(requests.get(f"{forge}{path}", timeout=5).content)

    with taken(world, "orchestrator", asking_the_forge) as other:
        desk.person.say("/status")
        world.until(other.was_called, seconds=SECONDS)
        told_nothing(world, other)


def test_a_free_port_is_no_service() -> None:
    """So that the tests above would notice: a stranger hears what a caller without the guard would show."""
    with stranger(agreeing, port=free_port()) as other:
        requests.get(other.url, headers={"Authorization": "Bearer x"}, timeout=5)
        assert other.opens() != []
