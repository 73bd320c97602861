"""Five hundred refusals at posting, by seed: nothing that was found is lost, paid twice or posted twice."""

import random
from typing import Any

import pytest

from tests.forge.conftest import finding
from tests.lifecycle.conftest import NewLife
from tests.lifecycle.life import Life
from tests.lifecycle.test_posting import again

SEEDS = 500
BATCHES = 20
MOST_RETRIES = 16

ONE_PENDING = "User can only have one pending review per pull request"
TOO_QUICKLY = {"code": "custom", "message": "was submitted too quickly"}
# What GitHub says where it takes no review: by itself passing, or not, or with the answer lost.
REFUSALS: tuple[dict[str, Any], ...] = (
    {"status": 403, "body": {"message": "Resource not accessible by personal access token"}},
    {"status": 403, "body": {"message": "You have exceeded a secondary rate limit."}, "headers": {"retry-after": "60"}},
    {"status": 403, "body": {"message": "API rate limit exceeded"}, "headers": {"x-ratelimit-remaining": "0"}},
    {"status": 403, "body": {"message": "Resource protected by organization SAML enforcement."}},
    {"status": 403, "body": {"message": "Repository was archived so is read-only."}},
    {"status": 404, "body": {"message": "Not Found"}},
    {"status": 409, "body": {"message": "Conflict"}},
    {"status": 422, "body": {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}},
    {"status": 422, "body": {"message": "Unprocessable Entity", "errors": ["Path could not be resolved"]}},
    {"status": 422, "body": {"message": "Unprocessable Entity", "errors": ["lock prevents review"]}},
    {"status": 422, "body": {"message": "Unprocessable Entity", "errors": [ONE_PENDING]}},
    {"status": 422, "body": {"message": "Validation Failed", "errors": [TOO_QUICKLY]}},
    {"status": 429, "body": {"message": "Too many requests"}, "headers": {"retry-after": "3"}},
    {"status": 500},
    {"status": 502},
    {"status": 502, "when": "after"},
    {"status": 503, "headers": {"retry-after": "120"}},
    {"drop": True},
    {"drop": True, "when": "after"},
    {"status": 200, "body": "<html>Unicorn!</html>", "headers": {"Content-Type": "text/html"}},
)  # fmt: skip


@pytest.mark.parametrize("batch", range(BATCHES))
def test_nothing_is_lost_paid_twice_or_posted_twice(new_life: NewLife, batch: int) -> None:
    life = new_life()
    for seed in range(batch * SEEDS // BATCHES, (batch + 1) * SEEDS // BATCHES):
        _live_through(life, random.Random(seed), seed)  # noqa: S311 - for tests


def _live_through(life: Life, chance: random.Random, seed: int) -> None:
    reviews, comments = len(life.reviews()), len(life.comments())
    paid = life.reviewer.paid
    faults = [dict(chance.choice(REFUSALS), count=chance.randint(1, 4)) for _ in range(chance.randint(1, 3))]

    def refuse() -> None:
        for fault in faults:
            life.forge.fault(path_regex="/reviews$", method="POST", **fault)

    life.before["post"] = refuse
    line = 1 + seed % 30
    found = [finding(f"Wrong {seed}", line, kind=kind) for kind in ("security", "tests", "performance")]
    ending = life.review(*found, fresh=True)
    for _ in range(MOST_RETRIES):
        if ending.state != "failed":
            break
        assert all(any(f"Wrong {seed}" in detail for detail in ending.details) for _ in found), faults
        ending = again(life, ending)
    assert ending.state in ("verified", "unproven"), (seed, faults, ending)
    life.forge.no_faults()
    assert life.reviewer.paid == paid + 1, (seed, faults)
    new = life.reviews()[reviews:]
    texts = "".join(review["body"] for review in new) + "".join(c["body"] for c in life.comments()[comments:])
    assert len(new) == 1, (seed, faults)
    assert texts.count(f"Wrong {seed}") == len(found), (seed, faults)
