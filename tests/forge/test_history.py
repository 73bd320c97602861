"""How a head came from an earlier one, in real repositories."""

from pathlib import Path

import pytest

from forge.mirrors import history
from forge.mirrors.history import movement
from tests.stack.repositories import Repository

NUMBERS = b"".join(b"line %d\n" % n for n in range(1, 40))


class Branch:
    """A branch `change` of two commits on `main`, and what may become of it."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.git = repository.git
        repository.commit({b"a.py": NUMBERS, b"b.py": NUMBERS})
        self.git("switch", "--quiet", "--create", "change")
        repository.commit({b"a.py": NUMBERS.replace(b"line 20\n", b"twenty\n")})
        self.old = repository.commit({b"c.py": b"    new\n", b"logo.png": b"\0one"})

    def base_moves(self, files: dict[bytes, bytes | None] | None = None) -> None:
        self.git("switch", "--quiet", "main")
        self.repository.commit(files or {b"b.py": NUMBERS + b"more\n", b"a.py": b"first\n" + NUMBERS})
        self.git("switch", "--quiet", "change")

    def said(self) -> tuple[str, int]:
        new, base = self.git("rev-parse", "change"), self.git("rev-parse", "main")
        return movement(self.repository.folder, self.old, new, base)


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    return Branch(Repository(tmp_path / "tree"))


def test_the_same_head_has_not_moved(branch: Branch) -> None:
    assert branch.said() == ("same", 0)
    branch.base_moves()
    assert branch.said() == ("same", 0)


def test_commits_that_were_added_are_counted(branch: Branch) -> None:
    for n in range(3):
        branch.repository.commit({b"d": b"%d" % n})
    assert branch.said() == ("pushed", 3)


@pytest.mark.parametrize("merges", [1, 2])
def test_merges_of_the_base_are_told_apart(branch: Branch, merges: int) -> None:
    for n in range(merges):
        branch.base_moves({b"b.py": NUMBERS + b"%d\n" % n, b"x%d" % n: b"x"})
        branch.git("merge", "--quiet", "--no-edit", "main")
    branch.base_moves({b"later": b"x"})
    assert branch.said() == ("merged", merges)


def test_a_merge_of_the_base_and_a_commit_are_more_than_a_merge(branch: Branch) -> None:
    branch.base_moves()
    branch.git("merge", "--quiet", "--no-edit", "main")
    branch.repository.commit({b"d": b"x"})
    assert branch.said() == ("pushed", 2)


def test_a_merge_of_the_branch_into_the_base_that_becomes_the_branch(branch: Branch) -> None:
    branch.base_moves()
    branch.git("switch", "--quiet", "--create", "joined", "main")
    branch.git("merge", "--quiet", "--no-edit", "change")
    branch.git("branch", "--quiet", "--force", "change", "joined")
    assert branch.said() == ("merged", 1)


def test_a_merge_of_another_branch_is_a_push(branch: Branch) -> None:
    branch.git("switch", "--quiet", "--create", "other", "main")
    branch.repository.commit({b"other": b"x"})
    branch.git("switch", "--quiet", "change")
    branch.git("merge", "--quiet", "--no-edit", "other")
    assert branch.said() == ("pushed", 2)


def test_a_merge_of_another_branch_that_changes_nothing_is_none(branch: Branch) -> None:
    branch.git("switch", "--quiet", "--create", "other", "main")
    branch.repository.commit({b"other": b"x"})
    branch.git("switch", "--quiet", "change")
    branch.git("merge", "--quiet", "--no-edit", "--strategy=ours", "other")
    assert branch.said() == ("merged", 2)


def test_commits_that_undo_each_other_are_a_push(branch: Branch) -> None:
    branch.repository.commit({b"d": b"x"})
    branch.repository.commit({b"d": None})
    assert branch.said() == ("pushed", 2)


def test_a_branch_that_has_become_the_base_has_no_commit_of_its_own(branch: Branch) -> None:
    branch.git("switch", "--quiet", "main")
    branch.git("merge", "--quiet", "--no-ff", "--no-edit", "change")
    branch.git("branch", "--force", "change", "main")
    assert branch.said() == ("merged", 0)


def test_the_same_patches_on_another_base_are_rebased(branch: Branch) -> None:
    branch.base_moves()
    branch.git("rebase", "--quiet", "main")
    assert branch.said() == ("rebased", 0)


def test_other_words_for_the_same_patches_too(branch: Branch) -> None:
    branch.git("commit", "--quiet", "--amend", "--message=In other words\n\ncommit " + "0" * 40)
    assert branch.said() == ("rebased", 0)


def test_a_branch_that_had_merges_may_be_rebased(branch: Branch) -> None:
    branch.base_moves({b"b.py": NUMBERS + b"1\n"})
    branch.git("merge", "--quiet", "--no-edit", "main")
    branch.old = branch.git("rev-parse", "HEAD")
    branch.base_moves({b"b.py": NUMBERS + b"2\n"})
    branch.git("rebase", "--quiet", "main")
    assert branch.said() == ("rebased", 0)


@pytest.mark.parametrize(
    "change",
    [
        {b"c.py": b"new\n"},  # other white space
        {b"c.py": b"    new\nand more\n"},
        {b"logo.png": b"\0two"},
        {b"d": b"x"},
    ],
)
def test_what_changed_on_the_way_is_forced(branch: Branch, change: dict[bytes, bytes | None]) -> None:
    branch.base_moves()
    branch.git("rebase", "--quiet", "main")
    branch.repository.commit(change)
    branch.git("reset", "--quiet", "--soft", "HEAD~2")
    branch.git("commit", "--quiet", "--message=again")
    assert branch.said() == ("forced", 0)


def test_commits_taken_back_or_joined_are_forced(branch: Branch) -> None:
    branch.git("reset", "--quiet", "--hard", "HEAD~1")
    assert branch.said() == ("forced", 0)
    branch.git("reset", "--quiet", "--hard", branch.old)
    branch.git("reset", "--quiet", "--soft", "main")
    branch.git("commit", "--quiet", "--message=one")
    assert branch.said() == ("forced", 0)


def test_another_branch_in_its_place_is_forced(branch: Branch) -> None:
    branch.git("switch", "--quiet", "--orphan", "other")
    branch.repository.commit({b"x": b"x"})
    branch.git("branch", "--force", "change")
    assert branch.said() == ("forced", 0)


@pytest.mark.parametrize("wrong", ["0" * 40, "--output=x", "", "HEAD:a.py", "HEAD^{tree}"])
def test_a_head_that_is_not_known_says_nothing(branch: Branch, wrong: str) -> None:
    known = branch.old
    for old, new, base in ((wrong, known, "main"), (known, wrong, "main"), (known, "HEAD~1", wrong)):
        assert movement(branch.repository.folder, old, new, base) == ("", 0)
    assert not (branch.repository.folder / "x").exists()


def test_a_repository_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert movement(tmp_path, "0" * 40, "1" * 40, "2" * 40) == ("", 0)


def test_too_much_to_compare_is_not_called_rebased(branch: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    branch.base_moves()
    branch.git("rebase", "--quiet", "main")
    monkeypatch.setattr(history, "MOST_COMMITS", 1)
    assert branch.said() == ("forced", 0)
    monkeypatch.setattr(history, "MOST_BYTES", 10)
    assert branch.said() == ("", 0)


def test_what_takes_too_long_is_not_told(branch: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    branch.repository.commit({b"d": b"x"})
    monkeypatch.setattr(history, "SECONDS", 0)
    assert branch.said() == ("", 0)
