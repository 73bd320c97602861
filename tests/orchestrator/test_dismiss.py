"""A finding that a person wants to hear no more of: kept for its repository, named by its number in the draft."""

from uuid import UUID

import pytest

from orchestrator.store import DismissalRow
from stack.people import Person
from stack.work.remarks import Dismissed, Placed
from stack.work.review import Dismiss
from tests.orchestrator.earlier import add, draft, plan
from tests.orchestrator.played import World
from tests.orchestrator.samples import ADA, ADMIN, APPROVER, BOB, PULL, TITLE, VIEWER, final

ANCHOR = "a" * 64


def placed(number: int, **changed: object) -> Placed:
    facts = {
        "number": number, "path": f"src/{number}.py", "line": 3, "side": "RIGHT", "severity": "high",
        "kind": "security", "title": f"Wrong {number}", "anchor": ANCHOR, "where": "line",
    }  # fmt: skip
    return Placed.model_validate({**facts, **changed})


DRAFT = draft(findings=(placed(1), placed(2, where="text"), placed(3, where="said")))


def reviewed(world: World, *, state: str = "verified") -> UUID:
    return add(world, repository="Acme/Shop", state=state, outcomes={"fetch": PULL, "draft": DRAFT})


def dismiss(world: World, run: UUID, number: int = 2, reason: str = "", person: Person = ADA) -> None:
    world.ask(Dismiss(run_id=run, number=number, reason=reason), person)


def test_what_is_dismissed_is_kept_and_told(any_world: World) -> None:
    world = any_world
    dismiss(world, reviewed(world), 2, "It is meant so")
    (row,) = world.rows(DismissalRow)
    assert (row.repository, row.path, row.kind, row.anchor) == ("acme/shop", "src/2.py", "security", ANCHOR)
    assert (row.title, row.reason, row.person) == ("Wrong 2", "It is meant so", ADA.id)
    assert world.notes() == ["Not said again in acme/shop: Wrong 2 (src/2.py)."]
    assert plan(world).dismissed == (
        Dismissed(path="src/2.py", kind="security", anchor=ANCHOR, reason="It is meant so"),
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_any_finding_of_the_draft_can_be_dismissed_wherever_it_stands(world: World, number: int) -> None:
    dismiss(world, reviewed(world), number)
    assert [row.title for row in world.rows(DismissalRow)] == [f"Wrong {number}"]


@pytest.mark.parametrize("state", ["running", "waiting", "unproven", "failed", "cancelled"])
def test_it_can_be_dismissed_in_whatever_state_the_run_is(world: World, state: str) -> None:
    dismiss(world, reviewed(world, state=state))
    assert len(world.rows(DismissalRow)) == 1


def test_the_same_finding_twice_stands_once(world: World) -> None:
    for reason in ("first", "second"):
        dismiss(world, reviewed(world), 2, reason)
    assert [row.reason for row in world.rows(DismissalRow)] == ["first"]


def test_of_two_drafts_the_last_counts(world: World) -> None:
    later = draft(findings=(placed(2, title="Other", path="b.py"),))
    run = add(world, outcomes={"draft": DRAFT, "draft-2": later})
    dismiss(world, run)
    assert [row.title for row in world.rows(DismissalRow)] == ["Other"]


def test_a_number_that_there_is_not_is_refused_in_words(world: World) -> None:
    dismiss(world, reviewed(world), 4)
    assert world.rows(DismissalRow) == []
    assert world.notes() == ["Review of Acme/Shop#12 has no finding 4."]


@pytest.mark.parametrize("failed", [True, False])
def test_where_nothing_is_drafted_there_are_no_numbers(world: World, failed: bool) -> None:
    run = add(world, outcomes={"fetch": PULL, **({"draft": final()} if failed else {})})
    dismiss(world, run, 1)
    assert world.notes() == [f"{TITLE} has no findings yet that could be named by a number."]


@pytest.mark.parametrize("person", [BOB, APPROVER, VIEWER])
def test_only_the_asker_and_admins_dismiss(world: World, person: Person) -> None:
    run = reviewed(world)
    dismiss(world, run, person=person)
    assert world.rows(DismissalRow) == []
    assert world.notes() == ["There is no such run of yours."]
    dismiss(world, run, person=ADMIN)
    assert len(world.rows(DismissalRow)) == 1
