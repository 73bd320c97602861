"""What was said once is not said again: by place and kind, whatever the words; by us, by people, in any order."""

from stack.work.review import Finding, ReviewChange
from tests.forge.conftest import finding
from tests.lifecycle.conftest import CHANGED, NewLife
from tests.lifecycle.life import Life


def eval_at(line: int, title: str = "eval runs what is in the file", **more: object) -> Finding:
    return finding(title, line, kind="security", **more)  # type: ignore[arg-type]


def test_one_finding_in_three_reviews_of_one_head_and_one_of_a_new_one_is_one_comment(life: Life) -> None:
    for title in (
        "eval runs code from the file",
        "Arbitrary code execution: the file's content is passed to eval",
        "Arbitrary code execution through eval of file content",
    ):
        ending = life.review(eval_at(4, title), fresh=True)
        assert ending.state == "verified", ending
    life.push({"shop.py": b"# a line above\n" + (life.tree / "shop.py").read_bytes()})
    ending = life.review(eval_at(5, "Evaluates untrusted input"))
    assert ending.state == "verified", ending
    assert len(life.comments()) == 1
    assert any("reported before" in detail for detail in ending.details)


def test_two_findings_of_one_review_on_one_place_and_of_one_kind_are_one_comment(life: Life) -> None:
    life.review(
        eval_at(4), eval_at(4, "Code injection", end=4), finding("Name says nothing", 4, kind="maintainability")
    )
    assert len(life.comments()) == 2


def test_findings_of_other_kinds_or_on_other_lines_are_all_said(life: Life) -> None:
    life.review(eval_at(4), eval_at(3), finding("Never tested", 4, kind="tests"))
    life.review(eval_at(4), finding("Slow", 4, kind="performance"), fresh=True)
    assert len(life.comments()) == 4


def test_what_a_person_said_is_not_said_again_where_the_model_sees_it(life: Life) -> None:
    life.remark(4, "Do not use eval here.")

    def finds(change: ReviewChange) -> list[Finding]:
        (said,) = change.said
        assert (said.author, said.ours, said.path, said.line) == ("robin", False, "shop.py", 4)
        assert said.text == "Do not use eval here."
        return [eval_at(4, same_as=said.number)]

    ending = life.review(finds=finds)
    assert ending.state == "verified", ending
    assert [c["user"]["login"] for c in life.comments()] == ["robin"]
    assert "no problems" not in ending.headline, "what a person has found is there all the same"
    assert life.status()[0] == "failure"


def test_what_a_person_resolved_stays_away(life: Life) -> None:
    life.review(eval_at(4))
    life.repository_is(writers=["robin"])
    life.resolve("robin")
    ending = life.review(eval_at(4, "eval again"), fresh=True)
    assert len(life.comments()) == 1
    assert ending.state == "verified", ending
    assert life.status()[0] == "success", "a person has settled it"


def test_what_a_stranger_resolved_stands(life: Life) -> None:
    """The author of a pull request may resolve what was found in it, on GitHub: that settles nothing."""
    life.review(eval_at(4))
    life.resolve("mallory")
    ending = life.review(eval_at(4, "eval again"), fresh=True)
    assert len(life.comments()) == 1
    assert ending.state == "verified", ending
    assert life.status()[0] == "failure"


def test_a_reply_in_a_thread_is_shown_to_the_model_and_its_empty_review_confuses_nobody(life: Life) -> None:
    life.review(eval_at(4))
    (comment,) = life.comments()
    life.person("POST", f"/comments/{comment['id']}/replies", body="This is on purpose.", user="robin")
    texts: list[str] = []

    def finds(change: ReviewChange) -> list[Finding]:
        texts.extend(said.text for said in change.said)
        return [eval_at(4, same_as=change.said[0].number)]

    assert life.review(finds=finds, fresh=True).state == "verified"
    assert len(texts) == 1
    assert "robin answered: This is on purpose." in texts[0]
    assert len(life.comments()) == 2, "ours, and robin's"


def test_a_thread_is_resolved_where_its_line_was_mended(life: Life) -> None:
    life.review(eval_at(4))
    life.push({"shop.py": (life.tree / "shop.py").read_bytes().replace(b"eval(changed)", b"int(changed)")})
    life.reviewer.fixed = (1,)
    ending = life.review()
    assert ending.state == "verified", ending
    assert any("1 thread resolved" in detail for detail in ending.details), ending.details
    assert life.status()[0] == "success"


def test_a_thread_stays_open_where_the_model_alone_says_that_it_is_fixed(life: Life) -> None:
    life.review(eval_at(4))
    life.push({"other.py": b"new = 1\n"})
    life.reviewer.fixed = (1,)
    ending = life.review()
    assert not any("resolved" in detail for detail in ending.details)
    assert life.status()[0] == "failure"


def test_a_remark_in_another_file_says_nothing_of_a_finding(new_life: NewLife) -> None:
    """Whoever talks a model into "the same as 1" cannot have a finding kept back with a remark elsewhere."""
    life = new_life(None, {"shop.py": CHANGED, "other.py": b"x = eval(input())\n"})
    life.repository_is(writers=["robin"])
    life.remark(4, "Fine.")
    life.resolve("robin")
    ending = life.review(finding("eval", 1, path="other.py", same_as=1))
    assert [c["path"] for c in life.comments()] == ["shop.py", "other.py"], ending
    assert life.status()[0] == "failure"


def test_two_runs_of_one_head_at_once_say_each_thing_once(life: Life) -> None:
    """Both read what stands there before either has posted."""

    def finds(_change: ReviewChange) -> list[Finding]:
        life.reviewer.finds = lambda _change: [eval_at(4, "the same in other words")]
        life.review_beside(fresh=True)
        return [eval_at(4)]

    life.review(finds=finds)
    assert len(life.comments()) == 1
