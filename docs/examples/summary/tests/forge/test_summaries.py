"""Posting summaries on the simulator."""

from typing import Any

import pytest
import requests

from forge.summaries import Summaries
from stack.errors import TryAgain
from stack.ids import uuid7
from stack.work.review import PullRequest
from stack.work.summary import PostSummary
from tests.forge.conftest import World, assignment


def bodies(world: World, pull: PullRequest) -> list[str]:
    """The comments below the pull request."""
    url = f"{world.url}/repos/{pull.repository}/issues/{pull.number}/comments"
    found: list[dict[str, Any]] = requests.get(url, timeout=10).json()
    return [comment["body"] for comment in found]


def test_a_summary_whose_answer_was_lost_is_not_posted_again(world: World, shop: PullRequest) -> None:
    brief = PostSummary(repository=shop.repository, number=shop.number, lines=("It is faster.", "Thanks, @ada."))
    at, post = assignment(brief, run_id=uuid7()), Summaries(github=world.github, marks=world.marks).post
    world.fault(path_regex="/issues/1/comments$", method="POST", status=502, when="after")

    with pytest.raises(TryAgain):
        post(brief, at)
    posted = post(brief, at)

    assert posted.proven
    (body,) = bodies(world, shop)
    assert "- It is faster.\n" in body
    assert "Thanks, `@ada`." in body, "nobody is called by what a model wrote"
