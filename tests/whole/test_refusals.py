"""Refusals of GitHub at posting, on the whole stack, by seed: nothing is lost, paid twice or posted twice."""

import random
from typing import Any

import pytest

from native.desk import Desk
from tests.whole.world import World

SEEDS = 25
MOST_RETRIES = 4

REFUSALS: tuple[dict[str, Any], ...] = (
    {"status": 403, "body": {"message": "Resource not accessible by personal access token"}},
    {"status": 403, "body": {"message": "You have exceeded a secondary rate limit."}, "headers": {"retry-after": "2"}},
    {"status": 403, "body": {"message": "Repository was archived so is read-only."}},
    {"status": 404, "body": {"message": "Not Found"}},
    {"status": 409, "body": {"message": "Conflict"}},
    {"status": 422, "body": {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}},
    {"status": 422, "body": {"message": "Unprocessable Entity", "errors": ["lock prevents review"]}},
    {"status": 429, "body": {"message": "Too many requests"}, "headers": {"retry-after": "2"}},
    {"status": 500},
    {"status": 502, "when": "after"},
    {"drop": True},
    {"drop": True, "when": "after"},
)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_refused_review_is_posted_once_in_the_end(world: World, desk: Desk, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - for tests
    pull = world.pull()
    posting = rf"{world.name}/pulls/1/reviews$"
    faults = [dict(chance.choice(REFUSALS), count=chance.randint(1, 2)) for _ in range(chance.randint(1, 2))]
    for fault in faults:
        world.github_fault(path_regex=posting, method="POST", **fault)

    reviewed = desk.run(f"/review {pull}")
    for _ in range(MOST_RETRIES):
        if reviewed.run.state != "failed":
            break
        assert "Change without a test" in reviewed.final["text"], faults
        reviewed = desk.run("/retry")

    assert reviewed.run.state == "verified", (faults, reviewed.final["text"])
    assert world.conversations() - world.conversations_before <= 1, faults
    (review,) = world.reviews()
    assert {comment["line"] for comment in review["comments"]} == {3}, faults
