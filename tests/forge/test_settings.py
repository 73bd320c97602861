"""The forge's settings, and the tasks that it does not take."""

from pathlib import Path

import pytest

from forge.settings import ForgeSettings
from stack.errors import GiveUp
from stack.ids import uuid7
from stack.messages import Failure, PullRequest, ReviewPullRequest, Signal, Task
from tests.forge.conftest import World

REAL_LOOKING = "ghp_" + "notARealOne" * 3


def settings(**more: str) -> ForgeSettings:
    given = {"broker_url": "amqp://127.0.0.1", "forge_token_key": "not-a-key", "github_token": "not-a-token"}
    return ForgeSettings(data_dir=Path("data"), **{**given, **more})  # type: ignore[arg-type]


def test_without_more_the_forge_works_with_the_real_github() -> None:
    found = settings(github_token=REAL_LOOKING)

    found.refuse_real_token()
    assert (found.github_api_url, found.github_url) == ("https://api.github.com", "https://github.com")


@pytest.mark.parametrize("name", ["github_url", "github_api_url"])
def test_a_token_that_looks_real_is_not_sent_to_a_simulator(name: str) -> None:
    settings(**{name: "http://127.0.0.1:8081"}).refuse_real_token()
    with pytest.raises(SystemExit, match="GITHUB_TOKEN looks real"):
        settings(github_token=REAL_LOOKING, **{name: "http://127.0.0.1:8081"}).refuse_real_token()


def test_an_address_has_no_slash_at_its_end_and_is_http() -> None:
    assert settings(github_url="https://github.com/").github_url == "https://github.com"
    with pytest.raises(ValueError, match="must begin with"):
        settings(github_url="ext::sh -c x")


def test_what_is_no_task_is_not_taken(world: World) -> None:
    with pytest.raises(GiveUp, match="a signal is not for the forge"):
        world.handle(Signal(task_id=uuid7()))


def test_a_task_for_somebody_else_is_given_up(world: World) -> None:
    pull = world.fetch("acme/shop", 12)
    assert isinstance(pull, PullRequest)
    task = Task(run_id=uuid7(), role="forge", step="review", brief=ReviewPullRequest(pull=pull))
    world.handle(task)

    outcome = getattr(world.sender.published[-1], "outcome", None)
    assert outcome == Failure(what="the forge does not know how to review_pull_request", next="give_up")
