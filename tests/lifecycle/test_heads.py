"""New heads of all kinds: what is unchanged is not read anew, and a verdict belongs to the commit that was read."""

import pytest

from tests.forge.conftest import finding
from tests.lifecycle.conftest import CHANGED, NewLife
from tests.lifecycle.life import Life
from tests.sim.not_github import commit, git, with_token


def test_a_clean_change_has_a_positive_verdict_on_its_commit_and_none_on_the_next(life: Life) -> None:
    ending = life.review()
    assert ending.state == "verified", ending
    assert life.status() == ("success", "No problems found. The one hunk was read.")
    old = life.head()
    new = life.push({"other.py": b"x = 1\n"})
    assert life.status(new) == ("", ""), "stale after a push"
    assert life.review().state == "verified"
    assert life.status(new)[0] == life.status(old)[0] == "success"


def test_after_a_push_only_what_is_new_is_read(new_life: NewLife) -> None:
    life = new_life(
        {"a.py": b"a\n" * 9, "b.py": b"b\n" * 9}, {"a.py": b"a\n" * 8 + b"A\n", "b.py": b"b\n" * 8 + b"B\n"}
    )
    life.review(finding("Wrong", 9, path="a.py"))
    assert life.reviewer.read == ["a.py", "b.py"]
    life.push({"b.py": b"b\n" * 7 + b"B\nB\n"})
    ending = life.review()
    assert life.reviewer.read == ["b.py"]
    assert ending.state == "verified", ending
    assert "1 commit was pushed" in life.reviews()[-1]["body"].replace("were", "was").replace("commits", "commit")
    assert life.status()[0] == "failure", "what was found in a.py stands"


def test_the_same_head_is_not_paid_twice_and_nothing_is_posted_twice(life: Life) -> None:
    first = life.review(finding("Wrong", 4))
    again = life.review(finding("Wrong, in other words", 4))
    assert (first.state, again.state) == ("verified", "verified"), again
    assert "nothing new" in again.headline
    assert len(life.reviews()) == len(life.comments()) == 1
    assert life.reviewer.read == [], "all was read before"


def test_what_stands_in_a_reviews_text_alone_is_looked_at_again_after_a_push(new_life: NewLife) -> None:
    """It has no thread that could show whether it still stands, so its file does not count as read."""
    life = new_life({"a.py": b"a\n" * 9, "b.py": b"b\n" * 90}, {"a.py": b"A\n" * 9, "b.py": b"b\n" * 89 + b"B\n"})
    life.review(finding("On a line", 1, path="a.py"), finding("Far away", 2, path="b.py"))
    life.push({"a.py": b"mended\n"})
    life.reviewer.fixed = (1,)
    ending = life.review(finding("Far away, still", 2, path="b.py"))
    assert "b.py" in life.reviewer.read
    assert (ending.state, life.status()[0]) == ("verified", "failure"), ending


@pytest.mark.parametrize("way", ["forced", "rebased", "merged"])
def test_other_ways_of_moving_are_told_apart(life: Life, way: str) -> None:
    life.review(finding("Wrong", 4))
    tree = life.tree
    if way == "forced":
        life.push({"shop.py": CHANGED.replace(b"True", b"1")}, force=True)
    else:
        git("switch", "--quiet", "main", folder=tree)
        commit(tree, {"base.py": b"base = 1\n"}, "on the base")
        git("push", "--quiet", with_token(f"{life.forge.url}/{life.repository}.git"), "main", folder=tree)
        git("switch", "--quiet", "change", folder=tree)
        git(*(["rebase", "--quiet", "main"] if way == "rebased" else ["merge", "--quiet", "--no-edit", "main"]),
            folder=tree)  # fmt: skip
        life.push_as_is()
    ending = life.review(finding("Wrong", 4))
    words = {"forced": "was rewritten", "rebased": "was rebased", "merged": "base was merged"}[way]
    assert words in life.reviews()[-1]["body"]
    assert ending.state == "verified", ending
    assert life.reviewer.read == (["shop.py"] if way == "forced" else [])
    assert len(life.comments()) == 1, "said once"


def test_a_branch_that_is_rewritten_before_the_review_is_posted_is_no_verified_review(life: Life) -> None:
    read = life.head()
    life.before["post"] = lambda: life.push({"shop.py": CHANGED.replace(b"eval", b"exec")}, force=True)
    ending = life.review(finding("Wrong", 4))
    assert ending.state == "unproven", ending
    assert read[:12] in life.reviews()[0]["body"]
    assert life.comments() == [], "it is on no line of a commit that GitHub no longer knows"
    assert "Wrong" in life.reviews()[0]["body"]


def test_a_push_while_it_is_read_leaves_the_review_on_what_was_read(life: Life) -> None:
    read = life.head()
    life.before["post"] = lambda: life.push({"other.py": b"x = 1\n"})
    ending = life.review(finding("Wrong", 4))
    assert ending.state == "verified", ending
    assert life.reviews()[0]["commit_id"] == read
    assert life.status(read)[0] == "failure"
    assert life.status() == ("", "")


def test_with_over_a_hundred_commits(life: Life) -> None:
    for number in range(110):
        commit(life.tree, {"many.py": b"x = %d\n" % number}, f"commit {number}")
    life.push_as_is()
    assert life.review(finding("Wrong", 4)).state == "verified"
    assert len(life.comments()) == 1


def test_with_over_three_hundred_files(new_life: NewLife) -> None:
    files = {f"src/file{n:03}.py": b"x = 1\n" for n in range(320)}
    life = new_life(files, dict.fromkeys(files, b"x = 2\n"))
    ending = life.review(*(finding(f"Wrong {n}", 1, path=f"src/file{n:03}.py") for n in (0, 150, 319)))
    assert ending.state == "verified", ending
    assert len(life.comments()) == 3


def test_a_draft_is_reviewed_as_any_other(life: Life) -> None:
    life.person("PATCH", "", draft=True)
    assert life.review(finding("Wrong", 4)).state == "verified"
