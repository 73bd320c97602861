"""Events: heard without waiting, written together, kept for 14 days."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event

from orchestrator.events import KEPT, MOST_WAITING, Events
from orchestrator.store import EventRow
from stack.ids import uuid7
from stack.messages import Progress, Signal
from stack.values import now
from tests.orchestrator.played import World, wait_until


@pytest.fixture
def run(world: World) -> UUID:
    return world.start()


def progress(text: str, run: UUID) -> Progress:
    return Progress(run_id=run, source="pr-reviewer", kind="step", text=text)


def texts(world: World, run: UUID) -> list[str]:
    return [event.text for event in world.views.show(run).events]


def hear(world: World, *messages: Progress) -> None:
    """A process's whole life: everything that is heard is written in the end."""
    events = Events(world.sessions)
    for message in messages:
        events.hear(message)
    events.start()
    events.stop()


def test_what_was_heard_is_shown_in_order(world: World, run: UUID) -> None:
    hear(world, *(progress(str(n), run) for n in range(50)))
    assert texts(world, run) == [str(n) for n in range(50)]


def test_events_are_written_together(world: World, run: UUID) -> None:
    commits: list[int] = []
    event.listen(world.engine, "commit", lambda _connection: commits.append(1))
    hear(world, *(progress(str(n), run) for n in range(50)))
    assert len(commits) == 1


def test_an_event_that_is_heard_twice_is_there_once(world: World, run: UUID) -> None:
    said = progress("once", run)
    hear(world, said, said)
    hear(world, said)
    assert texts(world, run) == ["once"]


def test_log_records_are_shown_apart(world: World, run: UUID) -> None:
    record = Progress(run_id=run, source="forge", kind="log", text="hm", data={"level": "warning"})
    hear(world, record, progress("step", run))
    assert texts(world, run) == ["step"]
    assert [(event.text, event.data) for event in world.views.log(run)] == [("hm", {"level": "warning"})]


def test_what_is_no_progress_is_not_an_event(world: World, run: UUID) -> None:
    events = Events(world.sessions)
    events.hear(Signal(task_id=run))
    events.start()
    events.stop()
    assert texts(world, run) == []


def test_an_event_of_a_run_that_we_do_not_know_harms_nothing(world: World, run: UUID) -> None:
    hear(world, progress("elsewhere", uuid7()), progress("here", run))
    assert texts(world, run) == ["here"]


def test_events_are_kept_for_14_days(world: World, run: UUID) -> None:
    assert timedelta(days=14) == KEPT
    old = progress("old", run).model_copy(update={"at": now() - KEPT - timedelta(minutes=1)})
    young = progress("young", run).model_copy(update={"at": now() - KEPT + timedelta(minutes=1)})
    events = Events(world.sessions)
    events._store([old, young])
    events.purge()
    with world.sessions() as session:
        assert [row.text for row in session.query(EventRow)] == ["young"]


def test_events_that_the_database_does_not_take_are_lost_and_those_after_them_are_not(
    world: World, run: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    events = Events(world.sessions)
    world.sessions.configure(bind=None)
    events.hear(progress("lost", run))
    events.start()
    wait_until(lambda: "1 events are lost" in caplog.text)
    world.sessions.configure(bind=world.engine)
    events.hear(progress("kept", run))
    events.stop()
    assert texts(world, run) == ["kept"]


def test_of_too_many_events_at_once_the_last_are_lost_and_nobody_waits(
    world: World, run: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    events = Events(world.sessions)
    said = progress("again", run)
    for _ in range(MOST_WAITING + 2):
        events.hear(said)
    assert caplog.text.count("too many events at once") == 2
