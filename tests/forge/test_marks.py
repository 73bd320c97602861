"""Signed marks: only what we signed is read, and only at the end of a text."""

import pytest

from forge.marks import Marks, without

MARKS = Marks("not-a-key")


def read(body: str) -> list[dict[str, object]]:
    return list(MARKS.read(body))


def test_what_was_signed_is_read_at_the_end_of_a_text() -> None:
    one, two = MARKS.line({"is": "finding", "kind": "security"}), MARKS.line({"is": "review", "run": "x", "moved": [1]})
    assert read(f"Words.\n\n{one}\n{two}\n") == [
        {"is": "finding", "kind": "security"},
        {"is": "review", "run": "x", "moved": [1]},
    ]
    assert without(f"Words.\n\n{one}\n{two}\n") == "Words."


@pytest.mark.parametrize(
    "body",
    [
        "{mark}\n\nand more below",
        "`{mark}`",
        "```\n{mark}\n```",
        "{other}",
        "{mark_of_another_key}",
        "<!-- claude-stack run:0190a000-0000-7000-8000-000000000000 -->",
        "<!-- claude-stack e30=.00000000000000000000000000000000 -->",
        "",
    ],
)
def test_nothing_else_is_read(body: str) -> None:
    mark = MARKS.line({"is": "review", "run": "x"})
    filled = body.format(
        mark=mark,
        other=mark.replace("eJ", "eK", 1),
        mark_of_another_key=Marks("another-key").line({"is": "review", "run": "x"}),
    )
    assert read(filled) == []


def test_the_same_facts_are_the_same_line_without_what_would_end_a_comment() -> None:
    facts = {"title": "--> <!-- ü -- >" * 5}
    assert MARKS.line(facts) == MARKS.line(facts)
    assert "--" not in MARKS.line(facts)[4:-3]
