"""One message of each kind, with every part that it may have."""

from uuid import UUID

from stack.ids import task_id, uuid7
from stack.messages import (
    Chat,
    Coverage,
    Ending,
    FetchPullRequest,
    FileCoverage,
    Finding,
    Link,
    Message,
    Notification,
    PostReview,
    Progress,
    PullRequest,
    Request,
    Result,
    Review,
    ReviewPullRequest,
    Signal,
    StartReview,
    Task,
    Usage,
)

RUN = uuid7(milliseconds=1_750_000_000_000, seed="a run")
CHAT = Chat(chat_id=-100, message_id=7)
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


def review_request(run_id: UUID = RUN, *, person: str = "telegram:1", chat: Chat | None = CHAT) -> Request:
    return Request(id=run_id, person=person, chat=chat, ask=StartReview(repository="acme/shop", number=12))


def review_task(run_id: UUID = RUN, step: str = "review") -> Task:
    brief = ReviewPullRequest(pull=PULL)
    return Task(id=task_id(run_id, step), run_id=run_id, role="pr_reviewer", step=step, brief=brief)


def forge_task(run_id: UUID = RUN, step: str = "fetch") -> Task:
    brief = FetchPullRequest(repository="acme/shop", number=12)
    return Task(id=task_id(run_id, step), run_id=run_id, role="forge", step=step, brief=brief)


def post_task(run_id: UUID = RUN) -> Task:
    brief = PostReview(pull=PULL, review=REVIEW)
    return Task(id=task_id(run_id, "post"), run_id=run_id, role="forge", step="post", brief=brief)


def review_result(task: Task, attempt: int = 1) -> Result:
    return Result(task_id=task.id, run_id=task.run_id, attempt=attempt, outcome=REVIEW)


def ending(run_id: UUID = RUN) -> Notification:
    content = Ending(state="verified", headline="Done", details=("x",), links=(Link(label="a", url="b"),), cost_usd=0.1)
    return Notification(run_id=run_id, chat=CHAT, content=content)


def progress(text: str = "reading", run_id: UUID = RUN, *, data: dict[str, object] | None = None) -> Progress:
    return Progress(run_id=run_id, source="pr-reviewer", kind="step", text=text, data=data or {})


def one_of_each() -> list[Message]:
    task = review_task()
    return [
        review_request(),
        task,
        review_result(task),
        Signal(task_id=task.id),
        progress(data={"n": [1, {"deep": None}]}),
        ending(),
    ]
