"""The table of work: what stands in a file beside the others is known everywhere."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from stack import work
from stack.roles import ROLES
from stack.work.kinds import ORCHESTRATOR, Brief, Failure, Report, Start
from stack.work.review import FetchPullRequest, PostReview, PullRequest, Receipt, Review, ReviewChange, StartReview

ROOT = Path(__file__).parents[2]
GREETING = """
from typing import Literal

from stack.work.kinds import Brief, Report, Start


class Greet(Start):
    verb: Literal["greet"] = "greet"
    name: str

    def title(self) -> str:
        return f"A greeting for {self.name}"


class Greeting(Report):
    report: Literal["greeting"] = "greeting"
    text: str


class SayHello(Brief[Greeting]):
    do: Literal["say_hello"] = "say_hello"
    by = "pr_reviewer"
    effect = "The greeting is sent"
    repository: str

    def opens(self) -> str:
        return self.repository
"""
USE = """
from stack import topology, work
from stack.ids import uuid7
from stack.messages import Request, Result, Task, decode, encode
from stack.people import Person
from stack.work.greeting import Greet, Greeting, SayHello

run = uuid7()
sent = (
    Request(id=run, person=Person(id="cli"), ask=Greet(name="Ada")),
    Task(run_id=run, step="hello", brief=SayHello(repository="acme/shop")),
    Result(task_id=run, run_id=run, attempt=1, outcome=Greeting(text="Hello")),
)
for message in sent:
    assert decode(encode(message)) == message, message
assert topology.queue_of(sent[1]) == "agent.pr-reviewer"
assert work.starts()["greet"] is Greet
assert work.briefs()["say_hello"].report_type() is Greeting
assert (SayHello.effect, sent[1].brief.opens()) == ("The greeting is sent", "acme/shop")
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of `stack/`, to put files into."""
    shutil.copytree(ROOT / "stack", tmp_path / "stack", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(tree: Path, script: str) -> str:
    """What goes wrong with a script there; empty if nothing does."""
    done = subprocess.run([sys.executable, "-c", script], cwd=tree, capture_output=True, text=True, timeout=60)
    return done.stderr if done.returncode else ""


def test_a_file_that_appears_is_found_and_its_work_travels(tree: Path) -> None:
    (tree / "stack/work/greeting.py").write_text(GREETING)
    assert run(tree, USE) == ""


@pytest.mark.parametrize(
    ("word", "table", "words"),
    [
        ('"greet"', "asks", "are both the verb review"),
        ('"say_hello"', "briefs", "are both the do review"),
        ('"greeting"', "reports", "are both the report review"),
    ],
)
def test_two_kinds_of_one_name_are_refused(tree: Path, word: str, table: str, words: str) -> None:
    taken = {"asks": "review", "briefs": "review_change", "reports": "review"}[table]
    (tree / "stack/work/greeting.py").write_text(GREETING.replace(word, f'"{taken}"'))
    wrong = run(tree, f"from stack import work; work.{table}()")
    assert "TypeError" in wrong
    assert words in wrong


def test_what_a_file_imports_from_another_is_not_its_own(tree: Path) -> None:
    (tree / "stack/work/greeting.py").write_text(GREETING)
    (tree / "stack/work/politer.py").write_text("from stack.work.greeting import Greet, Greeting, SayHello\n")
    assert run(tree, USE) == ""


def test_the_table_has_what_every_run_has_and_the_work_of_a_review() -> None:
    assert {"answer", "cancel", "retry", "steer", "review", "dismiss"} <= set(work.asks())
    assert not {"answer", "cancel", "retry", "steer", "dismiss"} & set(work.starts())
    assert {"fetch_pull_request", "review_change", "post_review"} <= set(work.briefs())
    assert {"failure", "pull_request", "review", "receipt"} <= set(work.reports())


@pytest.mark.parametrize(
    ("brief", "report"), [(FetchPullRequest, PullRequest), (ReviewChange, Review), (PostReview, Receipt)]
)
def test_a_brief_says_what_comes_back(brief: type[Brief[Report]], report: type[Report]) -> None:
    assert brief.report_type() is report


def test_a_brief_that_does_not_say_what_comes_back_is_told_how() -> None:
    class Silent(Brief):  # type: ignore[type-arg]
        do: str = "nothing"

    with pytest.raises(TypeError, match=r"class Silent\(Brief\[…\]\)"):
        Silent.report_type()


def test_a_kind_of_brief_made_from_another_has_its_report() -> None:
    class Politely(FetchPullRequest):
        pass

    assert Politely.report_type() is PullRequest


@pytest.mark.parametrize("brief", work.briefs().values())
def test_every_brief_is_done_by_a_role_that_there_is_or_by_the_orchestrator(brief: type[Brief[Report]]) -> None:
    assert brief.by in {*ROLES, ORCHESTRATOR}


def test_the_orchestrator_is_no_role() -> None:
    assert ORCHESTRATOR not in ROLES


@pytest.mark.parametrize("brief", [brief for brief in work.briefs().values() if brief.by == ORCHESTRATOR])
def test_what_the_orchestrator_does_has_no_effect_outside_and_opens_nothing(brief: type[Brief[Report]]) -> None:
    assert (brief.effect, brief.writes, brief.opens) == ("", False, Brief.opens)


@pytest.mark.parametrize("ask", work.starts().values())
def test_what_begins_a_run_has_a_title(ask: type[Start]) -> None:
    assert ask.title is not Start.title


def test_what_a_run_is_about_is_its_repository_and_number() -> None:
    class Dance(Start):
        verb: Literal["dance"] = "dance"

    assert StartReview(repository="Acme/Shop", number=12).target() == ("Acme/Shop", 12)
    assert Dance().target() == ("", 0)


def test_of_a_review_only_what_is_posted_is_too_late_to_be_cancelled() -> None:
    assert PostReview.effect
    assert not FetchPullRequest.effect
    assert not ReviewChange.effect


def test_a_wait_that_somebody_asks_for_is_no_time_before_now() -> None:
    with pytest.raises(ValueError, match="after"):
        Failure(what="x", next="retry", after=-1)
