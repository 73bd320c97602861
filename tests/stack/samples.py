"""One message of each kind, with every part that it may have."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stack.ids import task_id, uuid7
from stack.messages import (
    Attachment,
    Chat,
    Ending,
    Link,
    Message,
    Note,
    Notification,
    Progress,
    Question,
    Request,
    Result,
    Signal,
    Task,
    encode,
)
from stack.people import Person
from stack.work.beforehand import Conversation, FetchConversation, FetchHead, Head, Plan, PlanReview
from stack.work.kinds import Answer, Brief, Cancel, Failure, Report, Retry, Steer, Usage
from stack.work.remarks import Dismissed, Earlier, Estimate, Placed, Remark, Said, Verdict
from stack.work.review import (
    Checked,
    CheckFindings,
    Coverage,
    Dismiss,
    Draft,
    DraftReview,
    FetchPullRequest,
    FileCoverage,
    Finding,
    PostReview,
    PullRequest,
    Receipt,
    Review,
    ReviewChange,
    StartReview,
)

RUN = uuid7(milliseconds=1_750_000_000_000, seed="a run")
CHAT = Chat(chat_id=-100, message_id=7)
ADA = Person(id="telegram:1", standing="requester")
FILE = Attachment(id="f" * 64, name="Füße.txt", size=3)
PULL = PullRequest(
    repository="acme/shop", number=12, title="Füge <b>Farben</b> hinzu 🎨", body="line\u2028line\r\n\x0c", author="ada",
    url="https://example.test/acme/shop/pull/12", base="main", base_sha="a" * 40, head_sha="b" * 40,
    merge_base="c" * 64, files=3, hunks=4, binary_files=1,
)  # fmt: skip
FINDING = Finding(
    path="src/a b/ü.py", start_line=3, end_line=4, side="LEFT", severity="high", confidence=0.5,
    title="Wrong", explanation="Because.", suggestion="right()\n",
)  # fmt: skip
REVIEW = Review(
    summary="A change.",
    findings=(FINDING,),
    coverage=Coverage(hunks=4, read=3, binary_files=1, unread=(FileCoverage(path="big.py", hunks=2, read=1),)),
    usage=Usage(model="not-a-model", turns=3, seconds=1.5),
)
FETCH = FetchPullRequest(repository="acme/shop", number=12)
CHANGE = ReviewChange(repository="acme/shop", base_sha=PULL.merge_base, head_sha=PULL.head_sha, pull=PULL)
DRAFT = Draft(
    head_sha=PULL.head_sha, body="## Review", digest="d" * 64, verdict="1 problem: 1 high.",
    remarks=(Remark(path="src/a b/ü.py", start_line=3, line=4, side="LEFT", body="**High**: Wrong"),),
    findings=(
        Placed(
            number=1, path="src/a b/ü.py", line=4, side="LEFT", severity="high", kind="other", title="Wrong",
            anchor="a" * 16, where="line",
        ),
    ),
)  # fmt: skip
POST = PostReview(pull=PULL, draft=DRAFT)


PLAN_IT = PlanReview(repository="acme/shop", number=12, hunks=4)
LOOK = FetchConversation(
    repository="acme/shop", number=12, base_sha=PULL.base_sha, head_sha=PULL.head_sha, since="e" * 40
)
CHECK = CheckFindings(repository="acme/shop", base_sha=PULL.base_sha, head_sha=PULL.head_sha, findings=(FINDING,))
SAID = Said(
    number=1, author="bob", ours=True, path="src/a b/ü.py", side="LEFT", start_line=3, line=4, text="Füße 🎨",
    kind="security", anchor="a" * 16, thread="T_1", resolved_by="person",
)  # fmt: skip
DISMISSED = Dismissed(path="src/a b/ü.py", kind="tests", anchor="a" * 16, reason="It is meant so")
WRITE = DraftReview(
    pull=PULL, review=REVIEW, said=(SAID,), dismissed=(DISMISSED,), checked=True, since="3 commits were pushed."
)
WHERE = FetchHead(repository="acme/shop", number=12)
PLAN = Plan(
    estimate=Estimate(low=0.5, high=2), ask=True, check=False, dismissed=(DISMISSED,),
    earlier=Earlier(head_sha="e" * 40, url="https://example.test/review", read={"a.py": "d" * 64}),
)  # fmt: skip
CONVERSATION = Conversation(said=(SAID,), moved="pushed", commits=3)
CHECKED = Checked(
    verdicts=(Verdict(number=1, holds=False, pre_existing=True, severity="low", reason="It is not so."),),
    usage=REVIEW.usage,
)
RECEIPT = Receipt(
    review_id=1, url="https://example.test/review", inline_comments=3, findings_in_body=2, already_reported=1,
    comments_refused=1, resolved=1, status="no right", proven=False, missing="a comment",
)  # fmt: skip


def review_request(run_id: UUID = RUN, *, person: Person = ADA, chat: Chat | None = CHAT) -> Request:
    ask = StartReview(repository="acme/shop", number=12)
    return Request(id=run_id, person=person, chat=chat, ask=ask, files=(FILE,))


def review_task(run_id: UUID = RUN, step: str = "review") -> Task:
    return Task(id=task_id(run_id, step), run_id=run_id, step=step, brief=CHANGE)


def forge_task(run_id: UUID = RUN, step: str = "fetch") -> Task:
    return Task(id=task_id(run_id, step), run_id=run_id, step=step, brief=FETCH)


def review_result(task: Task, attempt: int = 1) -> Result:
    return Result(task_id=task.id, run_id=task.run_id, attempt=attempt, outcome=REVIEW)


def ending(run_id: UUID = RUN) -> Notification:
    content = Ending(
        state="verified",
        headline="Done",
        details=("x",),
        links=(Link(label="a", url="b"),),
        files=(FILE,),
        cost_usd=0.1,
    )
    return Notification(run_id=run_id, person=ADA.id, chat=CHAT, title="Review of acme/shop#12", content=content)


def question(run_id: UUID = RUN) -> Notification:
    content = Question(
        question="post", text="Post it?", choices=("Post", "Discard"), free=True, digest="d" * 64,
        until=datetime(2026, 1, 8, tzinfo=UTC),
    )  # fmt: skip
    return Notification(run_id=run_id, person="cli", content=content)


def progress(text: str = "reading", run_id: UUID = RUN, *, data: dict[str, object] | None = None) -> Progress:
    return Progress(run_id=run_id, source="pr-reviewer", kind="step", text=text, data=data or {})


def of_version(version: int, message: Message) -> bytes:
    """A message that says it is of this version, and is as it is otherwise."""
    return json.dumps({**json.loads(encode(message)), "version": version}, separators=(",", ":")).encode()


def one_of_each() -> list[Message]:
    """A message of each kind, and of each kind of ask, brief, report and content that the stack itself has."""
    task = review_task()
    briefs: list[Brief[Any]] = [FETCH, PLAN_IT, LOOK, CHANGE, CHECK, WRITE, WHERE, POST]
    brought: list[Report] = [PULL, PLAN, CONVERSATION, REVIEW, CHECKED, DRAFT, Head(head_sha="b" * 40), RECEIPT]
    failure = Failure(what="GitHub asks to wait", next="retry", after=60)
    return [
        review_request(),
        Request(person=ADA, ask=Answer(run_id=RUN, question="post", choice="Post", digest="d" * 64), priority="urgent"),
        Request(person=Person(id="cli", standing="admin"), ask=Cancel(run_id=RUN)),
        Request(person=ADA, ask=Steer(run_id=RUN, text="Look at the tests too")),
        Request(person=ADA, ask=Retry(run_id=RUN)),
        Request(person=ADA, ask=Dismiss(run_id=RUN, number=2, reason="It is meant so")),
        *(Task(id=task_id(RUN, brief.do), run_id=RUN, step=brief.do, brief=brief) for brief in briefs),
        *(Result(task_id=task.id, run_id=RUN, attempt=1, outcome=outcome) for outcome in brought),
        Result(task_id=task.id, run_id=RUN, attempt=0, outcome=failure),
        Signal(task_id=task.id, verb="steer", text="Look at the tests too"),
        progress(data={"n": [1, {"deep": None}]}),
        ending(),
        question(),
        Notification(run_id=RUN, person=ADA.id, chat=CHAT, content=Note(text="It is too late")),
    ]
