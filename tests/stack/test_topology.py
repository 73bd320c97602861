"""Who may do what on the broker: written out here by hand, and tried on a real one."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ChannelClosedByBroker, ProbableAuthenticationError

from native.desk import wait_until
from stack import topology
from stack.ids import dashed
from stack.roles import ROLES
from tests.stack.rabbit import ALL_QUEUES, Rabbit
from tests.stack.samples import RUN, ending, forge_task, progress, review_request, review_result, review_task

REQUESTS, RESULTS, BOT, FORGE, REVIEWER = (
    "orchestrator.requests", "orchestrator.results", "bot", "forge", "agent.pr-reviewer",
)  # fmt: skip
WORKERS = {dashed(role): topology.work_queue(role) for role in ROLES}  # user → its queue
OPERATOR = "cli"
SERVICES = ("orchestrator", "bot", *WORKERS)
USERS = (*SERVICES, OPERATOR)
READS = {
    "orchestrator": {REQUESTS, RESULTS},
    "bot": {BOT},
    **{user: {queue} for user, queue in WORKERS.items()},
    OPERATOR: {f"{queue}.dead" for queue in (REQUESTS, RESULTS, BOT, *WORKERS.values())},
}
SENDS = {
    "orchestrator": {BOT, *WORKERS.values()},
    "bot": {REQUESTS},
    **{user: {RESULTS} for user in WORKERS},
    OPERATOR: {REQUESTS, RESULTS, BOT, *WORKERS.values()},
}
DELAYS = {user: {f"{queue}.delay" for queue in READS[user]} for user in SERVICES} | {OPERATOR: set()}
TELLS = {
    "orchestrator": {"progress", "signals"},
    **{user: {"progress"} for user in ("bot", *WORKERS)},
    OPERATOR: set(),
}
HEARS = {"orchestrator": "progress", "bot": "progress", **dict.fromkeys(WORKERS, "signals")}
LISTENERS = set(HEARS)
REFUSED = 403

Act = Callable[[BlockingChannel], object]


@contextmanager
def connected(rabbit: Rabbit, user: str) -> Iterator[BlockingConnection]:
    connection = pika.BlockingConnection(pika.URLParameters(rabbit.url(user)))
    try:
        yield connection
    finally:
        connection.close()


def allowed(connection: BlockingConnection, act: Act) -> bool:
    """Whether the broker lets this user do it; a refusal costs a channel, not the connection."""
    channel = connection.channel()
    channel.confirm_delivery()
    try:
        act(channel)
    except ChannelClosedByBroker as error:
        if error.reply_code != REFUSED:
            raise
        return False
    channel.close()
    return True


def send(exchange: str, key: str) -> Act:
    return lambda channel: channel.basic_publish(exchange, key, b"{}")


def read(queue: str) -> Act:
    return lambda channel: channel.basic_get(queue)


@pytest.mark.parametrize("user", USERS)
def test_a_user_reads_its_own_queues_alone(rabbit: Rabbit, user: str) -> None:
    with connected(rabbit, user) as connection:
        assert {q for q in ALL_QUEUES if allowed(connection, read(q))} == READS[user]


@pytest.mark.parametrize("user", USERS)
def test_a_user_sends_to_the_queues_it_has_to_send_to_alone(rabbit: Rabbit, user: str) -> None:
    with connected(rabbit, user) as connection:
        can = {queue for queue in ALL_QUEUES if allowed(connection, send(topology.exchange_of(queue), ""))}
        assert can == SENDS[user] | DELAYS[user]


@pytest.mark.parametrize("user", USERS)
def test_nobody_goes_around_the_exchanges(rabbit: Rabbit, user: str) -> None:
    """The default exchange leads to every queue by its name."""
    with connected(rabbit, user) as connection:
        assert not any(allowed(connection, send("", queue)) for queue in ALL_QUEUES)
        assert not any(allowed(connection, send(exchange, "x")) for exchange in ("amq.topic", "amq.direct"))


@pytest.mark.parametrize("user", USERS)
def test_all_who_work_may_tell_of_progress_and_only_the_orchestrator_signals(rabbit: Rabbit, user: str) -> None:
    with connected(rabbit, user) as connection:
        said = {name for name in (topology.PROGRESS, topology.SIGNALS) if allowed(connection, send(name, f"x.{RUN}"))}
        assert said == TELLS[user]


@pytest.mark.parametrize("user", USERS)
def test_a_user_changes_nothing_that_is_shared(rabbit: Rabbit, user: str) -> None:
    with connected(rabbit, user) as connection:
        assert not any(allowed(connection, lambda c, q=q: c.queue_delete(q)) for q in ALL_QUEUES)  # type: ignore[misc]
        assert not allowed(connection, lambda c: c.queue_declare("new", durable=True))
        assert not allowed(connection, lambda c: c.exchange_declare("new"))
        assert not allowed(connection, lambda c: c.exchange_delete(topology.PROGRESS))
        assert not allowed(connection, lambda c: c.queue_bind(topology.QUEUES[0], topology.PROGRESS, "#"))


@pytest.mark.parametrize("user", USERS)
def test_a_listener_makes_queues_for_what_may_be_lost_alone(rabbit: Rabbit, user: str) -> None:
    own = f"{user}.listen.test"
    with connected(rabbit, user) as connection:
        assert allowed(connection, lambda c: c.queue_declare(own, exclusive=True)) == (user in LISTENERS)
        if user in LISTENERS:
            for exchange in (topology.PROGRESS, topology.SIGNALS, *map(topology.exchange_of, ALL_QUEUES)):
                assert allowed(connection, bind(own, exchange)) == (exchange == HEARS[user])
        foreign = {"orchestrator": "bot"}.get(user, "orchestrator")
        assert not allowed(connection, lambda c: c.queue_declare(f"{foreign}.listen.test", exclusive=True))


def bind(queue: str, exchange: str) -> Act:
    return lambda channel: channel.queue_bind(queue, exchange, "#")


@pytest.mark.parametrize("user", USERS)
def test_a_wrong_password_opens_nothing(rabbit: Rabbit, user: str) -> None:
    url = f"amqp://{user}:not-the-password@{rabbit.node.address}/%2F"
    with pytest.raises(ProbableAuthenticationError):
        pika.BlockingConnection(pika.URLParameters(url))


WAYS_IN = ("dead letter", "bound exchange", "alternate exchange", "CC header")


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.parametrize("user", sorted(LISTENERS - {"orchestrator"}))
def test_what_is_ones_own_is_no_way_into_the_queues_of_others(rabbit: Rabbit, user: str, way: str) -> None:
    """The broker checks rights on routing keys on the direct way alone; so rights are on exchanges."""
    own = f"{user}.listen.back-door"
    target = FORGE if user != "forge" else BOT

    def smuggle(channel: BlockingChannel) -> None:
        if way == "dead letter":
            arguments = {"x-message-ttl": 0, "x-dead-letter-exchange": topology.exchange_of(target)}
            channel.queue_declare(own, exclusive=True, arguments=arguments)
            channel.queue_bind(own, HEARS[user], "#")
            channel.basic_publish(topology.PROGRESS, f"step.{RUN}", b"smuggled")
        elif way == "bound exchange":
            channel.exchange_declare(own, "topic", auto_delete=True)
            channel.exchange_bind(topology.exchange_of(target), own, "#")
            channel.basic_publish(own, target, b"smuggled")
        elif way == "alternate exchange":
            channel.exchange_declare(
                f"{own}.2", "topic", arguments={"alternate-exchange": topology.exchange_of(target)}
            )
            channel.basic_publish(f"{own}.2", target, b"smuggled")
        else:
            copies = pika.BasicProperties(headers={"CC": [target], "BCC": [target]})
            channel.basic_publish(topology.exchange_of(min(SENDS[user])), target, b"smuggled", copies)

    with connected(rabbit, user) as connection:
        refused = not allowed(connection, smuggle)
        with pytest.raises(TimeoutError):
            wait_until(lambda: rabbit.depth(target) > 0, seconds=0.5)
        assert refused or way == "CC header"


def in_the_name_of(other: str, exchange: str) -> Act:
    properties = pika.BasicProperties(user_id=other)
    return lambda channel: channel.basic_publish(exchange, "", b"{}", properties)


@pytest.mark.parametrize("user", SERVICES)
def test_no_service_sends_in_the_name_of_another(rabbit: Rabbit, user: str) -> None:
    others = [name for name in USERS if name != user]
    for other in others:
        with connected(rabbit, user) as connection, pytest.raises(ChannelClosedByBroker, match="PRECONDITION_FAILED"):
            allowed(connection, in_the_name_of(other, topology.PROGRESS))


def test_what_the_operator_sends_again_is_still_of_its_first_sender(rabbit: Rabbit) -> None:
    with connected(rabbit, OPERATOR) as connection:
        assert allowed(connection, in_the_name_of("forge", topology.exchange_of(RESULTS)))
    assert rabbit.depth(RESULTS) == 1


def test_each_role_has_a_queue_of_its_own() -> None:
    assert WORKERS.items() >= {"forge": FORGE, "pr-reviewer": REVIEWER}.items()
    assert len(set(WORKERS.values()) | {REQUESTS, RESULTS, BOT}) == len(WORKERS) + 3


def test_each_message_has_one_queue_and_what_may_be_lost_has_none() -> None:
    assert topology.queue_of(review_request()) == REQUESTS
    assert topology.queue_of(review_result(review_task())) == RESULTS
    assert topology.queue_of(ending()) == BOT
    assert topology.queue_of(forge_task()) == FORGE
    assert topology.queue_of(review_task()) == REVIEWER
    with pytest.raises(TypeError, match="Progress has no queue"):
        topology.queue_of(progress())


def test_a_queue_is_safe_against_losing_its_dead_letters() -> None:
    queues = {q["name"]: q for q in topology.definitions(dict.fromkeys(topology.USERS, "x"))["queues"]}
    assert set(queues) == set(ALL_QUEUES)
    for name in topology.QUEUES:
        for safe in (queues[name], queues[f"{name}.delay"]):
            assert safe["durable"]
            assert safe["arguments"]["x-queue-type"] == "quorum"
            assert safe["arguments"]["x-overflow"] == "reject-publish"
            assert safe["arguments"]["x-dead-letter-strategy"] == "at-least-once"
        assert queues[name]["arguments"]["x-delivery-limit"] == 3
        assert queues[f"{name}.delay"]["arguments"]["x-message-ttl"] == topology.DELAY_SECONDS * 1000


def test_what_is_put_aside_is_not_thrown_away_for_being_looked_at() -> None:
    """To look is to give back, and RabbitMQ 4 has a limit of 20 where none is set. A limit of the queue itself counts
    too, the lower one."""
    made = topology.definitions(dict.fromkeys(topology.USERS, "x"))
    (policy,) = made["policies"]
    matched = {q["name"] for q in made["queues"] if re.search(policy["pattern"], q["name"])}
    assert matched == {f"{queue}.dead" for queue in topology.QUEUES}
    assert policy["definition"] == {"delivery-limit": topology.LOOKS_LIMIT}
    assert not [q for q in made["queues"] if q["name"] in matched and "x-delivery-limit" in q["arguments"]]


def test_the_definitions_hold_no_password() -> None:
    passwords = {user: f"not-a-password-{user}" for user in topology.USERS}
    assert "not-a-password" not in str(topology.definitions(passwords))
