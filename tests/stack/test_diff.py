"""Diffs as real git prints them: every file under its name, every line under its number."""

import json
import os
from pathlib import Path

import pytest

from stack.diff import FileDiff, diff_between, parse
from tests.stack.repositories import Repository, run_git

PULLS = Path(__file__).parents[3] / "shared" / "pulls"
NUMBERS = b"".join(b"line %d\n" % n for n in range(1, 40))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "tree")


def changed(
    repository: Repository, before: dict[bytes, bytes | None], after: dict[bytes, bytes | None]
) -> list[FileDiff]:
    base = repository.commit(before)
    return diff_between(repository.folder, base, repository.commit(after))


def change(repository: Repository, before: bytes | None, after: bytes | None, name: bytes = b"a.txt") -> FileDiff:
    (file,) = changed(repository, {} if before is None else {name: before}, {name: after})
    return file


def own(files: list[FileDiff]) -> list[FileDiff]:
    """The diffs as git prints them, without those that show all of a file beside them."""
    return [file for file in files if not file.whole]


def texts(file: FileDiff, tags: str) -> list[str]:
    return [line.text for hunk in file.hunks for line in hunk.lines if line.tag in tags]


def check_against(file: FileDiff, before: bytes, after: bytes) -> None:
    """Each line of each hunk is the line of that number in the old and in the new file."""
    old, new = (text.decode(errors="replace").split("\n") for text in (before, after))
    for hunk in file.hunks:
        printed = file.text.split("\n")[hunk.first - 1 : hunk.last]
        assert printed[0] == hunk.header
        assert [x for x in printed[1:] if not x.startswith("\\")] == [line.tag + line.text for line in hunk.lines]
        for line in hunk.lines:
            assert (line.old is None, line.new is None) == (line.tag == "+", line.tag == "-")
            assert line.old is None or old[line.old - 1] == line.text
            assert line.new is None or new[line.new - 1] == line.text


# --- kinds of changes ---------------------------------------------------------------------------------


def test_changed_lines_have_their_numbers(repository: Repository) -> None:
    after = NUMBERS.replace(b"line 5\n", b"five\nand a half\n").replace(b"line 30\n", b"")
    file = change(repository, NUMBERS, after)
    check_against(file, NUMBERS, after)
    first, second = file.hunks
    assert (first.numbers("LEFT"), first.numbers("RIGHT")) == (set(range(2, 9)), set(range(2, 10)))
    assert (second.numbers("LEFT"), second.numbers("RIGHT")) == (set(range(27, 34)), set(range(28, 34)))
    assert file.holds("RIGHT", 5, 6)
    assert not file.holds("RIGHT", 5, 30)
    assert not file.holds("RIGHT", 1, 2)


def test_a_new_file(repository: Repository) -> None:
    file = change(repository, None, b"one\ntwo\n")
    assert (file.path, file.old_path, file.binary) == ("a.txt", "a.txt", False)
    assert [(x.tag, x.old, x.new, x.text) for x in file.hunks[0].lines] == [
        ("+", None, 1, "one"),
        ("+", None, 2, "two"),
    ]


def test_a_deleted_file(repository: Repository) -> None:
    file = change(repository, b"one\n", None)
    assert (file.path, file.old_path) == ("a.txt", "a.txt")
    assert [(x.tag, x.old, x.new) for x in file.hunks[0].lines] == [("-", 1, None)]


def test_a_renamed_file(repository: Repository) -> None:
    (file,) = changed(repository, {b"lib/a b.py": NUMBERS}, {b"lib/a b.py": None, b"lib/new/a b.py": NUMBERS + b"x\n"})
    assert (file.old_path, file.path) == ("lib/a b.py", "lib/new/a b.py")
    assert texts(file, "+") == ["x"]


def test_a_renamed_file_without_a_change_in_it(repository: Repository) -> None:
    (file,) = own(changed(repository, {b"a b\tc": NUMBERS}, {b"a b\tc": None, b'"d"': NUMBERS}))
    assert (file.old_path, file.path, file.hunks) == ("a b\tc", '"d"', [])


@pytest.mark.parametrize("name", [b"a.png", b"a b.png", "ü\n.png".encode()])
def test_a_binary_file_has_no_hunks(repository: Repository, name: bytes) -> None:
    made = change(repository, None, b"\0\1\2", name)
    assert (made.path, made.binary, made.hunks) == (name.decode(), True, [])
    changed_later = change(repository, b"\0\1", b"\0\2", name)
    assert (changed_later.path, changed_later.binary) == (name.decode(), True)


def test_an_empty_file(repository: Repository) -> None:
    added = change(repository, None, b"", b"an empty one")
    assert (added.path, added.binary, added.hunks) == ("an empty one", False, [])
    assert change(repository, b"", None, b"another").path == "another"


@pytest.mark.parametrize("name", ["run.sh", "a b.sh", "b/a b/a.sh", "ü.sh"])
def test_only_the_mode_changed(repository: Repository, name: str) -> None:
    base = repository.commit({name.encode(): b"x\n"})
    (repository.folder / name).chmod(0o755)
    (file,) = own(diff_between(repository.folder, base, repository.commit_tree()))
    assert (file.path, file.old_path, file.hunks, file.binary) == (name, name, [], False)


def test_a_submodule(repository: Repository) -> None:
    commits = [repository.commit({b"a": b"%d" % n}) for n in range(2)]
    base = repository.git("rev-parse", "HEAD")
    for commit in commits:
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub module")
        repository.git("commit", "--quiet", "--message=sub")
    added, moved = (diff_between(repository.folder, a, b) for a, b in ((base, "HEAD~1"), ("HEAD~1", "HEAD")))
    assert [file.path for file in (*added, *moved)] == ["sub module"] * 2
    assert texts(moved[0], "+") == [f"Subproject commit {commits[1]}"]


def test_a_file_that_became_a_link_is_there_as_deleted_and_as_new(repository: Repository) -> None:
    base = repository.commit({b"a": b"text\n"})
    (repository.folder / "a").unlink()
    os.symlink("../../etc/passwd", repository.folder / "a")
    files = diff_between(repository.folder, base, repository.commit_tree())
    assert [file.path for file in files] == ["a", "a"]
    assert [texts(file, "+-") for file in files] == [["text"], ["../../etc/passwd"]]


def test_no_change_at_all(repository: Repository) -> None:
    assert changed(repository, {b"a": b"x\n"}, {}) == []
    assert parse("") == []


# --- names --------------------------------------------------------------------------------------------

NAMES = [
    "plain.py", "with space.py", "trailing ", " leading", "tab\there", "new\nline", 'quo"te', "back\\slash", "ü.py",
    "日本.txt", "a/b/c d/e", "\x01\x7f\x1b", "b/b", "a -> b", "a b/a b", "dev/null", "-x", "\u2028",
    "x\r", "{a => b}", "diff --git a", "@@ -1 +1 @@",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_has_the_name_that_it_has(repository: Repository, name: str) -> None:
    base = repository.commit({name.encode(): b"x\n"})
    edited = repository.commit({name.encode(): b"y\n"})
    (repository.folder / name).chmod(0o755)
    mode = repository.commit_tree()
    gone = repository.commit({name.encode(): None})
    for a, b in ((base, edited), (edited, mode), (edited, gone), (gone, edited)):
        (file,) = own(diff_between(repository.folder, a, b))
        assert (file.path, file.old_path) == (name, name)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_renamed_file_has_both_names(repository: Repository, name: str) -> None:
    before, after = {b"before": NUMBERS}, {b"before": None, name.encode(): NUMBERS}
    base, head = repository.commit(dict(before)), repository.commit(dict(after))
    (there,) = own(diff_between(repository.folder, base, head))
    (back,) = own(diff_between(repository.folder, head, base))
    assert (there.old_path, there.path) == ("before", name)
    assert (back.old_path, back.path) == (name, "before")


def test_many_files_keep_their_order_and_their_texts(repository: Repository) -> None:
    files = changed(repository, {}, {name.encode(): b"x\n" for name in NAMES if not name.startswith("dev")})
    assert {file.path for file in files} == set(NAMES) - {"dev/null"}
    assert all(file.text.startswith("diff --git ") and file.text.endswith("+x\n") for file in files)


# --- lines --------------------------------------------------------------------------------------------

LINES = [
    b"--- a/x", b"+++ b/x", b"-- a", b"++ b", b"diff --git a/x b/x", b"@@ -1,3 +1,3 @@",
    b"\\ No newline at end of file",
    b"Binary files a/x and b/x differ", b"rename from x", b"", b" ", b"\t", b"carriage\r", b"\r",
    b"a\rdiff --git a/y b/y",
    b"form\x0cfeed", b"vertical\x0btab", "line\u2028separator".encode(), "next\x85line".encode(), b"\x1c\x1d\x1e",
    b"not \xff utf-8 \xe2\x80", b"-", b"+", b"\xef\xbb\xbfbom",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=ascii)
def test_a_line_is_a_line_whatever_it_holds(repository: Repository, line: bytes) -> None:
    kept = NUMBERS.replace(b"line 9\n", line + b"\n")
    before = kept.replace(b"line 35\n", line + b"\n")
    after = kept.replace(b"line 8\n", b"8\n").replace(b"line 30\n", line + b"\n")
    file = change(repository, before, after)
    assert (file.path, len(file.hunks)) == ("a.txt", 2)
    check_against(file, before, after)
    text = line.decode(errors="replace")
    assert (texts(file, "+"), texts(file, "-")) == (["8", text, "line 35"], ["line 8", "line 30", text])


@pytest.mark.parametrize(("before", "after"), [(b"a\nb", b"a\nb\n"), (b"a\nb\n", b"a\nb"), (b"a", b"b"), (b"a\n", b"")])
def test_no_newline_at_the_end_of_a_file(repository: Repository, before: bytes, after: bytes) -> None:
    file = change(repository, before, after)
    check_against(file, before, after)
    assert "No newline" not in str(texts(file, "+- "))


def test_lines_with_carriage_returns_keep_them(repository: Repository) -> None:
    before, after = b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nc\r\n"
    file = change(repository, before, after)
    check_against(file, before, after)
    assert texts(file, "+") == ["B\r"]


def test_all_hostile_lines_at_once_in_two_files(repository: Repository) -> None:
    before, after = b"\n".join(LINES) + b"\n", b"\n".join(reversed(LINES)) + b"\n"
    files = changed(repository, {b"a": before, b"b": after}, {b"a": after, b"b": before})
    assert [file.path for file in files] == ["a", "b"]
    check_against(files[0], before, after)
    check_against(files[1], after, before)


# --- what a repository may want -----------------------------------------------------------------------


def test_nothing_that_a_repository_configures_changes_its_diff(repository: Repository, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    base = repository.commit({b".gitattributes": b"*.txt diff=evil\n", b"a.txt": b"x\n", b"b.txt": NUMBERS})
    head = repository.commit({b"a.txt": b"y\n", b"b.txt": None, b"c.txt": NUMBERS})
    clean = diff_between(repository.folder, base, head)
    for name, value in {
        "diff.evil.command": f"touch {canary}; false", "diff.evil.textconv": f"touch {canary}; echo",
        "diff.external": f"touch {canary}; false", "diff.noprefix": "true", "diff.mnemonicPrefix": "true",
        "diff.renames": "false", "color.ui": "always", "diff.context": "0", "core.pager": f"touch {canary}",
        "diff.submodule": "log", "diff.wordRegex": ".", "core.fsmonitor": f"touch {canary}",
    }.items():  # fmt: skip
        repository.git("config", name, value)
    assert diff_between(repository.folder, base, head) == clean
    assert not canary.exists()


def test_a_commit_is_never_an_option(repository: Repository, tmp_path: Path) -> None:
    head = repository.commit({b"a": b"x\n"})
    for hostile in (f"--output={tmp_path / 'canary'}", "--no-index", "-O/etc/passwd"):
        with pytest.raises(Exception, match="git diff"):
            diff_between(repository.folder, hostile, head)
    assert not (tmp_path / "canary").exists()


# --- real changes -------------------------------------------------------------------------------------


def pulls() -> list[str]:
    return sorted(p.name for p in PULLS.iterdir() if p.is_dir()) if PULLS.exists() else ["missing"]


@pytest.mark.parametrize("name", pulls())
def test_a_real_change_is_read_as_it_is(name: str, tmp_path: Path) -> None:
    if not PULLS.exists():
        pytest.fail(f"the real changes to review are missing: {PULLS}")
    facts = json.loads((PULLS / name / "pull.json").read_text())
    run_git("clone", "--quiet", "--bare", str(PULLS / name / "repo.bundle"), "bare", folder=tmp_path)
    bare = tmp_path / "bare"
    files = diff_between(bare, facts["base_sha"], facts["head_sha"])
    counted = [(len(texts(file, "+")), len(texts(file, "-")), file.old_path, file.path) for file in files]
    assert counted == numstat(bare, facts["base_sha"], facts["head_sha"])
    assert len(files) == facts["files"]
    for file in files:
        before = blob(bare, facts["base_sha"], file.old_path)
        check_against(file, before, blob(bare, facts["head_sha"], file.path))


def numstat(bare: Path, base: str, head: str) -> list[tuple[int, int, str, str]]:
    """Added, removed, old and new name of each file, as git itself counts."""
    fields = iter(run_git("diff", "--numstat", "-z", "--find-renames", base, head, folder=bare).split("\0"))
    found = []
    for field in fields:
        if field:
            added, removed, name = field.split("\t")
            old, new = (name, name) if name else (next(fields), next(fields))
            found.append((int(added.replace("-", "0")), int(removed.replace("-", "0")), old, new))
    return found


def blob(bare: Path, commit: str, path: str) -> bytes:
    """A file's content, or nothing where the commit has no such file."""
    if not run_git("ls-tree", commit, "--", path, folder=bare):
        return b""
    return run_git("cat-file", "blob", f"{commit}:{path}", folder=bare).encode()
