"""Ids sort by time, and those that are derived are always the same."""

from uuid import RFC_4122, UUID, uuid4

import pytest

from stack.ids import dashed, secret_id, task_id, uuid7
from tests.stack.samples import RUN


def test_ids_sort_by_time_also_as_text() -> None:
    ids = [uuid7(milliseconds=ms) for ms in (0, 1, 1_750_000_000_000, 1_750_000_000_001, 2**48 - 1)]
    assert sorted(ids) == ids
    assert sorted(map(str, ids)) == list(map(str, ids))


@pytest.mark.parametrize("seed", [None, "", "x"])
def test_an_id_is_a_uuid_of_version_7(seed: str | None) -> None:
    for made in (uuid7(seed=seed), uuid7(milliseconds=0, seed=seed)):
        assert (made.version, made.variant) == (7, RFC_4122)


def test_an_id_without_a_seed_is_never_made_twice() -> None:
    assert len({uuid7(milliseconds=1) for _ in range(1000)}) == 1000


def test_the_same_time_and_seed_give_the_same_id() -> None:
    assert uuid7(milliseconds=5, seed="a") == uuid7(milliseconds=5, seed="a")
    assert uuid7(milliseconds=5, seed="a") != uuid7(milliseconds=5, seed="b")
    assert uuid7(milliseconds=5, seed="a") != uuid7(milliseconds=6, seed="a")


def test_the_id_of_an_event_is_the_same_with_the_same_key_and_another_with_another() -> None:
    made = secret_id("a key", "telegram/7", milliseconds=5)
    assert made == secret_id("a key", "telegram/7", milliseconds=5)
    others = {secret_id("a kez", "telegram/7", milliseconds=5), secret_id("a key", "telegram/8", milliseconds=5)}
    assert made not in {*others, uuid7(milliseconds=5, seed="telegram/7")}
    assert (made.version, made.int >> 80) == (7, 5)


def test_a_derived_id_is_the_one_that_earlier_versions_derived() -> None:
    """A run that was under way during an upgrade must find its tasks again."""
    run = UUID("01977420-dc00-7000-8000-000000000001")
    assert task_id(run, "review") == UUID("01977420-dc00-7410-9c55-281fdf4a13fa")


def test_a_task_of_a_run_has_the_same_id_at_each_dispatch() -> None:
    assert task_id(RUN, "review") == task_id(RUN, "review")
    assert len({task_id(RUN, "review"), task_id(RUN, "review-2"), task_id(uuid7(), "review")}) == 3
    assert task_id(RUN, "x").int >> 80 == RUN.int >> 80


def test_a_run_with_an_id_of_another_kind_has_tasks_too() -> None:
    run = uuid4()
    assert task_id(run, "review") == task_id(run, "review")


def test_underscores_stay_inside_python() -> None:
    assert dashed("pr_reviewer") == "pr-reviewer"
    assert dashed("forge") == "forge"
