"""The record of what was shown, and which hunks and headers count as read."""

from pathlib import Path

import pytest

from agents.pr_reviewer.coverage import Shown, coverage, left_to_read, read_whole, unchanged
from agents.tools import ReadResult, read_result
from stack.diff import FileDiff, diff_between, digest_of, parse
from tests.stack.repositories import Repository

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


# --- headers ------------------------------------------------------------------------------------------

RENAME = "diff --git a/x.py b/y.py\nsimilarity index 100%\nrename from x.py\nrename to y.py\n"
MODE = "diff --git a/run b/run\nold mode 100755\nnew mode 100644\n"
NEW = "diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+one\n+two\n"
SUBMODULE = """\
diff --git a/sub b/sub
index 1111111..2222222 160000
--- a/sub
+++ b/sub
@@ -1 +1 @@
-Subproject commit 1
+Subproject commit 2
"""


def counted(text: str, shown: Shown, earlier: dict[str, str] | None = None) -> tuple[int, ...]:
    found = coverage(files(text), numbered(files(text)), shown, unchanged(files(text), earlier or {}))
    return found.hunks, found.read, found.headers, found.headers_read, found.kept


def numbered(files: list[FileDiff]) -> list[str]:
    return [f"diff/{number:04}.diff" for number in range(1, len(files) + 1)]


def all_shown(files: list[FileDiff]) -> Shown:
    shown = Shown()
    for name, file in zip(numbered(files), files, strict=True):
        shown.add(name, 1, lines(file.text))
    return shown


def test_an_ordinary_change_has_hunks_alone() -> None:
    assert counted(CHANGE, all_shown(files())) == (2, 2, 0, 0, 0)
    assert counted(CHANGE, Shown()) == (2, 0, 0, 0, 0)


@pytest.mark.parametrize("text", [RENAME, MODE, NEW, SUBMODULE])
def test_a_header_that_says_something_must_be_shown(text: str) -> None:
    unread, read = coverage(files(text), [NAME], Shown()), coverage(files(text), [NAME], all_shown(files(text)))
    assert (unread.headers, unread.headers_read, unread.complete) == (1, 0, False)
    assert (read.headers, read.headers_read, read.complete, read.unread) == (1, 1, True, ())
    assert [(row.path, row.headers, row.headers_read) for row in unread.unread] == [(files(text)[0].path, 1, 0)]


def test_a_header_of_which_a_line_is_missing_is_not_read() -> None:
    shown = Shown()
    shown.add(NAME, 1, lines(RENAME)[:3])
    assert not coverage(files(RENAME), [NAME], shown).complete


def test_a_new_file_that_was_read_as_it_is_lacks_its_header() -> None:
    shown = Shown()
    shown.add("repo/n.py", 1, ["one", "two"])
    assert counted(NEW, shown) == (1, 1, 1, 0, 0)
    shown.add(NAME, 1, lines(NEW)[:4])
    assert counted(NEW, shown) == (1, 1, 1, 1, 0)


def test_renames_around_a_hunk_are_counted_apart() -> None:
    text = RENAME + CHANGE + MODE
    shown = Shown()
    shown.add("diff/0002.diff", 1, lines(CHANGE))
    assert counted(text, shown) == (2, 2, 2, 0, 0)
    assert counted(text, all_shown(files(text))) == (2, 2, 2, 2, 0)


# --- what is not text ---------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "tree")


@pytest.mark.parametrize("path", ["logo.png", "a/b.PDF", "nul.js", "x", "code.bin", "m.pyc", "l.so", "a.jar", "a.whl"])
def test_a_zero_byte_does_not_hide_code(repository: Repository, path: str) -> None:
    base = repository.commit({path.encode(): b"\0 import os"})
    changed = diff_between(repository.folder, base, repository.commit({path.encode(): b"\0 import sys"}))
    found = coverage(changed, [NAME], all_shown(changed))
    assert (found.hunks, found.read, found.binary_files, found.complete) == (1, 0, 1, False)
    assert read_whole(changed, [NAME], all_shown(changed)) == {}


def test_what_cannot_be_read_is_not_left_to_read(repository: Repository) -> None:
    base = repository.commit({b"a.bin": b"\0", b"b.py": b"1\n"})
    changed = diff_between(repository.folder, base, repository.commit({b"a.bin": b"\0\1", b"b.py": b"2\n"}))
    assert left_to_read(changed, numbered(changed), Shown()) == ["diff/0001.diff", "diff/0002.diff"]
    assert left_to_read(changed, numbered(changed), all_shown(changed)) == []
    assert [row.path for row in coverage(changed, numbered(changed), all_shown(changed)).unread] == ["a.bin"]
    assert left_to_read(changed, numbered(changed), Shown(), {"b.py"}) == ["diff/0001.diff"]


def test_of_media_the_header_is_read(repository: Repository) -> None:
    base = repository.commit({b"a": b"x\n"})
    added = diff_between(repository.folder, base, repository.commit({b"a.png": b"\x89PNG\r\n\x1a\n\0"}))
    unread, read = coverage(added, [NAME], Shown()), coverage(added, [NAME], all_shown(added))
    assert (unread.hunks, unread.headers, unread.complete) == (0, 1, False)
    assert (read.binary_files, read.headers_read, read.complete) == (1, 1, True)


def test_a_file_that_moves_to_where_it_runs_must_be_read(repository: Repository) -> None:
    base = repository.commit({b"docs/ci.yml": b"run: evil\n" * 9})
    head = repository.commit({b"docs/ci.yml": None, b".github/workflows/ci.yml": b"run: evil\n" * 9})
    moved = diff_between(repository.folder, base, head)
    shown = Shown()
    shown.add("diff/0001.diff", 1, lines(moved[0].text))
    found = coverage(moved, numbered(moved), shown)
    assert (found.hunks, found.read, found.headers, found.headers_read, found.complete) == (1, 0, 1, 1, False)
    shown.add("repo/.github/workflows/ci.yml", 1, ["run: evil"] * 9)
    assert coverage(moved, numbered(moved), shown).complete


def test_many_renames_hide_none(repository: Repository) -> None:
    names = [b"m%03d.py" % n for n in range(260)]
    base = repository.commit(
        {b"src/a/" + name: name * 9 for name in names} | {b"docs/ci.yml": b"run: evil\n" * 9, b"x": b""}
    )
    moved = {b"src/a/" + name: None for name in names} | {b"src/b/" + name: name * 9 for name in names}
    head = repository.commit(
        {**moved, b"docs/ci.yml": None, b".github/workflows/ci.yml": b"run: evil\n" * 9, b"x": b"1\n"}
    )
    changed = diff_between(repository.folder, base, head)
    shown = Shown()
    for name, file in zip(numbered(changed), changed, strict=True):
        if file.path != ".github/workflows/ci.yml":
            shown.add(name, 1, lines(file.text))
    found = coverage(changed, numbered(changed), shown)
    assert (found.hunks, found.read, found.headers, found.headers_read) == (2, 1, 261, 260)
    assert {row.path for row in found.unread} == {".github/workflows/ci.yml"}


# --- what need not be read anew -----------------------------------------------------------------------


def test_a_file_whose_diff_is_as_it_was_is_kept() -> None:
    text = RENAME + CHANGE + NEW
    earlier = read_whole(files(text), numbered(files(text)), all_shown(files(text)))
    assert earlier == {file.path: file.digest for file in files(text)}
    assert counted(text, Shown(), earlier) == (3, 0, 2, 0, 5)
    assert coverage(files(text), numbered(files(text)), Shown(), earlier).complete
    assert read_whole(files(text), numbered(files(text)), Shown(), earlier) == earlier


def test_what_is_kept_counts_once_if_it_is_shown_all_the_same() -> None:
    earlier = {"app.py": files()[0].digest}
    assert counted(CHANGE + RENAME, all_shown(files(CHANGE + RENAME)), earlier) == (2, 0, 1, 1, 2)


def test_a_file_that_changed_since_is_not_kept() -> None:
    changed = CHANGE.replace("+TWO", "+Two")
    assert counted(changed, Shown(), {"app.py": files()[0].digest}) == (2, 0, 0, 0, 0)
    assert counted(changed, Shown(), {"other.py": files(changed)[0].digest}) == (2, 0, 0, 0, 0)


def test_a_file_that_was_read_in_part_was_not_read_whole() -> None:
    shown = Shown()
    shown.add(NAME, 1, lines()[:9])
    assert read_whole(files(), [NAME], shown) == {}


# --- one path, two diffs ------------------------------------------------------------------------------


def became_a_link(repository: Repository) -> list[FileDiff]:
    base = repository.commit({b"a": b"one\n"})
    (repository.folder / "a").unlink()
    (repository.folder / "a").symlink_to("nothing")
    return diff_between(repository.folder, base, repository.commit_tree())


def test_a_path_with_two_diffs_is_listed_for_each_and_read_whole_with_both(repository: Repository) -> None:
    both = became_a_link(repository)
    shown = Shown()
    shown.add("diff/0001.diff", 1, lines(both[0].text))
    half = coverage(both, numbered(both), shown)
    assert (half.hunks, half.read, half.headers, half.headers_read) == (2, 1, 2, 1)
    assert [(row.path, row.hunks, row.read) for row in half.unread] == [("a", 1, 0)]
    assert read_whole(both, numbered(both), shown) == {}
    earlier = read_whole(both, numbered(both), all_shown(both))
    assert earlier == {"a": digest_of(both)}
    assert coverage(both, numbered(both), Shown(), earlier).kept == 4
    assert unchanged(both[:1], earlier) == {}


# --- what Read answers --------------------------------------------------------------------------------


def test_what_read_answers_is_understood() -> None:
    file = {"filePath": "/w/diff/0001.diff", "content": "+a\n+b\n", "numLines": 2, "startLine": 0, "totalLines": 9}
    assert read_result({"type": "text", "file": file}) == ReadResult("/w/diff/0001.diff", 1, ["+a", "+b"])


@pytest.mark.parametrize(
    "answer", ["Error: too large", None, {}, {"type": "image", "file": {"base64": "x"}}, {"file": 7}]
)
def test_what_shows_no_text_is_nothing(answer: object) -> None:
    assert read_result(answer) is None
