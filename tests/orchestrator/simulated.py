"""A stack in one thread: the real orchestrator on a real store, a broker that delivers again, scripted workers.

Anything may die at any of its points: the orchestrator around and inside each transaction and each sending, the forge
and the agent around their work, in both shapes: cut before it is done, and done but unanswered.
"""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from orchestrator.files import Files
from orchestrator.journal import Steps
from orchestrator.local import Local
from orchestrator.outbox import Outbox
from orchestrator.runs import Runs
from orchestrator.settings import Policy
from orchestrator.store import Sessions
from orchestrator.stories import Stories, Story
from orchestrator.tasks import Grants, Tasks, Watch, roles_with
from orchestrator.transactions import Transaction, Transactions
from orchestrator.views import Views
from stack.api import RunDetail
from stack.broker import Publisher
from stack.errors import TryAgain
from stack.ids import task_id, uuid7
from stack.messages import (
    Attachment,
    Chat,
    Ending,
    Message,
    Notification,
    Progress,
    Question,
    Request,
    Result,
    Signal,
    Task,
)
from stack.people import Person
from stack.work.beforehand import Conversation, FetchConversation, FetchHead, Head, PlanReview
from stack.work.kinds import Answer, Failure, Report, Retry, Usage
from stack.work.remarks import Verdict
from stack.work.review import (
    Checked,
    CheckFindings,
    Coverage,
    Draft,
    DraftReview,
    FetchPullRequest,
    Finding,
    PostReview,
    PullRequest,
    Receipt,
    Review,
    ReviewChange,
    StartReview,
)

PERSON = Person(id="telegram:1")
PULL = PullRequest(
    repository="acme/shop", number=12, title="A change", body="", author="ada", url="https://example.test/12",
    base="main", base_sha="a" * 40, head_sha="b" * 40, merge_base="c" * 40, files=1, hunks=1, binary_files=0,
)  # fmt: skip
FINDING = Finding(
    path="a.py", start_line=1, end_line=1, severity="high", confidence=1, title="Wrong", explanation="Because."
)
VERDICT = Verdict(number=1, holds=True, severity="high", reason="It is so.")
REVIEW = Review(
    summary="", findings=(FINDING,), coverage=Coverage(hunks=1, read=1, binary_files=0),
    usage=Usage(model="not-a-model", turns=1, seconds=1),
)  # fmt: skip
DRAFT = Draft(head_sha=PULL.head_sha, body="", digest="d", verdict="No problems found.", clean=True)
RECEIPT = Receipt(
    review_id=1, url="https://example.test/1", inline_comments=0, findings_in_body=0, already_reported=0,
    comments_refused=0, proven=True,
)  # fmt: skip


class Crash(BaseException):
    """A process dies, as by a power cut."""

    def __init__(self, who: str) -> None:
        super().__init__(who)
        self.who = who


@dataclass
class Fate:
    """Counts the points that are passed, and ends whoever passes one of `deaths`."""

    deaths: frozenset[int] = frozenset()
    passed: list[str] = field(default_factory=list)

    def at(self, who: str, point: str) -> None:
        """One point. Raises Crash."""
        self.passed.append(f"{who} {point}")
        if len(self.passed) - 1 in self.deaths:
            raise Crash(who)


class FatefulTransactions(Transactions):
    """The real ones, with a point before, inside (all is done, nothing committed) and after each."""

    fate: Fate

    @contextmanager
    def begin(self, name: str) -> Iterator[Transaction]:
        self.fate.at("orchestrator", f"before {name}")
        with super().begin(name) as transaction:
            yield transaction

    def ready(self, name: str) -> None:
        self.fate.at("orchestrator", f"inside {name}")

    def committed(self, name: str, transaction: Transaction) -> None:
        self.fate.at("orchestrator", f"after {name}")
        super().committed(name, transaction)


class Queue(Publisher):
    """A broker in memory: what it has confirmed it keeps, until it is acknowledged."""

    def __init__(self, fate: Fate) -> None:
        super().__init__("amqp://127.0.0.1:1", "simulated")
        self.ready.set()
        self.fate = fate
        self.messages: deque[Message] = deque()

    def publish(self, message: Message, *, timeout: float = 0) -> None:
        self.fate.at("orchestrator", f"before sending a {type(message).__name__}")
        self.messages.append(message)
        self.fate.at("orchestrator", f"after sending a {type(message).__name__}")

    def mention(self, message: Progress | Signal) -> None:
        return


class Unthreaded(Stories):
    """Runs that are due are advanced by the test."""

    due: deque[str]

    def go_on(self, run_id: str) -> None:
        self.due.append(run_id)


class NoCosts:
    """A ledger without calls."""

    def of(self, run_id: UUID) -> tuple[float | None, str]:
        return 0.0, ""


class NoFiles(Files):
    """Documents that nobody reads."""

    def __init__(self) -> None: ...

    def keep(self, name: str, content: bytes) -> Attachment:
        return Attachment(id="f" * 64, name=name, size=len(content))


def with_a_step_of_our_own(steps: Steps, ask: StartReview) -> Ending:
    """A story in which the orchestrator does a step by itself."""
    pull = steps.call("fetch", FetchPullRequest(repository=ask.repository, number=ask.number))
    plan = steps.call("plan", PlanReview(repository=pull.repository, number=pull.number, hunks=pull.hunks))
    change = ReviewChange(repository=pull.repository, base_sha=pull.merge_base, head_sha=pull.head_sha, pull=pull)
    found = steps.call("review", change)
    receipt = steps.call(
        "post", PostReview(pull=pull, draft=DRAFT.model_copy(update={"complete": found.coverage.complete}))
    )
    return Ending(state="verified" if receipt.proven and plan.check else "unproven", headline="Done")


class World:
    """One run, from the request to its end; where that can be tried again, the person does, twice at once.

    `refusals`: so many times the forge cannot post.
    """

    def __init__(
        self,
        sessions: Sessions,
        deaths: frozenset[int] = frozenset(),
        *,
        approval: bool = False,
        refusals: int = 0,
        story: Story | None = None,
    ) -> None:
        self.sessions = sessions
        self.refusals = refusals
        self.story = story
        self.fate = Fate(deaths)
        self.queue = Queue(self.fate)
        self.clock = 0.0
        self.instances = Counter[str]()
        self.finished: dict[tuple[str, UUID, int], Result] = {}
        self.effects = Counter[UUID]()
        self.paid = 0
        self.deaths = Counter[str]()
        self.endings: dict[UUID, Ending] = {}
        self.questions: dict[UUID, Question] = {}
        ask = StartReview(repository="acme/shop", number=12, approval=approval)
        self.request = Request(id=uuid7(), person=PERSON, chat=Chat(chat_id=1, message_id=1), ask=ask)
        self.start()

    def start(self) -> None:
        """The orchestrator, as after each of its starts: it knows what is in its store."""
        self.due: deque[str] = deque()
        self.outbox = Outbox(self.sessions, self.queue)
        self.transactions = FatefulTransactions(self.sessions, self.outbox)
        self.transactions.fate = self.fate
        self.transactions.go_on = self.due.append
        roles = roles_with({}, budget_usd=None, minutes=None)
        self.tasks = Tasks(
            self.transactions, grants=Grants({"model": "m", "forge": "f"}, roles), watch=Watch(lambda: self.clock)
        )
        local, stories = Local(Policy()), {"review": self.story} if self.story else None
        self.stories = Unthreaded(
            self.transactions, tasks=self.tasks, costs=NoCosts(), local=local, files=NoFiles(), stories=stories
        )
        self.stories.due = self.due
        self.runs = Runs(self.transactions, tasks=self.tasks, local=local)

    def run(self, *, rounds: int = 400) -> RunDetail:
        """Lets everything happen until nothing does; what dies is started again. Raises TimeoutError."""
        self.queue.messages.append(self.request)
        fresh = True
        for _ in range(rounds):
            try:
                if fresh:
                    self.outbox.sweep(float("inf"))
                    self.stories.sweep()
                    fresh = False
                if not self._step():
                    shown = Views(self.sessions, tasks=self.tasks).show(self.request.id)
                    if shown.ended and not self.queue.messages:
                        return shown
                    self.clock += 5  # nothing happens: time passes
                    self.tasks.look()
                    self.stories.sweep()
            except Crash as crash:
                self.deaths[crash.who] += 1
                if crash.who == "orchestrator":
                    self.start()
                    fresh = True
        raise TimeoutError(f"the run did not end:\n{self.fate.passed}")

    def _step(self) -> bool:
        """One thing that can happen now; False where there is none."""
        if self.due:
            self.stories.advance(self.due.popleft())
        elif not self.outbox._fresh.empty():
            self.outbox.send_fresh()
        elif self.queue.messages:
            self._deliver(self.queue.messages.popleft())
        else:
            return False
        return True

    def _deliver(self, message: Message) -> None:
        """Hands a message over; it comes again where that does not work out."""
        try:
            match message:
                case Request():
                    self.runs.take(message)
                case Result():
                    self.tasks.receive(message)
                case Task():
                    self._work(message)
                case Notification(content=Ending() as ending):
                    self.endings[message.id] = ending
                    self._try_again(message, ending)
                case Notification(content=Question() as question):
                    self.questions[message.id] = question
                    self._answer(message.run_id, question)
        except TryAgain:
            self.queue.messages.append(message)
            self.clock += 5  # the delay queue
        except Crash:
            self.queue.messages.append(message)
            raise

    def _answer(self, run_id: UUID, question: Question) -> None:
        answer = Answer(run_id=run_id, question=question.question, choice="Post", digest=question.digest)
        self.queue.messages.append(Request(person=PERSON, ask=answer))

    def _try_again(self, message: Notification, ending: Ending) -> None:
        if ending.can_retry:
            ask = Retry(run_id=message.run_id)
            self.queue.messages.extend([Request(id=task_id(message.id, "a button"), person=PERSON, ask=ask)] * 2)

    def _work(self, task: Task) -> None:
        """The forge or an agent: claims, works, brings. After its death it is another instance."""
        role = task.brief.by
        instance = f"{role}-{self.instances[role]}"
        try:
            claim = self.tasks.claim(task.id, role=role, instance=instance)
            if claim.verdict == "leased":
                raise TryAgain
            if claim.verdict != "run":
                return
            self.fate.at(role, f"claimed {task.step}")
            # as the worker does: what it has finished it brings again
            result = self.finished.get((instance, task.id, claim.attempt)) or Result(
                task_id=task.id, run_id=task.run_id, attempt=claim.attempt, outcome=self._outcome(task)
            )
            self.finished[instance, task.id, claim.attempt] = result
            self.fate.at(role, f"done {task.step}")
            self.queue.messages.append(result)
            self.fate.at(role, f"brought {task.step}")
        except Crash as crash:
            self.instances[role] += crash.who == role
            raise

    def _outcome(self, task: Task) -> Report:
        match task.brief:
            case FetchPullRequest():
                return PULL
            case ReviewChange():
                self.paid += 1
                return REVIEW
            case CheckFindings():
                return Checked(verdicts=(VERDICT,), usage=REVIEW.usage)
            case FetchHead():
                return Head(head_sha=PULL.head_sha)
            case FetchConversation():
                return Conversation()
            case DraftReview():
                return DRAFT
            case PostReview() if self.refusals:
                self.refusals -= 1
                return Failure(what="GitHub says no", next="give_up")
            case PostReview():
                if not self.effects[task.run_id]:  # as the forge does: it looks before it posts
                    self.effects[task.run_id] += 1
                return RECEIPT
        raise AssertionError(task.brief)
