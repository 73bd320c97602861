"""How a pull request is read, in each of the ways in which people write it."""

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.commands import Arguments
from bot.commands.review import Review
from stack.errors import GiveUp
from stack.work.review import StartReview
from tests.bot.fakes import GITHUB

REVIEW = Review("review")
SHOP_12 = StartReview(repository="acme/shop", number=12)


def read(text: str, github: str = GITHUB) -> StartReview:
    return REVIEW.read(Arguments(text, github))


@pytest.mark.parametrize(
    "written",
    [
        "acme/shop 12",
        "  acme/shop   12 ",
        "acme/shop #12",
        "acme/shop#12",
        "acme/shop#12.",
        "(acme/shop#12)",
        "https://github.com/acme/shop/pull/12",
        "https://github.com/acme/shop/pull/12/files#diff-1",
        "https://github.com/acme/shop/pull/12/commits/0123456789abcdef",
        "https://github.com/acme/shop/pull/12?w=1",
        "https://github.com/acme/shop/pull/12#discussion_r1",
        "HTTPS://github.com/acme/shop/pull/12/",
        "https://GitHub.com/acme/shop/pull/12",
        "http://github.com/acme/shop/pull/12",
        "https://www.github.com/acme/shop/pull/12",
        "https://github.com:443/acme/shop/pull/12",
        "github.com/acme/shop/pull/12",
        "www.github.com/acme/shop/pull/12/files",
        "<https://github.com/acme/shop/pull/12>",
        "<github.com/acme/shop/pull/12>.",
        "https://github.com/acme/shop/pull/12.",
        "https://github.com/acme/shop/pull/12,",
        "https://github.com/acme/shop/pull/12)",
        "(https://github.com/acme/shop/pull/12/files).",
        "“https://github.com/acme/shop/pull/12”!",
        "https://github.com/acme/shop/issues/12",
        "https://github.com/acme/shop/issues/12#issuecomment-1",
    ],
)
def test_a_pull_request_is_read_in_each_of_its_forms(written: str) -> None:
    assert read(written) == SHOP_12
    assert read(f"{written} ask") == StartReview(repository="acme/shop", number=12, approval=True)
    assert read(f"{written} ASK").approval


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ask",
        "acme/shop",
        "acme 12",
        "12",
        "#12",
        "acme/shop twelve",
        "acme/shop -1",
        "acme/shop 0",
        "acme/shop 2147483648",
        "acme/shop 99999999999999999999",
        "acme/shop 999999999999999999999999",
        "acme/shop ١٢",
        "acme/shop 12 13",
        "acme/shop 12 please",
        "acme/shop 12ask",
        "acme/shop/12",
        "acme/shop/pull/12",
        "acme/shop/extra 12",
        "-acme/shop 12",
        "acme/.. 12",
        "acme/. 12",
        "acme/sh$op 12",
        "acme/--upload-pack=x;y 12",
        "acme/shop\x00 12",
        "ext::sh/x 12",
        "https://github.com/acme/shop/pull/",
        "https://github.com/acme/shop/pull/12x",
        "https://github.com/acme/shop/commit/12",
        "https://github.com/acme/shop/pull/12/ü",
        "https://github.com/a/b/acme/shop/pull/12",
        "ftp://github.com/acme/shop/pull/12",
        "http\u017f://github.com/acme/shop/pull/12",
        "file:///acme/shop/pull/12",
        "https:///acme/shop/pull/12",
        "https://ada@github.com/acme/shop/pull/12",
        "https://github.com@other.host/acme/shop/pull/12",
        "https://github.com:pw@other.host/acme/shop/pull/12",
        "https://github.com\\@other.host/acme/shop/pull/12",
        "https://github.com%2f.other.host/acme/shop/pull/12",
        "https://github.com#.other.host/acme/shop/pull/12",
        "https://g\u0131thub.com/acme/shop/pull/12",
        "a" * 40 + "/shop 12",
        "acme/" + "a" * 101 + " 12",
        "x" * 4000,
        "acme/shop 12; rm -rf /",
        "<b>acme</b>/shop 12",
    ],
)
def test_what_is_no_pull_request_is_refused(written: str) -> None:
    with pytest.raises(GiveUp) as refusal:
        read(written)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "host",
    [
        "other.host",
        "github.com.other.host",
        "notgithub.com",
        "github.com.",
        "github.co",
        "github.com:8443",
        "api.github.com",
        "gist.github.com",
        "127.0.0.1:8081",
    ],
)
def test_an_address_of_another_host_is_refused_in_words(host: str) -> None:
    for written in (f"https://{host}/acme/shop/pull/12", f"{host}/acme/shop/pull/12", f"<http://{host}/a/b/issues/1>."):
        with pytest.raises(GiveUp, match=r"I work with github\.com alone") as refusal:
            read(written)
        assert host in str(refusal.value)


def test_the_host_is_that_of_the_settings() -> None:
    assert read("http://127.0.0.1:8081/acme/shop/pull/12", "http://127.0.0.1:8081") == SHOP_12
    assert read("127.0.0.1:8081/acme/shop/pull/12", "http://127.0.0.1:8081") == SHOP_12
    assert read("https://git.acme.example/acme/shop/pull/12", "https://git.acme.example") == SHOP_12
    for other in ("http://127.0.0.1:8082", "http://127.0.0.1", "https://github.com"):
        with pytest.raises(GiveUp, match="alone"):
            read("http://127.0.0.1:8081/acme/shop/pull/12", other)
    with pytest.raises(GiveUp, match=r"I work with git\.acme\.example alone"):
        read("https://www.github.com/acme/shop/pull/12", "https://git.acme.example")


OWNERS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z0-9_.-]{1,100}", fullmatch=True).filter(lambda name: name not in (".", ".."))
NUMBERS = st.integers(1, 2**31 - 1)
AROUND = st.sampled_from(
    [("", ""), ("<", ">"), ("(", ")."), ("", "."), ("", ","), ('"', '"'), (" ", " \n"), ("*", "*")]
)
BEHIND = st.sampled_from(["", "/", "/files", "/files#diff-1L2", "?w=1&x=%20", "#discussion_r12", "/commits/abc_(1)"])
HOSTS = st.sampled_from(["https://github.com", "http://github.com", "github.com", "HTTPS://WWW.GitHub.com"])


@given(OWNERS, NAMES, NUMBERS, AROUND, BEHIND, HOSTS, st.sampled_from(["pull", "issues"]))
def test_whatever_stands_around_an_address_it_is_read_as_what_it_names(
    owner: str, name: str, number: int, around: tuple[str, str], behind: str, host: str, kind: str
) -> None:
    address = f"{around[0]}{host}/{owner}/{name}/{kind}/{number}{behind}{around[1]}"
    assert read(address) == StartReview(repository=f"{owner}/{name}", number=number)


# What hosts are made of, and what has led readers of addresses astray.
PIECES = st.sampled_from(
    ["https://", "http://", "HTTPS://", "//", "/", "\\", "@", ":", ":443", ":80", ".", "#", "?", "%2f", "%00", " ",
     "\n", "\u200b", "www.", "github.com", "GitHub.com", "github", "other.host", "a", "1", "<", "(", "\u017f", "\uff0e"]
)  # fmt: skip


@given(
    st.lists(PIECES, max_size=7).map("".join) | st.text(max_size=30),
    st.sampled_from(["/acme/shop/pull/12", "/acme/shop/issues/12", "/acme/shop/pull/12?a#b"]),
)
@settings(max_examples=500)
def test_only_an_address_of_our_host_is_read_whatever_stands_before_its_path(before: str, path: str) -> None:
    try:
        read(before + path)
    except GiveUp:
        return
    bare = before.strip().lstrip("<([{\"'“«*_`").lower()
    assert bare.removeprefix("https://").removeprefix("http://").removeprefix("www.") in (
        "github.com", "github.com:443", "github.com:80"
    )  # fmt: skip


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=100))
@example("a/b#1")
@example("a/b 1 ask ask")
def test_any_text_is_read_or_refused_and_what_is_read_stood_in_it(text: str) -> None:
    try:
        ask = read(text)
    except GiveUp:
        return
    assert ask.repository in text
    assert str(ask.number) in text


def test_an_issues_address_is_read_and_remarked_upon() -> None:
    issue, pull = "https://github.com/acme/shop/issues/12 ask", "https://github.com/acme/shop/pull/12"
    assert "numbers issues and pull requests together" in REVIEW.remark(Arguments(issue, GITHUB))
    assert "pull request 12" in REVIEW.remark(Arguments(issue, GITHUB))
    assert [REVIEW.remark(Arguments(text, GITHUB)) for text in (pull, "acme/shop 12", "")] == ["", "", ""]


# --- without a command ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/acme/shop/pull/12",
        "<github.com/acme/shop/pull/12/files>.",
        "acme/shop#12",
        "https://github.com/acme/shop/issues/12",
        "Add colours by ada · Pull Request #12 · acme/shop\nhttps://github.com/acme/shop/pull/12",
        "acme/shop#12 and https://github.com/acme/shop/pull/12 are the same",
    ],
)
def test_a_text_that_names_one_pull_request_is_offered_in_both_ways(text: str) -> None:
    offers = REVIEW.offers(Arguments(text, GITHUB))
    assert [(label, ask.approval) for label, ask in offers] == [("Review", False), ("Review, ask before posting", True)]
    assert {(ask.repository, ask.number) for _, ask in offers} == {("acme/shop", 12)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "acme/shop 12",
        "12",
        "acme/shop",
        "either/or#1x",
        "a -/b#1 c",
        "https://github.com/acme/shop",
        "https://example.com/",
        "acme/shop#12 or acme/shop#13",
        "see https://other.host/acme/shop/pull/12 there",
    ],
)
def test_any_other_text_is_offered_nothing(text: str) -> None:
    assert REVIEW.offers(Arguments(text, GITHUB)) == ()


def test_the_address_of_another_host_alone_is_refused_in_words() -> None:
    with pytest.raises(GiveUp, match=r"I work with github\.com alone"):
        REVIEW.offers(Arguments("https://other.host/acme/shop/pull/12", GITHUB))


@given(st.text(max_size=80))
def test_no_text_makes_more_trouble_than_a_refusal(text: str) -> None:
    with suppress(GiveUp):
        REVIEW.offers(Arguments(text, GITHUB))
