"""The worker: what it does with a delivery, seen with an orchestrator and a broker that play what they are told."""

import queue
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

import pytest

from native.desk import wait_until
from stack import pieces
from stack.api import Claim, Renewal
from stack.assignment import GIVEN_BACK, Assignment, Stop, Stopped
from stack.errors import GiveUp, Refused, TryAgain
from stack.ids import uuid7
from stack.messages import Envelope, Message, Progress, Result, Signal, Task
from stack.values import Value
from stack.work.kinds import Failure
from stack.work.review import FetchPullRequest, PullRequest
from stack.worker import Do, Worker
from tests.stack.samples import FETCH, PULL, RUN, ending, forge_task, review_task

TASK = forge_task()
GRANTED = Claim(verdict="run", attempt=1, lease_seconds=60, seconds=60, tokens={"forge": "not-a-token"})
SECONDS = 10


def granted(attempt: int = 1, lease_seconds: float = 60) -> Claim:
    return GRANTED.model_copy(update={"attempt": attempt, "lease_seconds": lease_seconds})


class Orchestrator:
    """Answers claims and renewals with what it is given, the last one for ever; an error is raised."""

    def __init__(self, *claims: Claim | Exception, renewals: tuple[str | Exception, ...] = ("go",)) -> None:
        self._claims = deque(claims or [GRANTED])
        self._renewals = deque(renewals)
        self.claimed: list[UUID] = []
        self.renewed: queue.Queue[tuple[UUID, int]] = queue.Queue()
        self.given_back: list[tuple[UUID, int]] = []
        self.kept: list[tuple[UUID, int, dict[str, Any]]] = []
        self.refuses_returns = False
        self.away = 0  # so often a piece is not taken

    def claim(self, task_id: UUID) -> Claim:
        self.claimed.append(task_id)
        claim: Claim = _next(self._claims)
        return claim

    def renew(self, task_id: UUID, *, attempt: int) -> Renewal:
        self.renewed.put((task_id, attempt))
        return Renewal.model_validate({"verdict": _next(self._renewals)})

    def give_back(self, task_id: UUID, *, attempt: int) -> Renewal:
        if self.refuses_returns:
            raise TryAgain("the orchestrator cannot be reached")
        self.given_back.append((task_id, attempt))
        return Renewal(verdict="go")

    def keep(self, task_id: UUID, *, attempt: int, piece: dict[str, Any]) -> Renewal:
        if self.away:
            self.away -= 1
            raise TryAgain("the orchestrator cannot be reached")
        self.kept.append((task_id, attempt, piece))
        return Renewal(verdict="go")


def _next(answers: deque[Any]) -> Any:
    answer = answers.popleft() if len(answers) > 1 else answers[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


class Broker:
    """Keeps what is sent. `publish` fails as often as it is told."""

    def __init__(self, *faults: Exception) -> None:
        self._faults = deque(faults)
        self.results: list[Result] = []
        self.told: list[Progress] = []

    def publish(self, message: Message) -> None:
        if self._faults:
            raise self._faults.popleft()
        assert isinstance(message, Result)
        self.results.append(message)

    def mention(self, message: Progress | Signal) -> None:
        assert isinstance(message, Progress)
        self.told.append(message)

    def texts(self, kind: Literal["step", "hop"]) -> list[str]:
        return [message.text for message in self.told if message.kind == kind]

    @property
    def outcome(self) -> Any:
        """What the only result says."""
        (result,) = self.results
        return result.outcome


class Fetching:
    """Stands where the work is done: returns a report, or raises what it is told to, and counts."""

    def __init__(self, *outcomes: Exception) -> None:
        self._outcomes = deque(outcomes)
        self.seen: list[tuple[FetchPullRequest, Assignment]] = []

    def __call__(self, brief: FetchPullRequest, at: Assignment) -> PullRequest:
        self.seen.append((brief, at))
        if self._outcomes:
            raise self._outcomes.popleft()
        return PULL


class Waiting:
    """Work that goes on until it is told that it is done, or is stopped if it can be."""

    def __init__(self, *, can_be_stopped: bool) -> None:
        self.begun: queue.Queue[Assignment] = queue.Queue()
        self.done = threading.Event()
        self._can_be_stopped = can_be_stopped

    def __call__(self, _brief: FetchPullRequest, at: Assignment) -> PullRequest:
        self.begun.put(at)
        if self._can_be_stopped:
            at.stop.arm(self.done.set)
        assert self.done.wait(SECONDS)
        if self._can_be_stopped:
            at.stop.check()
        return PULL

    def wait(self) -> Assignment:
        return self.begun.get(timeout=SECONDS)


def worker(tasks: Orchestrator, sender: Broker, do: Do, role: str = "forge") -> Worker:
    return Worker(role, {FetchPullRequest: do}, tasks=tasks, sender=sender)


@contextmanager
def taking(working: Worker, *tasks: Task) -> Iterator[None]:
    """Meanwhile, these deliveries are handled; afterwards they are, or what one of them raised is raised."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        under_way = [pool.submit(working.take, task) for task in tasks]
        yield
        for one in under_way:
            one.result(SECONDS)


# --- a claim and what follows -------------------------------------------------------------------------


def test_a_task_that_is_granted_is_done_and_its_report_brought() -> None:
    tasks, broker, fetching = Orchestrator(granted(attempt=2)), Broker(), Fetching()
    worker(tasks, broker, fetching).take(TASK)
    ((brief, at),) = fetching.seen
    assert (brief, at.task, at.claim.tokens) == (FETCH, TASK, {"forge": "not-a-token"})
    assert tasks.claimed == [TASK.id]
    (result,) = broker.results
    assert (result.task_id, result.run_id, result.attempt, result.outcome) == (TASK.id, RUN, 2, PULL)


def test_the_hops_are_named_by_the_step_and_stand_around_the_work() -> None:
    broker = Broker()

    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        at.say("Fetching")
        at.say("Waiting for GitHub", passing=True)
        at.hop("half.way")
        return PULL

    worker(Orchestrator(), broker, do).take(TASK)
    assert [(m.kind, m.text) for m in broker.told] == [
        ("hop", "fetch.claimed"), ("step", "Fetching"), ("step", "Waiting for GitHub"), ("hop", "half.way"),
        ("hop", "fetch.done"),
    ]  # fmt: skip
    assert {m.run_id for m in broker.told} == {RUN}
    assert [m.data for m in broker.told if m.kind == "step"] == [{}, {"passing": True}]


def test_a_second_attempt_says_so() -> None:
    for attempt, said in ((1, []), (2, ["Started again (attempt 2)"])):
        broker = Broker()
        worker(Orchestrator(granted(attempt)), broker, Fetching()).take(TASK)
        assert broker.texts("step") == said


@pytest.mark.parametrize("verdict", ["done", "cancelled"])
def test_what_nobody_waits_for_is_left_alone(verdict: str) -> None:
    broker, fetching = Broker(), Fetching()
    worker(Orchestrator(Claim.model_validate({"verdict": verdict})), broker, fetching).take(TASK)
    assert (fetching.seen, broker.results, broker.told) == ([], [], [])


def test_a_task_that_another_works_on_is_looked_at_again() -> None:
    tasks, broker = Orchestrator(Claim(verdict="leased"), GRANTED), Broker()
    working = worker(tasks, broker, Fetching())
    with pytest.raises(TryAgain, match="is being worked on"):
        working.take(TASK)
    working.take(TASK)
    assert broker.outcome == PULL


def test_without_an_orchestrator_a_task_comes_again() -> None:
    broker, fetching = Broker(), Fetching()
    with pytest.raises(TryAgain, match="cannot be reached"):
        worker(Orchestrator(TryAgain("the orchestrator cannot be reached")), broker, fetching).take(TASK)
    assert (fetching.seen, broker.results) == ([], [])


@pytest.mark.parametrize("error", [Refused("not your task"), GiveUp("not your task")])
def test_an_orchestrator_that_refuses_is_told_of_and_no_run_waits_for_ever(error: Exception) -> None:
    broker, fetching = Broker(), Fetching()
    worker(Orchestrator(error), broker, fetching, role="pr_reviewer").take(TASK)
    assert broker.results[0].attempt == 0
    assert broker.outcome == Failure(what="The pr-reviewer could not take the task: not your task", next="give_up")
    assert fetching.seen == []


@pytest.mark.parametrize("message", [ending(), Signal(task_id=TASK.id)])
def test_what_is_no_task_is_given_up(message: Any) -> None:
    with pytest.raises(GiveUp, match=f"a {message.type} is not a task"):
        worker(Orchestrator(), Broker(), Fetching()).take(message)


# --- what comes of the work ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TryAgain("a fault"), Failure(what="a fault", next="retry")),
        (TryAgain("wait", after=60), Failure(what="wait", next="retry", after=60)),
        (TryAgain("wait", after=0), Failure(what="wait", next="retry", after=0)),
        (GiveUp("no"), Failure(what="no", next="give_up")),
        (Refused("no right"), Failure(what="no right", next="give_up")),
        (RuntimeError("not-a-secret"), Failure(what="The forge had an internal error", next="retry")),
    ],
)
def test_what_goes_wrong_is_a_failure_that_says_what_to_do_next(error: Exception, expected: Failure) -> None:
    broker = Broker()
    worker(Orchestrator(), broker, Fetching(error)).take(TASK)
    assert broker.outcome == expected
    assert broker.texts("hop") == ["fetch.claimed", "fetch.done"]


def test_a_brief_that_nobody_here_knows_is_a_failure_in_words() -> None:
    broker = Broker()
    worker(Orchestrator(), broker, Fetching()).take(review_task())
    assert broker.outcome == Failure(what="The forge does not know how to review_change", next="give_up")


def test_a_report_is_kept_until_the_broker_is_back() -> None:
    broker, fetching = Broker(*[TryAgain("the broker is away")] * 3), Fetching()
    worker(Orchestrator(), broker, fetching).take(TASK)
    assert (broker.outcome, len(fetching.seen)) == (PULL, 1)


def test_a_task_that_comes_again_after_its_end_is_not_done_again() -> None:
    """Its result is on its way, or it was lost: the claim still says run, with the same attempt."""
    broker, fetching = Broker(), Fetching()
    working = worker(Orchestrator(GRANTED), broker, fetching)
    working.take(TASK)
    working.take(TASK)
    assert len(fetching.seen) == 1
    assert broker.results == [broker.results[0]] * 2


def test_a_task_that_is_to_be_tried_again_is_done_again() -> None:
    broker, fetching = Broker(), Fetching(TryAgain("a fault"))
    working = worker(Orchestrator(granted(1), granted(2)), broker, fetching)
    working.take(TASK)
    working.take(TASK)
    assert [(r.attempt, r.outcome.report) for r in broker.results] == [(1, "failure"), (2, "pull_request")]


# --- pieces -------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between tries to store a piece."""
    monkeypatch.setattr(pieces, "PAUSES_SECONDS", (0.0,) * 3)
    monkeypatch.setattr("stack.worker.LAST_PAUSES_SECONDS", (0.0,) * 5)


class Piece(Value):
    """A piece of what these tests report."""

    text: str


def keeping(tasks: Orchestrator, *texts: str, away: int, error: Exception | None = None) -> Do:
    """Work that keeps pieces, while the orchestrator is away for so many tries from the first on; then it may fail."""

    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        tasks.away = away
        for text in texts:
            at.keep(Piece(text=text))
        if error:
            raise error
        return PULL

    return do


def kept(tasks: Orchestrator) -> list[str]:
    return [piece["text"] for _, _, piece in tasks.kept]


@pytest.mark.usefixtures("at_once")
def test_pieces_that_could_not_be_stored_go_before_the_next_one() -> None:
    tasks = Orchestrator()
    worker(tasks, Broker(), keeping(tasks, "one", "two", "three", away=3 + 2)).take(TASK)
    assert kept(tasks) == ["one", "two", "three"]


@pytest.mark.usefixtures("at_once")
def test_pieces_that_could_not_be_stored_are_stored_before_a_failure_is_brought() -> None:
    tasks, broker = Orchestrator(), Broker()
    fails = keeping(tasks, "one", "two", away=2 * 3 + 4, error=GiveUp("no"))
    worker(tasks, broker, fails).take(TASK)
    assert kept(tasks) == ["one", "two"]
    assert broker.outcome.what == "no"


@pytest.mark.usefixtures("at_once")
def test_pieces_that_could_not_be_stored_are_stored_before_a_task_is_given_back() -> None:
    tasks = Orchestrator()

    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        tasks.away = 3
        at.keep(Piece(text="one"))
        at.stop.set(GIVEN_BACK)
        at.stop.check()
        return PULL

    worker(tasks, Broker(), do).take(TASK)
    assert (kept(tasks), len(tasks.given_back)) == (["one"], 1)


@pytest.mark.usefixtures("at_once")
def test_a_report_has_all_pieces_and_waits_for_none() -> None:
    tasks, broker = Orchestrator(), Broker()
    worker(tasks, broker, keeping(tasks, "one", away=100)).take(TASK)
    assert (broker.outcome, tasks.away) == (PULL, 97)


def test_a_piece_that_is_refused_is_left_out_and_the_next_one_is_stored() -> None:
    stored: list[str] = []

    def store(piece: dict[str, Any]) -> None:
        if piece["text"] == "huge":
            raise GiveUp("it is too large")
        stored.append(piece["text"])

    of = pieces.Pieces(store)
    for text in ("one", "huge", "two"):
        of.keep({"text": text})
    assert stored == ["one", "two"]


def test_the_model_is_not_held_up_for_long_where_the_orchestrator_is_away() -> None:
    assert 0.5 <= sum(pieces.PAUSES_SECONDS) <= 3
    assert sum(pieces.LAST_PAUSES_SECONDS) >= 10


def test_only_the_last_results_are_kept() -> None:
    broker, fetching = Broker(), Fetching()
    working = worker(Orchestrator(), broker, fetching)
    for _ in range(101):
        working.take(forge_task(uuid7()))
    working.take(TASK)
    working.take(forge_task(broker.results[0].run_id))
    assert len(fetching.seen) == 103


def test_a_task_of_a_newer_version_is_answered_in_words() -> None:
    broker, newer = Broker(), Envelope(version=3, type="task", id=TASK.id, run_id=RUN)
    working = worker(Orchestrator(), broker, Fetching())
    working.too_new(newer, "orchestrator")
    (result,) = broker.results
    assert (result.task_id, result.run_id, result.attempt) == (TASK.id, RUN, 0)
    assert broker.outcome.next == "give_up"
    assert "update all services" in broker.outcome.what
    for other in (newer.model_copy(update={"type": "notification"}), newer.model_copy(update={"run_id": None})):
        working.too_new(other, "orchestrator")
    assert len(broker.results) == 1


# --- many at once -------------------------------------------------------------------------------------


def test_several_tasks_are_done_at_once_and_each_has_its_own_result() -> None:
    together, broker = threading.Barrier(3), Broker()

    def do(brief: FetchPullRequest, at: Assignment) -> PullRequest:
        together.wait(SECONDS)
        return PULL.model_copy(update={"number": at.run_id.int % 1000 + 1})

    some = [forge_task(uuid7()) for _ in range(3)]
    with taking(worker(Orchestrator(), broker, do), *some):
        pass
    found = {r.task_id: r.outcome.number for r in broker.results if isinstance(r.outcome, PullRequest)}
    assert found == {task.id: task.run_id.int % 1000 + 1 for task in some}


def test_a_task_that_is_delivered_twice_at_once_is_done_once() -> None:
    tasks, broker, waiting = Orchestrator(), Broker(), Waiting(can_be_stopped=False)
    working = worker(tasks, broker, waiting)
    with taking(working, TASK):
        waiting.wait()
        with pytest.raises(TryAgain, match="worked on here"):
            working.take(TASK)
        waiting.done.set()
    assert (len(broker.results), len(tasks.claimed)) == (1, 1)


def test_many_deliveries_of_few_tasks_are_done_once_each() -> None:
    """As after a broker that came back: whoever is not first is told to come again."""
    broker, fetching = Broker(), Fetching()
    working = worker(Orchestrator(), broker, fetching)
    some = [forge_task(uuid7()) for _ in range(5)] * 20

    def take(task: Task) -> None:
        while True:
            try:
                return working.take(task)
            except TryAgain:
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, some))
    assert len(fetching.seen) == 5
    assert len(broker.results) == len(some)


# --- leases -------------------------------------------------------------------------------------------


def test_the_lease_is_renewed_while_the_work_goes_on_and_not_after() -> None:
    tasks, waiting = Orchestrator(granted(2, lease_seconds=0.03)), Waiting(can_be_stopped=False)
    with taking(worker(tasks, Broker(), waiting), TASK):
        waiting.wait()
        assert [tasks.renewed.get(timeout=SECONDS) for _ in range(3)] == [(TASK.id, 2)] * 3
        waiting.done.set()
    wait_until(lambda: not _lease_threads(), seconds=SECONDS)


def _lease_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "lease"]


def test_an_orchestrator_that_is_away_ends_no_work() -> None:
    renewals = (TryAgain("away"), TryAgain("away"), GiveUp("what?"), "go")
    tasks, broker = Orchestrator(granted(lease_seconds=0.03), renewals=renewals), Broker()
    waiting = Waiting(can_be_stopped=True)
    with taking(worker(tasks, broker, waiting), TASK):
        at = waiting.wait()
        for _ in range(5):
            tasks.renewed.get(timeout=SECONDS)
        assert at.stop.reason == ""
        waiting.done.set()
    assert broker.outcome == PULL


@pytest.mark.parametrize("verdict", ["cancelled", "lost"])
def test_work_whose_run_was_cancelled_or_whose_lease_was_lost_ends_and_brings_nothing(verdict: str) -> None:
    tasks, broker = Orchestrator(granted(lease_seconds=0.03), renewals=("go", verdict)), Broker()
    with taking(worker(tasks, broker, Waiting(can_be_stopped=True)), TASK):
        pass
    assert (broker.results, tasks.given_back) == ([], [])
    assert broker.texts("hop") == ["fetch.claimed"]


@pytest.mark.parametrize("verdict", ["cancelled", "lost"])
@pytest.mark.parametrize("error", [GiveUp("the model call failed (401)"), TryAgain("the forge is away"), OSError()])
def test_what_fails_since_the_task_has_ended_under_it_is_no_failure(error: Exception, verdict: str) -> None:
    tasks, broker = Orchestrator(renewals=(verdict,)), Broker()
    working = worker(tasks, broker, Fetching(error))
    working.take(TASK)
    assert broker.results == []
    assert broker.texts("hop") == ["fetch.claimed"]


def test_a_failure_is_brought_though_nobody_can_be_asked_whether_the_task_has_ended() -> None:
    tasks, broker = Orchestrator(renewals=(TryAgain("the orchestrator cannot be reached"),)), Broker()
    worker(tasks, broker, Fetching(GiveUp("no such thing"))).take(TASK)
    assert broker.outcome.what == "no such thing"


def test_a_result_that_nobody_wants_any_more_is_not_held_until_the_broker_is_back() -> None:
    away = [TryAgain("the broker is away")] * 1000
    tasks, broker = Orchestrator(granted(lease_seconds=0.03), renewals=("lost",)), Broker(*away)

    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        wait_until(lambda: at.stop.reason == "lost", seconds=SECONDS)
        return PULL

    worker(tasks, broker, do).take(TASK)
    assert broker.results == []


def test_a_report_that_is_had_when_the_lease_is_lost_is_brought_for_it_may_count_still() -> None:
    tasks, broker = Orchestrator(granted(lease_seconds=0.03), renewals=("lost",)), Broker()

    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        wait_until(lambda: at.stop.reason == "lost", seconds=SECONDS)
        return PULL

    worker(tasks, broker, do).take(TASK)
    assert broker.outcome == PULL


# --- signals ------------------------------------------------------------------------------------------


def test_a_signal_cancels_the_task_that_it_names_alone() -> None:
    broker, waiting = Broker(), Waiting(can_be_stopped=True)
    working = worker(Orchestrator(), broker, waiting)
    with taking(working, TASK):
        at = waiting.wait()
        for other in (Signal(task_id=uuid7()), ending(), TASK):
            working.hear(other)
        assert at.stop.reason == ""
        working.hear(Signal(task_id=TASK.id))
    assert (at.stop.reason, broker.results) == ("cancelled", [])
    working.hear(Signal(task_id=TASK.id))  # too late, and in silence


def word(text: str) -> Signal:
    return Signal(task_id=TASK.id, verb="steer", text=text)


def test_a_word_is_kept_until_somebody_hears_it() -> None:
    heard: list[str] = []
    waiting, broker = Waiting(can_be_stopped=False), Broker()
    working = worker(Orchestrator(), broker, waiting)
    with taking(working, TASK):
        at = waiting.wait()
        working.hear(word("before"))
        at.hear = lambda signal: heard.append(signal.text)
        working.hear(Signal(task_id=TASK.id, verb="answer", text="meanwhile"))
        at.hear = None
        working.hear(word("between"))
        assert heard == ["before", "meanwhile"]
        at.hear = lambda signal: heard.append(signal.text)
        waiting.done.set()
    assert heard == ["before", "meanwhile", "between"]
    assert broker.texts("step") == []


def test_a_word_that_comes_twice_is_heard_once() -> None:
    heard: list[Signal] = []
    waiting = Waiting(can_be_stopped=False)
    working = worker(Orchestrator(), Broker(), waiting)
    early, late, alike = word("faster"), word("and better"), word("faster")
    with taking(working, TASK):
        at = waiting.wait()
        for signal in (early, early):
            working.hear(signal)
        at.hear = heard.append
        for signal in (early, late, late, alike):
            working.hear(signal)
        waiting.done.set()
    assert heard == [early, late, alike]


class SlowToClaim(Orchestrator):
    """Answers a claim when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.claiming, self.answered = threading.Event(), threading.Event()

    def claim(self, task_id: UUID) -> Claim:
        self.claiming.set()
        assert self.answered.wait(SECONDS)
        return super().claim(task_id)


def test_what_comes_before_the_claim_is_answered_is_heard() -> None:
    heard: list[str] = []

    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        at.hear = lambda signal: heard.append(signal.text)
        return PULL

    tasks, broker = SlowToClaim(), Broker()
    working = worker(tasks, broker, do)
    with taking(working, TASK):
        assert tasks.claiming.wait(SECONDS)
        working.hear(word("Look at the tests too"))
        tasks.answered.set()
    assert (heard, broker.outcome) == (["Look at the tests too"], PULL)


def test_a_cancel_that_comes_before_the_claim_is_answered_ends_the_work() -> None:
    tasks, broker = SlowToClaim(), Broker()
    working = worker(tasks, broker, Waiting(can_be_stopped=True))
    with taking(working, TASK):
        assert tasks.claiming.wait(SECONDS)
        working.hear(Signal(task_id=TASK.id))
        tasks.answered.set()
    assert broker.results == []


@pytest.mark.parametrize("how", ["done", "failed", GIVEN_BACK])
def test_a_word_that_nobody_has_heard_is_told(how: str) -> None:
    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        working.hear(word("Look at the tests too"))
        if how == GIVEN_BACK:
            working.stop()
        at.stop.check()
        if how == "failed":
            raise TryAgain("a fault")
        return PULL

    broker = Broker()
    working = worker(Orchestrator(), broker, do)
    working.take(TASK)
    assert broker.texts("step") == ["Nobody has heard this any more: Look at the tests too"]


@pytest.mark.parametrize("verdict", ["cancelled", "lost"])
def test_a_word_to_a_run_that_was_cancelled_or_that_another_works_for_is_not_called_unheard(verdict: str) -> None:
    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        working.hear(word("Look at the tests too"))
        wait_until(lambda: at.stop.reason, seconds=SECONDS)
        raise Stopped(at.stop.reason)

    broker = Broker()
    working = worker(Orchestrator(granted(lease_seconds=0.03), renewals=(verdict,)), broker, do)
    working.take(TASK)
    assert broker.texts("step") == []


# --- a service that stops -----------------------------------------------------------------------------


def test_a_stopping_worker_gives_back_what_can_be_interrupted() -> None:
    tasks, broker, waiting = Orchestrator(granted(2)), Broker(), Waiting(can_be_stopped=True)
    working = worker(tasks, broker, waiting)
    with taking(working, TASK):
        waiting.wait()
        working.stop()
    assert (tasks.given_back, broker.results) == ([(TASK.id, 2)], [])


def test_what_cannot_be_interrupted_ends_and_its_result_is_brought() -> None:
    tasks, waiting = Orchestrator(), Waiting(can_be_stopped=False)
    broker = Broker(TryAgain("the broker is away"))
    working = worker(tasks, broker, waiting)
    with taking(working, TASK):
        waiting.wait()
        working.stop()
        waiting.done.set()
    assert (tasks.given_back, broker.outcome) == ([], PULL)


def test_a_stopping_worker_takes_nothing_new() -> None:
    tasks, broker = Orchestrator(), Broker()
    working = worker(tasks, broker, Fetching())
    working.start()
    working.stop()
    with pytest.raises(TryAgain, match="is stopping"):
        working.take(TASK)
    assert (tasks.claimed, broker.results) == ([], [])


def test_a_task_whose_claim_is_answered_while_the_worker_stops_is_given_back() -> None:
    class Stopping(Orchestrator):
        def claim(self, task_id: UUID) -> Claim:
            working.stop()
            return super().claim(task_id)

    tasks, broker = Stopping(), Broker()
    working = worker(tasks, broker, Waiting(can_be_stopped=True))
    working.take(TASK)
    assert (tasks.given_back, broker.results) == ([(TASK.id, 1)], [])


@pytest.mark.parametrize("broker_is_away", [False, True])
def test_an_orchestrator_that_stops_too_learns_by_the_broker_that_a_task_is_given_back(broker_is_away: bool) -> None:
    """With no broker either the task is left to its lease."""
    broker = Broker(*[TryAgain("the broker is away")] * broker_is_away)
    tasks, waiting = Orchestrator(granted(2)), Waiting(can_be_stopped=True)
    tasks.refuses_returns = True
    working = worker(tasks, broker, waiting)
    with taking(working, TASK):
        waiting.wait()
        working.stop()
    stopped = Failure(what="The forge was stopped", next="retry", after=0)
    assert [(r.attempt, r.outcome) for r in broker.results] == ([] if broker_is_away else [(2, stopped)])


def test_a_task_that_was_cancelled_is_not_offered_to_others() -> None:
    begun, both = threading.Event(), threading.Event()

    def do(_brief: FetchPullRequest, at: Assignment) -> PullRequest:
        begun.set()
        assert both.wait(SECONDS)
        at.stop.check()
        return PULL

    tasks, broker = Orchestrator(), Broker()
    working = worker(tasks, broker, do)
    with taking(working, TASK):
        assert begun.wait(SECONDS)
        working.hear(Signal(task_id=TASK.id))
        working.stop()
        both.set()
    assert (tasks.given_back, broker.results) == ([], [])


# --- Stop ---------------------------------------------------------------------------------------------


def test_a_stop_ends_work_now_or_as_soon_as_it_begins() -> None:
    ended: list[str] = []
    now, later, never = Stop(), Stop(), Stop()
    now.arm(lambda: ended.append("now"))
    now.set("cancelled")
    later.set("lost")
    later.arm(lambda: ended.append("later"))
    never.arm(lambda: ended.append("never"))
    never.arm(None)
    never.set("cancelled")
    assert ended == ["now", "later"]


def test_the_first_reason_for_a_stop_stands() -> None:
    stop = Stop()
    stop.check()
    stop.set("cancelled")
    stop.set("given back")
    with pytest.raises(Stopped, match="cancelled"):
        stop.check()
