"""The plan of a review: what is known from earlier runs of the pull request and its repository, and what is set."""

import time
from datetime import timedelta

import pytest

from orchestrator.store import DismissalRow
from stack.values import now
from stack.work.beforehand import Plan
from stack.work.kinds import Report
from stack.work.remarks import Dismissed, Earlier, Estimate
from tests.orchestrator.earlier import add, add_all, draft, plan, rows
from tests.orchestrator.played import World
from tests.orchestrator.samples import ADA, PULL, RECEIPT, REVIEW, final, receipt

READ = {"src/a.py": "d" * 64}
READ_WHOLE = REVIEW.model_copy(update={"read": READ})
HEAD = "e" * 40


def outcomes(**changed: Report) -> dict[str, Report]:
    return {"fetch": PULL, "review": READ_WHOLE, "post": RECEIPT, **changed}


def test_of_a_repository_that_is_new_nothing_is_known(any_world: World) -> None:
    assert plan(any_world) == Plan(estimate=Estimate(), ask=False, check=True, earlier=None, dismissed=())


# --- our last review of the pull request ------------------------------------------------------------------


def test_the_last_review_that_was_posted_says_where_it_is_which_head_it_read_and_what_of_it_whole(
    any_world: World,
) -> None:
    add(any_world, days_ago=2, outcomes=outcomes(review=REVIEW))
    add(any_world, days_ago=1, outcomes=outcomes())
    assert plan(any_world).earlier == Earlier(head_sha=PULL.head_sha, url=RECEIPT.url, read=READ)


def test_the_head_is_that_of_the_draft(world: World) -> None:
    """The pull request may have been looked up again, and have moved."""
    add(world, outcomes=outcomes(draft=draft(head_sha=HEAD)))
    assert plan(world).earlier == Earlier(head_sha=HEAD, url=RECEIPT.url, clean=False, complete=True, read=READ)


@pytest.mark.parametrize(
    "missing",
    [{"post": receipt(proven=False)}, {"post": final()}, {"post": READ_WHOLE}, {"fetch": final()}],
)
def test_a_review_that_github_did_not_show_does_not_count_and_the_one_before_does(
    world: World, missing: dict[str, Report]
) -> None:
    add(world, days_ago=2, outcomes=outcomes())
    add(world, days_ago=1, outcomes=outcomes(review=REVIEW, **missing))
    assert plan(world).earlier == Earlier(head_sha=PULL.head_sha, url=RECEIPT.url, read=READ)


def test_of_a_review_in_part_whose_reviewer_failed_nothing_counts_as_read(world: World) -> None:
    add(world, outcomes=outcomes(review=final()), state="unproven")
    assert plan(world).earlier == Earlier(head_sha=PULL.head_sha, url=RECEIPT.url)


def test_a_report_of_an_earlier_version_is_enough(world: World) -> None:
    add(world, outcomes=outcomes(review=REVIEW))
    assert plan(world).earlier == Earlier(head_sha=PULL.head_sha, url=RECEIPT.url)


@pytest.mark.parametrize("other", [{"number": 13}, {"repository": "acme/other"}])
def test_a_review_of_another_pull_request_does_not_count(world: World, other: dict[str, object]) -> None:
    add(world, outcomes=outcomes(), **other)
    assert plan(world).earlier is None


def test_a_repository_is_the_same_however_its_name_is_written(world: World) -> None:
    add(world, repository="ACME/Shop", outcomes=outcomes())
    assert plan(world, repository="Acme/sHop").earlier is not None


def test_a_run_that_is_under_way_does_not_count(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", PULL)
    assert plan(world).earlier is None


# --- what it will cost ------------------------------------------------------------------------------------


def test_the_estimate_is_a_band_of_what_a_hunk_has_cost_in_this_repository(any_world: World) -> None:
    costs = [0.4, 0.8, 1.2, 1.6, 8.0]
    for cost in costs:
        add(any_world, cost=cost, hunks=4)
    add(any_world, repository="acme/dear", cost=900, hunks=1)
    assert plan(any_world, hunks=10).estimate == Estimate(low=2.0, high=4.0)


def test_where_too_little_is_known_of_it_all_repositories_count(world: World) -> None:
    for number in range(2):
        add(world, cost=0.4, hunks=4, number=number + 1)
    assert plan(world).estimate == Estimate()
    add(world, repository="acme/other", cost=0.4, hunks=4)
    assert plan(world).estimate == Estimate(low=1.0, high=1.0)
    add(world, cost=0.8, hunks=4)
    assert plan(world).estimate.low == pytest.approx(1.0)
    assert plan(world).estimate.high > 1.0


@pytest.mark.parametrize(
    "unlike",
    [{"cost": 0.0}, {"hunks": 0}, {"state": "failed"}, {"state": "cancelled"}, {"outcomes": {"fetch": final()}}],
    ids=str,
)
def test_a_run_that_says_nothing_of_costs_does_not_count(world: World, unlike: dict[str, object]) -> None:
    for _ in range(3):
        add(world, **{"cost": 9.0, **unlike})
    assert plan(world).estimate == Estimate()


def test_the_newest_runs_count(world: World) -> None:
    for number in range(50):
        add(world, cost=0.4, hunks=4, days_ago=number / 100)
        add(world, cost=40, hunks=4, days_ago=2 + number)
    assert plan(world, hunks=10).estimate == Estimate(low=1.0, high=1.0)


# --- what the owner has set -------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "asks"), [(None, False), (1.1, False), (1.0, False), (0.99, True), (0, True)])
def test_a_person_is_asked_where_it_will_likely_cost_more_than_is_set(
    world: World, limit: float | None, asks: bool
) -> None:
    for _ in range(3):
        add(world, cost=0.5, hunks=5)
    assert plan(world, hunks=10, ask_above_usd=limit).ask is asks


def test_where_the_cost_is_not_known_nobody_is_asked(world: World) -> None:
    assert plan(world, ask_above_usd=0).ask is False


@pytest.mark.parametrize("check", [True, False])
def test_whether_there_is_a_second_look_is_as_it_is_set(world: World, check: bool) -> None:
    assert plan(world, check_findings=check).check is check


# --- what was dismissed -----------------------------------------------------------------------------------


def dismissal(number: int, repository: str = "acme/shop") -> DismissalRow:
    return DismissalRow(
        id=f"{repository} {number}", repository=repository, path=f"{number}.py", kind="security", anchor="a",
        title="Wrong", reason="so", person=ADA.id, created=now() + timedelta(seconds=number),
    )  # fmt: skip


def test_what_was_dismissed_in_the_repository_comes_with_the_plan(any_world: World) -> None:
    with any_world.sessions.begin() as session:
        session.add_all([dismissal(1), dismissal(2), dismissal(3, "acme/other")])
    assert plan(any_world, repository="Acme/Shop", number=99).dismissed == tuple(
        Dismissed(path=f"{number}.py", kind="security", anchor="a", reason="so") for number in (2, 1)
    )


# --- many runs --------------------------------------------------------------------------------------------


def test_it_is_cheap_in_a_store_of_ten_thousand_runs(world: World) -> None:
    """5,000 of one repository, 500 of its pull request; the others of a thousand repositories."""
    of_five = PULL.model_copy(update={"hunks": 5})
    add_all(
        world,
        (
            rows(
                repository=f"acme/r{number % 1000}" if number % 2 else "acme/busy",
                number=number % 20 // 2 + 1,
                days_ago=number / 100,
                cost=0.5,
                outcomes=outcomes(fetch=of_five) if number % 20 == 0 else {"fetch": of_five},
            )
            for number in range(10_000)
        ),
    )
    took = {}
    for repository, pull in (("acme/busy", 1), ("acme/busy", 999), ("acme/r1", 1), ("acme/new", 1)):
        began = time.monotonic()
        for _ in range(10):
            planned = plan(world, repository=repository, number=pull)
        took[repository, pull] = (time.monotonic() - began) / 10
        assert planned.estimate == Estimate(low=1.0, high=1.0)
    assert max(took.values()) < 0.25, took  # 3 to 14 ms where nobody else is at work
