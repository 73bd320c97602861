"""What the bot says: complete, within Telegram's limits, and never a stranger's markup."""

import html
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from bot import markup, texts
from bot.commands.status import shown as status_line
from stack.ids import uuid7
from stack.messages import Attachment, Ending, Link, Question
from stack.values import now
from tests.bot.fakes import summary

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
    question = Question(question="post", text=text, details=(text,), choices=("Post",), free=True, until=now())
    file = Attachment(id="0" * 64, name=text[:200], size=1)
    return [
        texts.ending(ending),
        texts.ending(ending, texts.heading(text, text)),
        texts.ended(text, ending),
        texts.question(question),
        texts.question(question, texts.heading(text)),
        texts.progress(text, [text, text], 3, uuid7(), passing=text, stored=True),
        texts.chosen("Post it?", text, text),
        texts.answered("Post it?", text, text),
        texts.accepted("starts", text),
        texts.away(Exception(text)),
        texts.too_large(file, 5),
        texts.not_sent(file, text),
        status_line(summary(title=text)),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_brings_no_markup_no_lines_and_no_controls(text: str) -> None:
    for message in rendered(text):
        assert "<" not in OUR_TAGS.sub("", message)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", message)
        assert not re.search(r"^✅ verified", message, re.MULTILINE)
        assert len(markup.plain(message).encode("utf-16-le")) // 2 <= 4096


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
    assert len(message) <= markup.LIMIT


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
    assert markup.plain('<b>a</b> &lt;b&gt; <a href="https://x.example?a=1&amp;b=2">l</a>') == "a <b> l"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (65, "1 min 5 s"),
        (3783, "1 h 3 min"),
        (6.5 * 86400, "6 days 12 h"),
        (3600, "1 h"),
        (172799, "47 h 59 min"),
        (172800, "2 days"),
        (-1, "0 s"),
    ],
)
def test_durations_are_in_words(seconds: float, words: str) -> None:
    assert markup.duration(seconds) == words


@pytest.mark.parametrize(("dollars", "words"), [(0.0123, "$0.0123"), (0.00004, "$0.0000"), (1.239, "$1.24")])
def test_money_is_in_dollars(dollars: float, words: str) -> None:
    assert markup.money(dollars) == words


@pytest.mark.parametrize(("size", "words"), [(5, "0.0 MB"), (1 << 19, "0.5 MB"), (73 << 20, "73 MB")])
def test_sizes_are_in_megabytes(size: int, words: str) -> None:
    assert markup.megabytes(size) == words


def test_a_heading_is_a_line_of_its_own_and_says_who_asked() -> None:
    done = Ending(state="verified", headline="h", seconds=1)
    assert texts.ending(done, texts.heading("Review", "cli")).split("\n")[:2] == [
        "<b>Review</b> · asked for by cli", "✅ <b>verified</b> · h",
    ]  # fmt: skip
    assert texts.heading("", "cli") == ""


@pytest.mark.parametrize("more", [{}, {"free": True}, {"until": now() + timedelta(days=6)}])
def test_the_longest_question_leaves_room_for_its_answer(more: dict[str, Any]) -> None:
    long = Question(question="q", text="é" * 5000, details=("ü" * 500,) * 50, choices=("Post",), **more)
    shown = texts.question(long, texts.heading("t" * 500, "w" * 500))
    answered = texts.answered(shown, "n" * 500, "a" * 5000)
    assert len(markup.plain(answered).encode("utf-16-le")) // 2 <= 4096


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
    shown = markup.inert(text)
    assert "\u2060" in shown
    assert shown.replace("\u2060", "") == html.escape(text)


def test_what_is_not_seen_is_not_sent() -> None:
    assert markup.line("a\u202eb\u200bc\U000e0041d") == "abcd"
