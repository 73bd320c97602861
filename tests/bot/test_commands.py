"""How what a person writes is read."""

import pytest

from bot.commands import CANCEL_FORM, COMMANDS, REVIEW_FORM, read_review, read_short_id
from stack.errors import GiveUp
from stack.messages import StartReview


@pytest.mark.parametrize(
    "written",
    [
        "acme/shop 12",
        "  acme/shop   12 ",
        "acme/shop #12",
        "acme/shop#12",
        "https://github.com/acme/shop/pull/12",
        "http://127.0.0.1:8081/acme/shop/pull/12",
        "https://github.com/acme/shop/pull/12/files#diff-1",
        "https://github.com/acme/shop/pull/12?w=1",
        "HTTPS://github.com/acme/shop/pull/12/",
    ],
)
def test_a_pull_request_is_read_in_each_of_its_forms(written: str) -> None:
    assert read_review(written) == StartReview(repository="acme/shop", number=12)
    assert read_review(f"{written} ask") == StartReview(repository="acme/shop", number=12, approval=True)
    assert read_review(f"{written} ASK").approval


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
        "acme/shop/extra 12",
        "-acme/shop 12",
        "acme/.. 12",
        "acme/. 12",
        "acme/sh$op 12",
        "acme/--upload-pack=x;y 12",
        "acme/shop\x00 12",
        "ext::sh/x 12",
        "https://github.com/acme/shop/issues/12",
        "https://github.com/acme/shop/pull/",
        "https://github.com/acme/shop/pull/12x",
        "ftp://github.com/acme/shop/pull/12",
        "file:///acme/shop/pull/12",
        "https:///acme/shop/pull/12",
        "a" * 40 + "/shop 12",
        "acme/" + "a" * 101 + " 12",
        "x" * 4000,
        "acme/shop 12; rm -rf /",
        "<b>acme</b>/shop 12",
    ],
)
def test_a_malformed_review_is_refused_with_the_right_form(written: str) -> None:
    with pytest.raises(GiveUp) as refusal:
        read_review(written)
    assert REVIEW_FORM in str(refusal.value)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(("written", "read"), [("", ""), ("  ", ""), ("a1b2c3", "a1b2c3"), (" A1B2C3 ", "a1b2c3")])
def test_a_short_id_is_read(written: str, read: str) -> None:
    assert read_short_id(written) == read


@pytest.mark.parametrize("written", ["a1b2", "a1b2c3d", "zzzzzz", "%", "______", "a1b2c3 d4e5f6", "all"])
def test_a_malformed_short_id_is_refused_with_the_right_form(written: str) -> None:
    with pytest.raises(GiveUp, match="reply /cancel") as refusal:
        read_short_id(written)
    assert CANCEL_FORM in str(refusal.value)


def test_the_menu_keeps_to_telegrams_limits() -> None:
    for command in COMMANDS:
        assert command.name.isascii()
        assert command.name.islower()
        assert 3 <= len(command.summary) <= 256
        assert command.example.startswith(f"/{command.name}")
