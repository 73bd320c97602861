"""Messages: what goes out comes in, and nothing else does."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError

from stack import work
from stack.errors import GiveUp
from stack.messages import VERSION, AnyMessage, Message, Notification, Request, Signal, Task, decode, encode, glance
from stack.people import Person
from stack.work.review import Coverage, FetchPullRequest, ReviewChange, StartReview
from tests.stack.samples import (
    ADA,
    CHANGE,
    CHAT,
    PULL,
    RUN,
    of_version,
    one_of_each,
    progress,
    review_request,
    review_result,
    review_task,
)
from tests.stores import STORES, restore

INSIDE = ("ask", "brief", "outcome", "content")


def inside(message: Message) -> str:
    """The field in which a message carries something of the table of work; empty if it has none."""
    return next((name for name in INSIDE if hasattr(message, name)), "")


def named(message: Message) -> str:
    """The type of a message, and of what travels in it."""
    return f"{type(message).__name__} {type(getattr(message, inside(message), None)).__name__}"


EACH = pytest.mark.parametrize("message", one_of_each(), ids=named)


def changed(message: Message, **fields: object) -> bytes:
    """A message as somebody else might have written it."""
    return json.dumps({**json.loads(encode(message)), **fields}).encode()


def test_each_kind_of_work_is_tried_here() -> None:
    """Those that the stack itself has; a test that adds a workflow of its own has others beside."""
    carried = {type(getattr(message, inside(message), None)) for message in one_of_each()}
    for kinds in (work.asks(), work.briefs(), work.reports()):
        assert {kind for kind in kinds.values() if kind.__module__.startswith("stack.")} <= carried


@EACH
def test_a_message_comes_in_as_it_went_out(message: AnyMessage) -> None:
    assert decode(encode(message)) == message


@EACH
def test_an_unknown_field_is_refused(message: AnyMessage) -> None:
    with pytest.raises(GiveUp, match="not a message: Extra inputs"):
        decode(changed(message, more=1))


@pytest.mark.parametrize("message", [m for m in one_of_each() if inside(m)], ids=named)
def test_an_unknown_field_inside_is_refused(message: AnyMessage) -> None:
    where = inside(message)
    carried = json.loads(encode(message))[where]
    with pytest.raises(GiveUp, match=f"Extra inputs are not permitted at .*{where}"):
        decode(changed(message, **{where: {**carried, "more": 1}}))


@EACH
@pytest.mark.parametrize("version", [0, "1", None, True, [], "two"])
def test_a_version_that_there_never_was_is_refused(message: AnyMessage, version: object) -> None:
    with pytest.raises(GiveUp, match="version"):
        decode(changed(message, version=version))


# --- earlier ones -------------------------------------------------------------------------------------

EARLIER = (STORES / "64aaa5c/messages.jsonl").read_bytes().splitlines()


def test_what_lay_in_a_queue_when_the_stack_was_updated_is_read() -> None:
    """But for a reviewer's task, which the orchestrator sends again in the new form."""
    request, task, result, signal, progress, notification = EARLIER
    for body in (request, result, signal, progress, notification):
        assert decode(body).version == VERSION
    asked, told = decode(request), decode(notification)
    assert isinstance(asked, Request)
    assert asked.person == Person(id="telegram:1", standing="requester")
    assert isinstance(told, Notification)
    assert told.person == "telegram:-100"
    with pytest.raises(GiveUp, match="no do that there is"):
        decode(task)


@EACH
def test_what_a_message_of_version_2_says_it_says_today(message: AnyMessage) -> None:
    assert decode(of_version(2, message)) == message


def test_of_the_tasks_of_version_2_all_are_read_but_those_to_post(tmp_path: Path) -> None:
    """A review that was to be posted in the form of before is drafted anew."""
    with closing(sqlite3.connect(restore("1c69344/orchestrator", tmp_path))) as store:
        bodies = [body for (body,) in store.execute("SELECT message FROM tasks")]
    done = {json.loads(body)["brief"]["do"]: body for body in bodies}
    assert {json.loads(body)["version"] for body in bodies} == {2}
    with pytest.raises(GiveUp, match="not a message"):
        decode(done.pop("post_review"))
    assert {type(decode(body)) for body in done.values()} == {Task}
    assert set(done) == {"fetch_pull_request", "review_change"}


# --- newer ones ---------------------------------------------------------------------------------------


@EACH
def test_of_a_newer_version_it_is_known_whom_to_tell(message: AnyMessage) -> None:
    """Whatever else has changed: what a task, a result and a request are answered by stays where it is."""
    said = json.loads(encode(message))
    said.pop(inside(message), None)
    body = json.dumps({**said, "version": 4, "a": {"new": ["field"]}}).encode()
    with pytest.raises(GiveUp, match=f"a {message.type} of version 4; this service reads up to 3"):
        decode(body)
    envelope = glance(body)
    assert envelope is not None
    assert (envelope.version, envelope.type, envelope.id) == (4, message.type, message.id)
    assert envelope.run_id == getattr(message, "run_id", None)
    assert envelope.task_id == getattr(message, "task_id", None)


def test_a_newer_request_says_who_asks_and_where_and_a_newer_result_for_which_attempt() -> None:
    asked = glance(changed(review_request(), version=4))
    assert asked is not None
    assert (asked.person, asked.chat) == (ADA.model_dump(), CHAT.model_dump())
    done = glance(changed(review_result(review_task(), attempt=2), version=4))
    assert done is not None
    assert done.attempt == 2


@pytest.mark.parametrize("change", [{"id": "x"}, {"type": 5}, {"run_id": "x"}, {"attempt": "x"}])
def test_of_what_says_that_it_is_newer_and_is_junk_nothing_is_believed(change: dict[str, object]) -> None:
    body = changed(review_task(), version=4, **change)
    with pytest.raises(GiveUp, match="not a message"):
        decode(body)
    assert glance(body) is None


# --- other bad ones -----------------------------------------------------------------------------------


@EACH
def test_a_message_is_frozen(message: Message) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        message.__setattr__("id", RUN)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"{", b"\xff\xfe", b'"\\ud800"', b'{"type":"order"}', b'{"type":"task"}', b"NaN",
     b"[" * 5000, b'{"type":' * 5000, b'{"type":"signal","task_id":"x"}'],
    ids=repr,
)  # fmt: skip
def test_junk_is_given_up(body: bytes) -> None:
    with pytest.raises(GiveUp, match="not a message"):
        decode(body)


@pytest.mark.parametrize(
    ("place", "junk"),
    [("repository", {"verb": "review", "repository": "not-a-secret", "number": 1}), ("verb", {"verb": "not-a-secret"})],
)
def test_the_words_about_junk_do_not_repeat_it(place: str, junk: dict[str, object]) -> None:
    with pytest.raises(GiveUp) as error:
        decode(changed(review_request(), ask=junk))
    assert "not-a-secret" not in str(error.value)
    assert place in str(error.value)
    assert "ask" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ask", [None, [], {}, "review", {"verb": None}, {"verb": []}, {"verb": "fetch_pull_request"}])
def test_what_is_no_ask_is_refused(ask: object) -> None:
    with pytest.raises(GiveUp, match="not a message"):
        decode(changed(review_request(), ask=ask))


def test_who_does_a_task_is_not_for_its_sender_to_say() -> None:
    brief = {**CHANGE.model_dump(mode="json"), "by": "forge"}
    with pytest.raises(GiveUp, match="Extra inputs are not permitted at by"):
        decode(changed(review_task(), brief=brief))


@pytest.mark.parametrize("standing", ["owner", "", None, 1])
def test_a_standing_that_there_is_not_is_refused(standing: object) -> None:
    with pytest.raises(ValidationError, match="standing"):
        Person.model_validate({"id": "telegram:1", "standing": standing})


@pytest.mark.parametrize(
    "name",
    ["../x", "..", "-x/y", "a/..", "a/.", "./b", "a/b c", "a/b\n", "a\n/b", "\na/b", "a/b\r", "a/b\0", "a/b/c", "/b",
     "a/", "a", "", "a//b", "a_b/c", "a.b/c", "ä/b", "a/ü", "a/b?", "a/b#1", "a/b%2e", "a:b/c", "a/b\\c",
     "a" * 40 + "/b", "a/" + "b" * 101, "https://a/b", "a/\u0661"],
)  # fmt: skip
def test_a_hostile_repository_is_refused(name: str) -> None:
    for made in (StartReview, FetchPullRequest, ReviewChange):
        with pytest.raises(ValidationError, match="repository"):
            made.model_validate({"repository": name, "number": 1})


@pytest.mark.parametrize("name", ["a/b", "a-1/..b", "A/b.js", "0/_", "a/-x", "a/...", "a" * 39 + "/" + "b" * 100])
def test_a_repository_that_github_allows_is_taken(name: str) -> None:
    assert StartReview(repository=name, number=1).repository == name


@pytest.mark.parametrize("number", [0, -1, 2**31, 1.5, "x", None])
def test_a_number_that_no_pull_request_has_is_refused(number: object) -> None:
    with pytest.raises(ValidationError, match="number"):
        StartReview.model_validate({"repository": "a/b", "number": number})


@pytest.mark.parametrize(
    "sha", ["", "a" * 39, "a" * 41, "A" * 40, "g" * 40, "a" * 40 + "\n", "--upload-pack=x", "HEAD"]
)
def test_what_is_no_commit_is_refused(sha: str) -> None:
    for value in (PULL, CHANGE):
        with pytest.raises(ValidationError, match="head_sha"):
            type(value).model_validate({**value.model_dump(), "head_sha": sha})


def test_data_of_one_message_is_not_that_of_another() -> None:
    one, two = progress(), progress()
    one.data["x"] = 1
    assert two.data == {}


def test_ids_of_messages_sort_by_time() -> None:
    made = [Signal(task_id=RUN) for _ in range(3)]
    assert sorted(m.id.int >> 80 for m in made) == [m.id.int >> 80 for m in made]


def test_coverage_is_complete_only_where_every_unit_was_read_or_kept() -> None:
    assert Coverage(hunks=3, read=1, headers=2, headers_read=1, kept=3, binary_files=0).complete
    assert not Coverage(hunks=3, read=3, headers=2, headers_read=1, binary_files=0).complete
    assert not Coverage(hunks=3, read=2, headers=2, headers_read=2, binary_files=0).complete
    assert Coverage.model_validate({"hunks": 3, "read": 3, "binary_files": 0, "unread": []}).complete
    assert Coverage(hunks=3, read=3, binary_files=2).complete
    assert Coverage(hunks=0, read=0, binary_files=0).complete
    assert not Coverage(hunks=3, read=2, binary_files=0).complete
