"""Messages: what goes out comes in, and nothing else does."""

import json

import pytest
from pydantic import ValidationError

from stack.errors import GiveUp
from stack.messages import (
    AnyMessage,
    Coverage,
    FetchPullRequest,
    Message,
    PullRequest,
    Signal,
    StartReview,
    decode,
    encode,
)
from tests.stack.samples import PULL, RUN, one_of_each, progress, review_request

EACH = pytest.mark.parametrize("message", one_of_each(), ids=lambda m: type(m).__name__)


@EACH
def test_a_message_comes_in_as_it_went_out(message: AnyMessage) -> None:
    assert decode(encode(message)) == message


@EACH
def test_an_unknown_field_is_refused(message: AnyMessage) -> None:
    with pytest.raises(GiveUp, match="not a message: Extra inputs"):
        decode(json.dumps({**json.loads(encode(message)), "more": 1}).encode())


@EACH
@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(message: AnyMessage, version: object) -> None:
    with pytest.raises(GiveUp, match="version"):
        decode(json.dumps({**json.loads(encode(message)), "version": version}).encode())


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


def test_the_words_about_junk_do_not_repeat_it() -> None:
    body = encode(review_request()).replace(b"acme/shop", b"not-a-secret")
    with pytest.raises(GiveUp) as error:
        decode(body)
    assert "not-a-secret" not in str(error.value)
    assert "repository" in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["../x", "..", "-x/y", "a/..", "a/.", "./b", "a/b c", "a/b\n", "a\n/b", "\na/b", "a/b\r", "a/b\0", "a/b/c", "/b",
     "a/", "a", "", "a//b", "a_b/c", "a.b/c", "ä/b", "a/ü", "a/b?", "a/b#1", "a/b%2e", "a:b/c", "a/b\\c",
     "a" * 40 + "/b", "a/" + "b" * 101, "https://a/b", "a/\u0661"],
)  # fmt: skip
def test_a_hostile_repository_is_refused(name: str) -> None:
    for made in (StartReview, FetchPullRequest):
        with pytest.raises(ValidationError, match="repository"):
            made(repository=name, number=1)


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
    with pytest.raises(ValidationError, match="head_sha"):
        PullRequest.model_validate({**PULL.model_dump(), "head_sha": sha})


def test_data_of_one_message_is_not_that_of_another() -> None:
    one, two = progress(), progress()
    one.data["x"] = 1
    assert two.data == {}


def test_ids_of_messages_sort_by_time() -> None:
    made = [Signal(task_id=RUN) for _ in range(3)]
    assert sorted(m.id.int >> 80 for m in made) == [m.id.int >> 80 for m in made]


def test_coverage_is_complete_only_where_every_hunk_was_read() -> None:
    assert Coverage(hunks=3, read=3, binary_files=2).complete
    assert Coverage(hunks=0, read=0, binary_files=0).complete
    assert not Coverage(hunks=3, read=2, binary_files=0).complete
