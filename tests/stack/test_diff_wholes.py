"""What comes into a new place, may be run now or is linked to shows all of its content."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stack import diff
from stack.diff import FileDiff, at, diff_between
from stack.errors import GiveUp
from tests.stack.repositories import Repository

NUMBERS = b"".join(b"line %d\n" % n for n in range(1, 40))
LINES = NUMBERS.decode().splitlines()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "tree")


def moved(repository: Repository, old: str, new: str, *, before: bytes = NUMBERS, after: bytes = NUMBERS) -> list[str]:
    """The paths that show all of their content when a file goes from one path to another."""
    base = repository.commit({old.encode(): before, b"src/other.py": b"x\n", b"docs/other.md": b"x\n"})
    head = repository.commit({old.encode(): None, new.encode(): after})
    files = diff_between(repository.folder, base, head)
    (own,) = (file for file in files if not file.whole)
    assert (own.old_path, own.path, own.status) == (old, new, "renamed")
    wholes = [file for file in files if file.whole]
    for whole in wholes:
        assert [line.text for hunk in whole.hunks for line in hunk.lines] == after.decode().splitlines()
        assert {line.tag for hunk in whole.hunks for line in hunk.lines} == {"+"}
        assert whole.header == f"all of its content, since it was renamed from {old}"
        assert at(files, new, "RIGHT") is own
    return [file.path for file in wholes]


PLACES = [
    ".github/workflows/ci.yml", ".github/actions/a/action.yml", ".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile",
    "azure-pipelines.yml", ".travis.yml", ".buildkite/pipeline.yml", ".drone.yml", ".husky/pre-commit",
    ".githooks/pre-push", ".pre-commit-config.yaml", "setup.py", "conftest.py", "tests/conftest.py", "Makefile",
    "Dockerfile", "web/package.json", "app/build.gradle", "build.rs", "scripts/install.sh", "bin/run",
    ".devcontainer/devcontainer.json", ".vscode/tasks.json", "CLAUDE.md", "src/AGENTS.md", ".claude/commands/x.md",
    ".claude/settings.json", "src/Makefile", "src/hooks/x.py", "vite.config.ts", "src/requirements.txt", ".mcp.json",
    "src/Dockerfile.dev", "src/tasks.py", "src/.eslintrc.js", "pyproject.toml", "src/x.test.ts",
]  # fmt: skip


@pytest.mark.parametrize("old", ["docs/{}", "src/deep/{}", "docs/{}.sample"])
def test_what_lands_in_a_place_that_runs_shows_its_content(repository: Repository, old: str) -> None:
    names = {old.format(place): place for place in PLACES}
    base = repository.commit({name.encode(): NUMBERS + name.encode() for name in names})
    repository.commit({name.encode(): None for name in names})
    head = repository.commit({place.encode(): NUMBERS + name.encode() for name, place in names.items()})
    files = diff_between(repository.folder, base, head)
    assert {(file.old_path, file.path) for file in files if file.status == "renamed"} == set(names.items())
    shown = {file.path: [line.text for line in file.hunks[0].lines] for file in files if file.whole}
    assert shown == {place: [*LINES, name] for name, place in names.items()}


def test_it_does_when_it_was_changed_on_the_way_and_shows_what_changed_too(repository: Repository) -> None:
    after = NUMBERS.replace(b"line 7\n", b"seven\n")
    assert moved(repository, "docs/ci.yml", ".github/workflows/ci.yml", after=after) == [".github/workflows/ci.yml"]
    (own, _) = diff_between(repository.folder, "HEAD~1", "HEAD")
    assert [line.text for line in own.hunks[0].lines if line.tag == "-"] == ["line 7"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("src/a.py", "src/b.py"),  # another name
        ("src/a.txt", "src/a/a.txt"),  # an ending that tools look for
        ("src/a.json", "src/b/a.json"),
        ("src/a", "src/b/a"),
        ("a.py", "src/a.py"),  # out of the top folder or into it
        ("src/a.py", "a.py"),
        ("docs/a.py", "src/a.py"),  # into another top folder
        ("docs/a.py", "docs/.x/a.py"),
        ("src/.x/a.py", "src/x/a.py"),
        ("src/testdata/a.py", "src/a.py"),  # out of a folder whose files nobody runs
        ("src/a.py", "src/scripts/a.py"),
        ("src/a.test.ts", "src/b/a.test.ts"),
    ],
)
def test_a_move_that_may_matter_shows_the_content(repository: Repository, old: str, new: str) -> None:
    assert moved(repository, old, new) == [new]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("src/a.py", "src/b/a.py"),
        ("src/b/c/a.TSX", "src/a.TSX"),
        ("lib/a.go", "pkg/lib/a.go"),  # all of lib has moved
        ("docs/a.md", "docs/b/a.md"),
        ("src/testdata/a.py", "src/b/testdata/a.py"),
        ("src/a.png", "src/b/a.png"),
    ],
)
def test_an_ordinary_move_stands_as_a_name(repository: Repository, old: str, new: str) -> None:
    assert moved(repository, old, new) == []


def test_a_move_with_changes_stands_as_git_shows_it(repository: Repository) -> None:
    assert moved(repository, "src/a.py", "src/b/a.py", after=NUMBERS + b"x\n") == []


NAMES = [
    b":(top)x",
    b"a*b?[c]",
    b"-x",
    b"n\newline",
    b"\xff\xfe",
    "ü 日本".encode(),
    b'q"uote',
    b"tab\t",
    b"b\\s",
    b"!x",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_no_pattern(repository: Repository, name: bytes) -> None:
    base = repository.commit({b"x": NUMBERS, b"aab1c": NUMBERS})
    head = repository.commit({b"x": None, name: NUMBERS, b"aab1c": NUMBERS + b"1"})
    files = diff_between(repository.folder, base, head)
    assert [file.path for file in files if file.whole] == [name.decode(errors="replace")]
    assert len([file for file in files if not file.whole]) == 2


def test_names_that_are_no_utf8_are_told_apart(repository: Repository) -> None:
    base = repository.commit({b"src/a/\xff.py": NUMBERS})
    files = diff_between(
        repository.folder, base, repository.commit({b"src/a/\xff.py": None, b"src/b/\xfe.py": NUMBERS})
    )
    assert [(file.path, file.whole) for file in files] == [("src/b/\ufffd.py", False), ("src/b/\ufffd.py", True)]


def test_many_at_once_all_show_theirs(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "_MOST_ARGUMENTS", 100)
    names = [b"%03d" % n * 10 for n in range(40)]
    base = repository.commit({b"docs/" + name: NUMBERS + name for name in names})
    head = repository.commit(
        {b"docs/" + name: None for name in names} | {b".github/" + name: NUMBERS + name for name in names}
    )
    files = diff_between(repository.folder, base, head)
    assert [(file.path, file.whole) for file in files] == [
        (f".github/{name.decode()}", whole) for name in names for whole in (False, True)
    ]


def test_what_shows_all_counts_to_the_limit(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MOST_BYTES", 1 << 20)
    base = repository.commit({b"docs/%d.yml" % n: b"line %d\n" % n * 60_000 for n in range(3)})
    head = repository.commit(
        {b"docs/%d.yml" % n: None for n in range(3)}
        | {b".github/workflows/%d.yml" % n: b"line %d\n" % n * 60_000 for n in range(3)}
    )
    with pytest.raises(GiveUp, match="the change is too large to review: its diff has 1 MB, 1 is most"):
        diff_between(repository.folder, base, head)


# --- modes --------------------------------------------------------------------------------------------


def chmod(repository: Repository, name: str, mode: int) -> list[FileDiff]:
    (repository.folder / name).chmod(mode)
    return diff_between(repository.folder, repository.commit_tree() + "~1", "HEAD")


def test_what_may_be_run_now_shows_its_content(repository: Repository) -> None:
    repository.commit({b"run": NUMBERS})
    own, whole = chmod(repository, "run", 0o755)
    assert (own.hunks, own.header) == ([], "mode changed from 100644 to 100755")
    assert whole.header == "all of its content, since it was made executable"
    assert [line.text for line in whole.hunks[0].lines] == LINES


def test_what_may_be_run_no_more_does_not(repository: Repository) -> None:
    repository.commit({b"run": NUMBERS})
    chmod(repository, "run", 0o755)
    assert [file.header for file in chmod(repository, "run", 0o644)] == ["mode changed from 100755 to 100644"]


def test_an_executable_that_moves_shows_its_content(repository: Repository) -> None:
    repository.commit({b"src/a.py": NUMBERS})
    chmod(repository, "src/a.py", 0o755)
    (repository.folder / "src/b").mkdir()
    (repository.folder / "src/a.py").rename(repository.folder / "src/b/a.py")
    own, whole = diff_between(repository.folder, repository.commit_tree() + "~1", "HEAD")
    assert (own.header, whole.path) == ("renamed from src/a.py to src/b/a.py, mode 100755", "src/b/a.py")


# --- links --------------------------------------------------------------------------------------------

Link = Callable[[str, str], list[FileDiff]]


@pytest.fixture
def link(repository: Repository) -> Link:
    """Makes a link from a path to a target, in a repository that has a few of them."""
    repository.commit({b"docs/evil": NUMBERS, b"docs/more": b"more\n", b"many/%d" % 0: b"0\n"})
    for name, target in {"chain": "docs", "loop": "loop", "away": "/etc", "hidden": "chain/evil"}.items():
        (repository.folder / name).symlink_to(target)
    repository.commit({b"many/%d" % n: b"%d\n" % n for n in range(150)})

    def make(path: str, target: str) -> list[FileDiff]:
        place = repository.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target)
        return diff_between(repository.folder, repository.commit_tree() + "~1", "HEAD")

    return make


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("../docs/evil", ["docs/evil"]),
        ("../docs/./..//docs/evil", ["docs/evil"]),
        ("../chain/evil", ["docs/evil"]),
        ("../hidden", ["docs/evil"]),
        ("../docs", ["docs/evil", "docs/more"]),
        ("../chain/", ["docs/evil", "docs/more"]),
        ("../docs/nothing", []),
        ("../docs/evil/nothing", []),
        ("../../docs/evil", []),
        ("/docs/evil", []),
        ("../loop", []),
        ("../away/passwd", []),
    ],
)
def test_where_a_link_leads_shows_its_content(link: Link, target: str, shown: list[str]) -> None:
    first, *wholes = link(".githooks/pre-commit", target)
    assert (first.header, first.opaque) == ("new symlink", False)
    assert [line.text for line in first.hunks[0].lines] == [target]
    assert [file.path for file in wholes] == shown
    assert {file.header for file in wholes} <= {"all of its content, since .githooks/pre-commit leads to it"}
    assert {file.whole for file in wholes} <= {True}


@pytest.mark.parametrize(("target", "many"), [("many", "150"), (".", "157")])
def test_a_link_to_more_than_can_be_shown_is_not_read(link: Link, target: str, many: str) -> None:
    (only,) = link("here", target)
    assert only.header == f"new symlink, to a folder of {many} files, which are not shown"
    assert only.opaque


def test_a_link_that_changes_and_one_that_takes_a_files_place_show_theirs(link: Link) -> None:
    link("x", "docs/more")
    assert [file.path for file in link("x", "docs/evil")] == ["x", "docs/evil"]
    files = link("docs/more", "evil")
    assert [(file.path, file.header) for file in files] == [
        ("docs/more", "deleted file"),
        ("docs/more", "new symlink"),
        ("docs/evil", "all of its content, since docs/more leads to it"),
    ]


def test_what_the_change_makes_is_not_shown_twice(repository: Repository) -> None:
    base = repository.commit({b"a": b"x\n"})
    (repository.folder / "link").symlink_to("new")
    files = diff_between(repository.folder, base, repository.commit({b"new": NUMBERS}))
    assert [(file.path, file.whole) for file in files] == [("link", False), ("new", False)]


def test_a_link_with_any_name_is_followed(link: Link) -> None:
    for name in (b"n\newline", b"\xff", "日 本".encode()):
        assert [file.path for file in link(os.fsdecode(name), "docs/evil")][1:] == ["docs/evil"]
