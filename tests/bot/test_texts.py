"""What the bot says: complete, within Telegram's limits, and never a stranger's markup."""

import html
import re
from typing import Any
from uuid import UUID

import pytest

from bot import texts
from bot.commands import COMMANDS
from stack.ids import uuid7
from stack.messages import Ending, Link, Question

HOSTILE = [
    "<b>bold</b>",
    '<a href="https://evil.example">click</a>',
    '"><script>alert(1)</script>',
    "&lt;b&gt; & <i>",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "two\nlines\r\n✅ verified",
    "\u202egnirts desrever",
    "\x00\x07\x1b",
    "<" * 5000,
    "😀" * 3000,
    "</code></b></i>",
]
OUR_TAGS = re.compile(r"</?(?:b|i|code)>|<a href=\"https://github\.com/[^\"<>]*\">|</a>")


def rendered(text: str) -> list[str]:
    """All that a stranger's text can be a part of."""
    link = Link(label=text, url="https://github.com/" + text)
    ending = Ending(state="failed", headline=text, details=(text,) * 3, links=(link,), model=text, seconds=1)
    row = {"id": str(uuid7()), "title": text, "state": "running", "seconds": 1, "cost_usd": 0.1}
    return [
        texts.ending(ending),
        texts.ended(text, ending),
        texts.question(Question(question="post", text=text, details=(text,), choices=("Post",))),
        texts.progress(text, [text, text], 3, uuid7()),
        texts.answered("Post it?", text, text),
        texts.runs([row]),
        texts.unknown("/" + text),
        texts.stopping(text),
        texts.away(Exception(text)),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_brings_no_markup_no_lines_and_no_controls(text: str) -> None:
    for message in rendered(text):
        assert "<" not in OUR_TAGS.sub("", message)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", message)
        assert not re.search(r"^✅ verified", message, re.MULTILINE)
        assert len(message.encode("utf-16-le")) // 2 <= 4096


def test_a_link_that_is_not_of_the_web_is_only_text() -> None:
    ending = Ending(state="verified", headline="h", links=(Link(label="Review", url="javascript:alert(1)"),))
    assert "<a " not in texts.ending(ending)
    assert "javascript:alert(1)" in texts.ending(ending)


def test_an_ending_says_state_headline_details_links_model_cost_and_time() -> None:
    ending = Ending(
        state="verified",
        headline="acme/shop#12 reviewed: 2 findings",
        details=("2 inline comments", "All 5 hunks were read"),
        links=(Link(label="Review", url="https://github.com/acme/shop/pull/12#r1"),),
        model="claude-opus",
        cost_usd=0.01234,
        seconds=65,
    )
    assert texts.ending(ending).split("\n") == [
        "✅ <b>verified</b> · acme/shop#12 reviewed: 2 findings",
        "• 2 inline comments",
        "• All 5 hunks were read",
        '<a href="https://github.com/acme/shop/pull/12#r1">Review</a>',
        "<i>claude-opus · $0.0123 · 1 min 5 s</i>",
    ]


@pytest.mark.parametrize(
    ("state", "icon"), [("verified", "✅"), ("unproven", "⚠️"), ("failed", "❌"), ("cancelled", "⏹")]
)
def test_each_ending_has_its_icon_and_word(state: Any, icon: str) -> None:
    assert texts.ending(Ending(state=state, headline="h")).startswith(f"{icon} <b>{state}</b>")


def test_details_that_do_not_fit_are_counted() -> None:
    details = tuple(f"{number}: " + "é<" * 100 for number in range(50))
    message = texts.ending(Ending(state="unproven", headline="h", details=details, seconds=1))
    shown = message.count("• ")
    assert 0 < shown < 50
    assert f"… and {50 - shown} more" in message
    assert message.endswith("<i>1 s</i>")
    assert len(message) <= texts.LIMIT


def test_progress_ticks_what_is_done_and_shows_what_is_under_way() -> None:
    run_id = UUID("01890000-0000-7000-8000-0000abcdef12")
    assert texts.progress("Review", [], 0, run_id).split("\n") == [
        "<b>Review</b> — queued",
        "<i>0 s</i> · <code>cdef12</code>",
    ]
    assert texts.progress("Review", ["fetched", "reading"], 12.4, run_id).split("\n") == [
        "<b>Review</b>",
        "✓ fetched",
        "… reading",
        "<i>12 s</i> · <code>cdef12</code>",
    ]


def test_progress_of_many_steps_stays_short() -> None:
    lines = texts.progress("Review", [f"step {number}" for number in range(30)], 1, uuid7()).split("\n")
    assert lines[1] == "✓ 21 earlier steps"
    assert lines[-2] == "… step 29"
    assert len(lines) == 12


def test_plain_text_has_no_markup_left() -> None:
    assert texts.plain('<b>a</b> &lt;b&gt; <a href="https://x.example?a=1&amp;b=2">l</a>') == "a <b> l"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (65, "1 min 5 s"), (3783, "1 h 3 min"), (-1, "0 s")]
)
def test_durations_are_in_words(seconds: float, words: str) -> None:
    assert texts.duration(seconds) == words


@pytest.mark.parametrize(("dollars", "words"), [(0.0123, "$0.0123"), (0.00004, "$0.0000"), (1.239, "$1.24")])
def test_money_is_in_dollars(dollars: float, words: str) -> None:
    assert texts.money(dollars) == words


def test_help_has_an_example_of_each_command() -> None:
    for command in COMMANDS:
        assert f"<code>{command.example}</code>" in texts.help_()


@pytest.mark.parametrize(
    "text",
    [
        "see https://evil.example/x",
        "@octocat merged it",
        "/cancel",
        "#tag",
        "evil.example/login.md",
        "it's <b>$USD</b>",
    ],
)
def test_nothing_in_a_detail_becomes_a_link(text: str) -> None:
    shown = texts.inert(text)
    assert "\u2060" in shown
    assert shown.replace("\u2060", "") == html.escape(text)


def test_what_is_not_seen_is_not_sent() -> None:
    assert texts.line("a\u202eb\u200bc\U000e0041d") == "abcd"
