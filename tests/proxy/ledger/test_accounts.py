"""Which accounts pay for a call."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.gateway import Limits
from proxy.ledger.accounts import charges
from proxy.ledger.keys import ClientKey
from proxy.ledger.records import Caller, Charge

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
TASK = Caller(run="run-1", task="task-1", person="7", role="coder")


def names(found: tuple[Charge, ...]) -> list[str]:
    return [charge.account for charge in found]


def test_a_task_pays_with_all_its_accounts_also_without_limits() -> None:
    assert names(charges(NOON, TASK, Limits())) == [
        "task/task-1", "run/run-1", "person/7/2026-11-21", "person/7/2026-11", "day/2026-11-21", "month/2026-11",
    ]  # fmt: skip
    assert {charge.limit for charge in charges(NOON, TASK, Limits())} == {None}


def test_each_limit_stands_at_its_account() -> None:
    limits = Limits(Decimal("0.5"), Decimal(2), Decimal(30), Decimal("4.000001"), Decimal(50))
    found = charges(NOON, TASK, limits, budget=700)
    assert [charge.limit for charge in found] == [700, 500_000, 2_000_000, 30_000_000, 4_000_001, 50_000_000]


def test_a_client_key_has_a_total_and_a_limit_for_each_day_and_month() -> None:
    key = ClientKey("laptop", made=0.0, total_micro=3, day_micro=1, month_micro=2)
    found = charges(NOON, Caller(client="laptop"), Limits(day_usd=Decimal(9)), key=key)
    assert [(charge.account, charge.limit) for charge in found] == [
        ("key/laptop", 3), ("key/laptop/2026-11-21", 1), ("key/laptop/2026-11", 2),
        ("day/2026-11-21", 9_000_000), ("month/2026-11", None),
    ]  # fmt: skip


def test_limits_are_named_so_that_people_understand_them() -> None:
    key = ClientKey("laptop", made=0.0)
    assert [charge.said for charge in charges(NOON, TASK, Limits(), key=key)] == [
        "this task's budget", "this run's limit",
        "this key's limit", "this key's limit for today", "this key's limit for this month",
        "your limit for today", "your limit for this month",
        "the gateway's limit for today", "the gateway's limit for this month",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("began", "day", "month"),
    [
        ("2026-11-30T23:59:59.999+00:00", "day/2026-11-30", "month/2026-11"),
        ("2026-12-01T00:00:00+00:00", "day/2026-12-01", "month/2026-12"),
        ("2027-01-01T00:30:00+01:00", "day/2026-12-31", "month/2026-12"),
        ("2028-02-29T23:00:00+00:00", "day/2028-02-29", "month/2028-02"),
    ],
)
def test_days_and_months_end_at_midnight_in_utc(began: str, day: str, month: str) -> None:
    found = names(charges(datetime.fromisoformat(began).timestamp(), Caller(), Limits()))
    assert found == [day, month]


@pytest.mark.parametrize("person", ["7/2026-11-21", "7\nday/2026-11-21", "7%2F2026-11-21", "..", "ü/💸", "\ud800"])
def test_nobody_has_a_name_that_makes_him_another_account(person: str) -> None:
    plain = set(names(charges(NOON, Caller(person="7"), Limits())))
    found = [name for name in names(charges(NOON, Caller(person=person), Limits())) if name.startswith("person/")]
    assert len(found) == 2
    assert not plain.intersection(found)
    assert not any("\n" in name or name.count("/") != 2 for name in found)


@example(["a/b", "a%2Fb"])
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=2, max_size=2, unique=True))
def test_two_people_never_share_an_account(people: list[str]) -> None:
    one, other = ({*names(charges(NOON, Caller(person=person), Limits()))} for person in people)
    assert one & other == {"day/2026-11-21", "month/2026-11"}
