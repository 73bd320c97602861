"""docs/add-a-workflow.md is true: its files and its edits, laid over a copy of the tree, are a workflow that works."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from native.processes import ROOT

PAGE = (ROOT / "docs/add-a-workflow.md").read_text()
EXAMPLE = ROOT / "docs/examples/summary"
FILES = sorted(path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*") if path.is_file())
EDITS = re.findall(r"^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EDITED = [path for edit in EDITS for path in re.findall(r"^\+\+\+ b/(.+)$", edit, re.MULTILINE)]
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0].splitlines()
MOST_FILES, MOST_EDITS = 10, 3
# What a checkout has that is not of the tree; what mypy knows of the tree already is copied with it.
NOT_OF_THE_TREE = shutil.ignore_patterns(
    ".git", ".venv", ".run", ".hypothesis", ".pytest_cache", ".ruff_cache", "__pycache__"
)
# What says whether a workflow is whole, without a broker and within seconds; and what its command must keep to.
LAYOUT = ("tests/test_layout.py", "tests/test_settings_agree.py", "tests/stack/test_roles.py")
COMMANDS_KEEP_TO = (
    "test_every_file_of_the_folder_is_a_command_of_its_name", "test_every_workflow_can_be_begun_by_a_command",
    "test_each_example_of_a_command_that_begins_something_can_be_read",
    "test_the_menu_keeps_to_telegrams_limits_and_to_what_everybody_may_use",
)  # fmt: skip


@dataclass(frozen=True)
class Tree:
    """A copy of the tree, with the workflow in it."""

    root: Path

    def run(self, *command: str, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", *command], cwd=self.root, capture_output=True, text=True, timeout=seconds
        )

    def shell(self, command: str, stdin: str = "") -> None:
        """Runs a command as a person would. git must not find a repository around the folder."""
        environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(self.root.parent)}
        whole = ["bash", "-euo", "pipefail", "-c", command]
        subprocess.run(whole, cwd=self.root, env=environment, input=stdin, text=True, check=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = Tree(tmp_path_factory.mktemp("laid") / "tree")
    shutil.copytree(ROOT, tree.root, ignore=NOT_OF_THE_TREE, symlinks=True)
    assert [name for name in FILES if (tree.root / name).exists()] == []
    for command in COMMANDS:
        if not command.startswith("scripts/demo"):
            tree.shell(command)
    return tree


# --- the page -----------------------------------------------------------------------------------------


def test_the_page_names_every_file_and_says_the_count() -> None:
    assert sorted(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)) == FILES
    (said,) = re.findall(r"\*\*(\d+) new files, and (\d+) edits outside of them\.\*\*", PAGE)
    assert tuple(map(int, said)) == (len(FILES), len(EDITS))
    assert len(FILES) <= MOST_FILES
    assert len(EDITS) == len(set(EDITED)) <= MOST_EDITS


def test_the_edits_add_and_change_nothing_that_is_there() -> None:
    taken = [
        line for edit in EDITS for line in edit.splitlines() if line.startswith("-") and not line.startswith("---")
    ]
    assert not taken


def test_what_the_page_shows_stands_in_the_files() -> None:
    shown = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert shown
    texts = [in_column_one((EXAMPLE / name).read_text()) for name in FILES]
    assert [excerpt for excerpt in shown if not any(in_column_one(excerpt) in text for text in texts)] == []


def in_column_one(code: str) -> str:
    """Code without its indentation: an excerpt has less of it."""
    return "".join(line.strip() + "\n" for line in code.splitlines())


# --- the checks ---------------------------------------------------------------------------------------


def test_its_style_and_types_are_those_of_the_project(tree: Tree) -> None:
    code = [name for name in FILES if name.endswith(".py")]
    for command in (("ruff", "check", *code), ("ruff", "format", "--check", *code), ("mypy", *code)):
        done = tree.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_passes_its_own_tests_and_those_of_the_layout(tree: Tree) -> None:
    own = [name for name in FILES if Path(name).name.startswith("test_")]
    commands = [f"tests/bot/test_commands.py::{name}" for name in COMMANDS_KEEP_TO]
    done = tree.run("pytest", "-p", "no:cacheprovider", *LAYOUT, *commands, *own)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("edit", EDITS, ids=EDITED)
def test_an_edit_that_is_forgotten_is_found(tree: Tree, edit: str) -> None:
    tree.shell("git apply --reverse", edit)
    try:
        done = tree.run("pytest", "-p", "no:cacheprovider", "-x", *LAYOUT)
    finally:
        tree.shell("git apply", edit)
    assert done.returncode == 1, done.stdout


# --- a run --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def summaries(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Two summaries of the same pull request: posted, and discarded."""
    folder = tmp_path_factory.mktemp("stack")
    done = tree.run("tests.whole.two_summaries", str(folder))
    assert done.returncode == 0, done.stderr + logs(folder)
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def logs(folder: Path) -> str:
    """The ends of the services' logs."""
    return "".join(f"\n--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in folder.glob("logs/*.log"))


def lines_of(summary: Mapping[str, Any]) -> list[str]:
    """What the agent handed in."""
    task = next(task for task in summary["run"]["tasks"] if task["step"] == "summarise")
    assert (task["role"], task["attempt"]) == ("summariser", 1)
    lines: list[str] = task["outcome"]["lines"]
    return lines


def test_what_a_person_says_yes_to_is_posted_once_and_proven(summaries: list[dict[str, Any]]) -> None:
    posted, _ = summaries
    assert "Summary of acme/shop#12. Post it?" in posted["asked"]
    assert posted["before"] == []
    assert posted["run"]["state"] == "verified", posted["final"]
    (comment,) = posted["after"]
    *shown, gap, mark = comment["body"].split("\n")
    assert (gap, mark.split()[:2]) == ("", ["<!--", "claude-stack"]), "a signed line, which nobody sees"
    assert len(shown) == len(lines_of(posted))
    assert re.fullmatch(r"It has read \d{3} lines of 5 files\.", lines_of(posted)[0])
    assert comment["html_url"] in json.dumps(posted["run"]["tasks"])
    assert posted["run"]["cost_usd"] > 0


def test_what_a_person_says_no_to_is_not_posted(summaries: list[dict[str, Any]]) -> None:
    posted, discarded = summaries
    assert lines_of(discarded)
    assert discarded["run"]["state"] == "cancelled"
    assert "Nothing was posted" in discarded["final"]
    assert [task["step"] for task in discarded["run"]["tasks"]] == ["fetch", "summarise"]
    assert discarded["after"] == posted["after"]
