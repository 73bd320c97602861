"""What a header says of a file, what belongs to it, and the digest by which a change is known again."""

from itertools import pairwise
from pathlib import Path

import pytest

from stack.diff import FileDiff, at, by_path, diff_between, digest_of, parse
from tests.stack.repositories import Repository

NUMBERS = b"".join(b"line %d\n" % n for n in range(1, 40))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "tree")


def headers(repository: Repository, base: str, head: str) -> list[str]:
    return [file.header for file in diff_between(repository.folder, base, head) if not file.whole]


# --- facts --------------------------------------------------------------------------------------------


def test_a_file_whose_text_alone_changed_has_nothing_to_say(repository: Repository) -> None:
    base = repository.commit({b"a.py": b"1\n"})
    assert headers(repository, base, repository.commit({b"a.py": b"2\n"})) == [""]
    (repository.folder / "a.py").chmod(0o755)
    made = repository.commit_tree()
    assert headers(repository, made, repository.commit({b"a.py": b"3\n"})) == [""]


def test_new_and_deleted_files_say_so(repository: Repository) -> None:
    base = repository.commit({b"a": b"1\n", b"b": b"2\n"})
    (repository.folder / "c").write_text("x")
    (repository.folder / "c").chmod(0o755)
    head = repository.commit({b"a": None, b"b": None, b"d": b"", b"e": b"\0"})
    assert headers(repository, base, head) == [
        "deleted file",
        "deleted file",
        "new file, mode 100755",
        "new file",
        "new file, binary",
    ]


def test_renames_say_from_where_and_with_which_mode(repository: Repository) -> None:
    base = repository.commit({b"a": NUMBERS, b"x": NUMBERS * 2})
    (repository.folder / "x").chmod(0o755)
    modes = repository.commit_tree()
    assert headers(repository, base, modes) == ["mode changed from 100644 to 100755"]
    head = repository.commit({b"a": None, b"b\nc": NUMBERS})
    assert headers(repository, modes, head) == [r'renamed from a to "b\nc"']
    (repository.folder / "x").rename(repository.folder / "y")
    assert headers(repository, head, repository.commit_tree()) == ["renamed from x to y, mode 100755"]
    (repository.folder / "y").rename(repository.folder / "z")
    (repository.folder / "z").chmod(0o644)
    said = "renamed from y to z, mode changed from 100755 to 100644"
    assert headers(repository, repository.commit_tree() + "~1", "HEAD") == [said]


def test_links_and_submodules_say_so_whenever_they_change(repository: Repository) -> None:
    base = repository.commit({b"a": b"x\n"})
    (repository.folder / "link").symlink_to("a")
    made = repository.commit_tree()
    (repository.folder / "link").unlink()
    (repository.folder / "link").symlink_to("nothing")
    moved = repository.commit_tree()
    gone = repository.commit({b"link": None})
    for commit in (base, made):
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
        repository.git("commit", "--quiet", "--message=sub")
    commits = [base, made, moved, gone, "HEAD~1", "HEAD"]
    said = [headers(repository, a, b) for a, b in pairwise(commits)]
    assert said == [["new symlink"], ["symlink"], ["deleted symlink"], ["new submodule"], ["submodule"]]


def test_a_copy_says_so_too() -> None:
    text = "diff --git a/a b/b\nsimilarity index 100%\ncopy from a\ncopy to b\n"
    (file,) = parse(text)
    assert (file.old_path, file.path, file.header) == ("a", "b", "copied from a to b")


def test_a_header_is_the_first_lines_of_the_text(repository: Repository) -> None:
    base = repository.commit({b"a.py": NUMBERS, b"b.py": b"1\n"})
    (repository.folder / "b.py").chmod(0o755)
    head = repository.commit({b"a.py": NUMBERS + b"@@ -1 +1 @@\n"})
    changed, made = [file for file in diff_between(repository.folder, base, head) if not file.whole]
    assert changed.text.split("\n")[changed.header_lines].startswith("@@ -37,3 ")
    assert made.text.split("\n")[: made.header_lines] == [
        "diff --git a/b.py b/b.py",
        "old mode 100644",
        "new mode 100755",
    ]


# --- one path, two diffs ------------------------------------------------------------------------------


def became_a_link(repository: Repository) -> list[FileDiff]:
    base = repository.commit({b"a": b"one\ntwo\n"})
    (repository.folder / "a").unlink()
    (repository.folder / "a").symlink_to("b")
    return diff_between(repository.folder, base, repository.commit_tree())


def test_a_path_with_two_diffs_is_found_by_its_side(repository: Repository) -> None:
    old, new = became_a_link(repository)
    assert (old.header, new.header) == ("deleted file", "new symlink")
    assert at([old, new], "a", "LEFT") is old
    assert at([old, new], "a", "RIGHT") is new
    assert by_path([old, new]) == {"a": [old, new]}
    assert digest_of([old, new]) not in (digest_of([old]), digest_of([new]), digest_of([new, old]))
    assert digest_of([old]) == old.digest


def test_a_file_that_became_a_submodule_is_found_by_its_side(repository: Repository) -> None:
    base = repository.commit({b"a": b"one\n"})
    repository.git("rm", "--quiet", "a")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{base},a")
    repository.git("commit", "--quiet", "--message=sub")
    files = diff_between(repository.folder, base, "HEAD")
    assert [at(files, "a", side) for side in ("LEFT", "RIGHT")] == files
    assert [file.header for file in files] == ["deleted file", "new submodule"]


@pytest.mark.parametrize(
    ("path", "side", "found"), [("a", "RIGHT", 0), ("b", "RIGHT", 1), ("b", "LEFT", 1), ("a", "LEFT", 0)]
)
def test_names_that_were_exchanged_are_the_new_ones(path: str, side: str, found: int) -> None:
    renames = "diff --git a/{0} b/{1}\nsimilarity index 100%\nrename from {0}\nrename to {1}\n"
    files = parse(renames.format("b", "a") + renames.format("a", "b"))
    assert at(files, path, side) is files[found]


def test_a_file_that_is_not_on_a_side_is_not_found_there(repository: Repository) -> None:
    base = repository.commit({b"a": b"1\n"})
    files = diff_between(repository.folder, base, repository.commit({b"a": None, b"b": b"other\n" * 9}))
    assert [at(files, path, side) for path in "ab" for side in ("LEFT", "RIGHT")] == [files[0], None, None, files[1]]


# --- digests ------------------------------------------------------------------------------------------


def digests(repository: Repository, base: str, head: str) -> dict[str, str]:
    return {path: digest_of(files) for path, files in by_path(diff_between(repository.folder, base, head)).items()}


def test_a_digest_stays_when_the_base_moves(repository: Repository) -> None:
    base = repository.commit({b"a.py": NUMBERS, b"lib/a/b.py": NUMBERS})
    changes = {b"a.py": NUMBERS.replace(b"line 20\n", b"twenty\n"), b"lib/a/b.py": None, b"lib/b/b.py": NUMBERS}
    before = digests(repository, base, repository.commit(changes))
    moved = NUMBERS.replace(b"line 3\n", b"3\n")
    repository.git("checkout", "--quiet", base)
    base = repository.commit({b"a.py": moved, b"lib/a/b.py": moved})
    changes = {b"a.py": moved.replace(b"line 20\n", b"twenty\n"), b"lib/a/b.py": None, b"lib/b/b.py": moved}
    assert digests(repository, base, repository.commit(changes)) == before
    assert all(len(digest) == 64 and int(digest, 16) for digest in before.values())


def test_a_hunk_that_goes_to_another_place_alike_is_another_change(repository: Repository) -> None:
    """The author of a change may find, or make, two places that look the same."""
    block = b"    take()\n    look()\n    judge()\n    check()\n    run()\n    tidy()\n    close()\n"
    text, without = b"def f():\n" + block * 2, block.replace(b"    check()\n", b"")
    base = repository.commit({b"a.py": text})
    found = set()
    for changed in (without + block, block + without):
        repository.git("checkout", "--quiet", base)
        found.add(digests(repository, base, repository.commit({b"a.py": b"def f():\n" + changed}))["a.py"])
    assert len(found) == 2


DIFF = """\
diff --git a/a.py b/a.py
index 1111111..2222222 100644
--- a/a.py
+++ b/a.py
@@ -1,3 +1,3 @@ def f():
 one
-two
+TWO
 three
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1111111", "3333333"),
        ("index ", "similarity index 90%\nindex "),
    ],
)
def test_a_digest_does_not_know_what_the_change_is_based_on(old: str, new: str) -> None:
    assert old in DIFF
    assert parse(DIFF.replace(old, new))[0].digest == parse(DIFF)[0].digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+TWO", "+ TWO"),
        ("@@ -1,3 +1,3 @@", "@@ -11,3 +11,3 @@"),
        ("@@ def f():", "@@ def g():"),
        ("-two", "-too"),
        (" three", " 3"),
        (" three\n", " three\n\\ No newline at end of file\n"),
        ("a.py", "b.py"),
        ("--- a/a.py", "--- /dev/null"),
        ("2 100644", "2 120000"),
        ("index ", "old mode 100644\nnew mode 100755\nindex "),
        (" three\n", " three\n@@ -10 +10 @@\n-x\n+y\n"),
        ("+TWO", "+\ufffd"),
        ("+TWO\n three\n", "+TWO\r\n three\n"),
    ],
)
def test_a_digest_knows_what_changed(old: str, new: str) -> None:
    assert old in DIFF
    assert parse(DIFF.replace(old, new))[0].digest != parse(DIFF)[0].digest


def test_two_hunks_are_not_one(repository: Repository) -> None:
    joined = DIFF.replace("@@ -1,3 +1,3 @@ def f():\n one\n", "@@ -1,5 +1,5 @@\n one\n-x\n+y\n")
    parted = DIFF.replace("@@ -1,3 +1,3 @@ def f():\n one\n", "@@ -1,2 +1,2 @@\n one\n-x\n+y\n@@ -9,2 +9,2 @@\n")
    assert parse(joined)[0].digest != parse(parted)[0].digest


def test_what_the_text_does_not_show_is_known_by_its_content(repository: Repository) -> None:
    commits = [repository.commit({b"a.png": b"\0%d" % n, b"b.py": b"\xe8%c\n" % (0xE0 + n)}) for n in range(3)]
    first, second = (digests(repository, commits[0], head) for head in commits[1:])
    assert first["a.png"] != second["a.png"]
    assert first["b.py"] != second["b.py"]
