"""What all tests share: one private RabbitMQ, started when the first test asks for it."""

from collections.abc import Callable, Iterator

import pytest

from native.rabbitmq import installed
from tests.stack.rabbit import Rabbit


@pytest.fixture(scope="session")
def running_rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    """The broker of this test session."""
    if not installed():
        pytest.fail("this test needs a real RabbitMQ, and none is installed: run scripts/setup")
    rabbit = Rabbit(tmp_path_factory.mktemp("rabbit"))
    rabbit.node.start()
    yield rabbit
    rabbit.node.stop()


@pytest.fixture
def rabbit(running_rabbit: Rabbit) -> Rabbit:
    """The broker with all of its queues empty."""
    running_rabbit.purge()
    return running_rabbit


@pytest.fixture
def broker_url(rabbit: Rabbit) -> Callable[[str], str]:
    """The address of the broker for a user of the stack; all queues are empty."""
    return rabbit.url
