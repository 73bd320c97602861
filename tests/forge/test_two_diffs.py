"""What is no change of text: two diffs of one path, renames, modes, and files in new places."""

from pathlib import Path

import pytest

from stack.ids import uuid7
from stack.work.remarks import Side
from stack.work.review import PullRequest
from tests.forge.conftest import World, finding, review_of
from tests.sim.not_github import commit, git, pushed_pull, with_token


@pytest.fixture
def links(world: World, tmp_path: Path) -> PullRequest:
    """A pull request in which a link becomes a file and a file a link."""
    tree, name = tmp_path / "tree", f"links-{uuid7()}"
    pushed_pull(world.url, name, tree, {"a": b"1\n"}, {"a": b"2\n"})
    git("switch", "--quiet", "main", folder=tree)
    (tree / "link2file").symlink_to("a")
    commit(tree, {"file2link": b"one\ntwo\n"})
    git("switch", "--quiet", "--force-create", "change", folder=tree)
    for gone in ("link2file", "file2link"):
        (tree / gone).unlink()
    (tree / "file2link").symlink_to("nowhere")
    commit(tree, {"link2file": b"one\ntwo\nthree\n"})
    remote = with_token(f"{world.url}/acme/{name}.git")
    git("push", "--quiet", "--force", remote, "main", "change", folder=tree)
    pull = world.fetch(f"acme/{name}")
    assert isinstance(pull, PullRequest), pull
    return pull


def test_findings_on_both_diffs_of_one_path_keep_their_lines(world: World, links: PullRequest) -> None:
    places: list[tuple[str, int, Side]] = [
        ("file2link", 1, "RIGHT"), ("file2link", 2, "LEFT"), ("link2file", 1, "LEFT"), ("link2file", 3, "RIGHT"),
    ]  # fmt: skip
    findings = [finding(f"Number {n}", n, path=path, side=side) for path, n, side in places]

    receipt = world.review(review_of(links, *findings))

    assert (receipt.inline_comments, receipt.comments_refused, receipt.findings_in_body) == (4, 0, 0)
    assert sorted((c["path"], c["line"], c["side"]) for c in world.comments(links)) == places


@pytest.mark.parametrize(("path", "line", "side"), [("file2link", 2, "RIGHT"), ("link2file", 3, "LEFT")])
def test_a_finding_on_the_wrong_one_goes_into_the_text(
    world: World, links: PullRequest, path: str, line: int, side: Side
) -> None:
    receipt = world.review(review_of(links, finding(line=line, path=path, side=side)))

    assert (receipt.inline_comments, receipt.comments_refused, receipt.findings_in_body) == (0, 0, 1)


def test_a_rename_alone_is_something_to_review(world: World, tmp_path: Path) -> None:
    pushed_pull(world.url, "renamed", tmp_path / "tree", {"src/a.py": b"1\n"}, {"src/a.py": None, "src/b/a.py": b"1\n"})

    pull = world.fetch("acme/renamed")

    assert isinstance(pull, PullRequest), pull
    assert (pull.files, pull.hunks, pull.binary_files) == (1, 0, 0)


def test_a_mode_alone_is_something_to_review(world: World, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    pushed_pull(world.url, "mode", tree, {"run": b"1\n", "b": b"1\n"}, {"b": b"2\n"})
    (tree / "run").chmod(0o755)
    commit(tree, {"b": b"1\n"})
    git("push", "--quiet", with_token(f"{world.url}/acme/mode.git"), "change", folder=tree)

    pull = world.fetch("acme/mode")

    assert isinstance(pull, PullRequest), pull
    assert (pull.files, pull.hunks) == (1, 1)  # all that may be run now is shown


def test_a_comment_on_a_file_in_a_new_place_stands_where_github_takes_one(world: World, tmp_path: Path) -> None:
    text = b"".join(b"line %d\n" % n for n in range(1, 40))
    place = ".github/workflows/ci.yml"
    changed = text.replace(b"line 20\n", b"twenty\n")
    pushed_pull(world.url, "moved", tmp_path / "tree", {"ci.yml": text}, {"ci.yml": None, place: changed})
    pull = world.fetch("acme/moved")
    assert (pull.files, pull.hunks) == (1, 2)

    receipt = world.review(review_of(pull, finding("In it", 20, path=place), finding("Far", 2, path=place)))

    assert (receipt.inline_comments, receipt.comments_refused, receipt.findings_in_body) == (1, 0, 1)
