"""The record of what was shown, and which hunks count as read."""

import pytest

from agents.pr_reviewer.coverage import Shown, coverage
from agents.tools import ReadResult, read_result
from stack.diff import FileDiff, parse

NAME = "diff/0001.diff"
CHANGE = """\
diff --git a/app.py b/app.py
index 1111111..2222222 100644
--- a/app.py
+++ b/app.py
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
@@ -10,2 +10,3 @@
 ten
+ten and a half
 eleven
"""


def files(text: str = CHANGE) -> list[FileDiff]:
    return parse(text)


def lines(text: str = CHANGE) -> list[str]:
    return text.removesuffix("\n").split("\n")


def read_hunks(shown: Shown, text: str = CHANGE) -> int:
    return coverage(files(text), [NAME], shown).read


def test_nothing_shown_is_nothing_read() -> None:
    found = coverage(files(), [NAME], Shown())
    assert (found.hunks, found.read, found.complete) == (2, 0, False)
    assert [(f.path, f.hunks, f.read) for f in found.unread] == [("app.py", 2, 0)]


def test_a_diff_that_was_shown_whole_is_read() -> None:
    shown = Shown()
    shown.add(NAME, 1, lines())
    assert coverage(files(), [NAME], shown).complete


def test_pages_that_meet_are_as_good_as_one() -> None:
    shown = Shown()
    shown.add(NAME, 1, lines()[:7])
    shown.add(NAME, 8, lines()[7:])
    assert read_hunks(shown) == 2


@pytest.mark.parametrize("missing", [6, 7, 8])
def test_a_hunk_with_a_line_that_was_not_shown_is_not_read(missing: int) -> None:
    shown = Shown()
    for number, line in enumerate(lines(), 1):
        if number != missing:
            shown.add(NAME, number, [line])
    assert read_hunks(shown) == 1


def test_a_line_that_was_shown_cut_short_was_not_shown() -> None:
    shown = Shown()
    shown.add(NAME, 1, [line[:4] for line in lines()])
    assert read_hunks(shown) == 0


def test_other_text_at_the_same_place_does_not_count() -> None:
    shown = Shown()
    shown.add(NAME, 1, ["something else"] * 20)
    shown.add("repo/other.py", 1, lines())
    assert read_hunks(shown) == 0


def test_lines_that_were_only_added_can_be_read_in_the_new_file() -> None:
    shown = Shown()
    shown.add("repo/app.py", 10, ["ten", "ten and a half", "eleven"])
    assert read_hunks(shown) == 1


def test_lines_that_were_taken_out_cannot() -> None:
    shown = Shown()
    shown.add("repo/app.py", 1, ["one", "TWO", "three"])
    assert read_hunks(shown) == 0


def test_line_ends_of_another_system_make_no_difference() -> None:
    text = CHANGE.replace("+TWO\n", "+TWO\r\n")
    shown = Shown()
    shown.add(NAME, 1, [line.removesuffix("\r") for line in lines(text)])
    assert read_hunks(shown, text) == 2


@pytest.mark.parametrize(("path", "complete"), [("logo.png", True), ("a/b.PDF", True), ("nul.js", False), ("x", False)])
def test_a_zero_byte_does_not_hide_code(path: str, complete: bool) -> None:
    text = f"diff --git a/{path} b/{path}\nindex 1..2 100644\nBinary files a/{path} and b/{path} differ\n"
    found = coverage(files(text), [NAME], Shown())
    assert found.binary_files == 1
    assert found.complete == complete


def test_what_read_answers_is_understood() -> None:
    file = {"filePath": "/w/diff/0001.diff", "content": "+a\n+b\n", "numLines": 2, "startLine": 0, "totalLines": 9}
    assert read_result({"type": "text", "file": file}) == ReadResult("/w/diff/0001.diff", 1, ["+a", "+b"])


@pytest.mark.parametrize(
    "answer", ["Error: too large", None, {}, {"type": "image", "file": {"base64": "x"}}, {"file": 7}]
)
def test_what_shows_no_text_is_nothing(answer: object) -> None:
    assert read_result(answer) is None
