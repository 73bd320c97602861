"""What a review looks like, for findings and texts of every kind."""

import pytest

from forge.compose import MARKS_ROOM, MAX_BODY, compose
from forge.placing import Diff
from stack.diff import FileDiff, parse
from stack.work.remarks import Said, Severity
from stack.work.review import Coverage, Draft, FileCoverage, Finding, PullRequest
from tests.forge.conftest import finding, review_of
from tests.forge.inert import active_in

SHA = "0123456789abcdef0123456789abcdef01234567"
PULL = PullRequest(
    repository="acme/shop", number=12, title="A change", body="", author="robin", url="https://github.com/x",
    base="main", base_sha=SHA, head_sha=SHA, merge_base=SHA, files=3, hunks=3, binary_files=1,
)  # fmt: skip
FILES = parse("""\
diff --git a/shop.py b/shop.py
--- a/shop.py
+++ b/shop.py
@@ -1,4 +1,5 @@
 one
 two
-three
+changed
+added
 four
@@ -20,3 +21,3 @@
 twenty
-old
+new
 end
diff --git a/before.py b/after.py
similarity index 90%
rename from before.py
rename to after.py
--- a/before.py
+++ b/after.py
@@ -1,1 +1,1 @@
-x
+y
diff --git a/logo.png b/logo.png
Binary files a/logo.png and b/logo.png differ
""")


SHOP = ["one", "two", "changed", "added", "four", *(f"line {n}" for n in range(6, 21)), "twenty", "new", "end"]


def lines(path: str) -> list[str] | None:
    return {"shop.py": SHOP, "after.py": ["y"]}.get(path)


def composed(*findings: Finding, max_inline: int = 10, **more: object) -> Draft:
    brief = review_of(PULL, *findings, **more)  # type: ignore[arg-type]
    return compose(brief, FILES, lines, taken=None, max_inline=max_inline)


def where(draft: Draft) -> list[str]:
    return [one.where for one in draft.findings]


def on_diff(found: Finding, files: list[FileDiff] = FILES) -> bool:
    return Diff(files, lines).place(found)[1]


def partial(*unread: FileCoverage) -> Coverage:
    return Coverage(hunks=14, read=11, binary_files=1, unread=unread)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (finding(line=3), True),
        (finding(line=3, end=4), True),
        (finding(line=4, end=3), True),
        (finding(line=22), True),
        (finding(line=10), False),
        (finding(line=3, end=22), False),
        (finding(line=21, side="LEFT"), True),
        (finding(line=23, side="LEFT"), False),
        (finding(line=1, path="after.py"), True),
        (finding(line=1, path="before.py", side="LEFT"), True),
        (finding(line=1, path="before.py"), False),
        (finding(line=1, path="logo.png"), False),
        (finding(line=1, path="elsewhere.py"), False),
    ],
)
def test_a_comment_stands_only_where_github_takes_one(found: Finding, expected: bool) -> None:
    assert on_diff(found) is expected


def test_the_old_path_of_a_renamed_file_is_told_by_its_new_one() -> None:
    (comment,) = composed(finding(line=1, path="before.py", side="LEFT")).remarks

    assert (comment.path, comment.side) == ("after.py", "LEFT")


def test_a_path_that_is_no_utf8_goes_into_the_body() -> None:
    file = FileDiff(path="a\ufffd.py", old_path="a\ufffd.py", text="", hunks=FILES[0].hunks)

    assert not on_diff(finding(path="a\ufffd.py"), [file])


def test_the_gravest_and_surest_come_first() -> None:
    severities: tuple[Severity, ...] = ("low", "critical", "medium", "high")
    places = iter(range(1, 9))
    mixed = [
        finding(f"{s} {c}", next(places) % 5 + 1, severity=s, confidence=c, kind="tests" if c < 0.5 else "security")
        for s in severities
        for c in (0.2, 0.8)
    ]

    bodies = [comment.body for comment in composed(*mixed).remarks]

    ranked = [f"{s} {c}" for s in ("critical", "high", "medium", "low") for c in (0.8, 0.2)]
    assert [next(title for title in ranked if title in body) for body in bodies] == ranked


def test_what_is_found_twice_is_said_once_whatever_the_words() -> None:
    draft = composed(finding(confidence=0.1), finding("Other", confidence=0.9), finding(line=4), finding(kind="tests"))

    assert where(draft) == ["line"] * 3


def test_no_finding_is_lost() -> None:
    findings = [finding(f"Number {n}", line=3 + n) for n in range(60)]
    draft = composed(*findings, max_inline=4)

    said = "\n".join([draft.body, *(c.body for c in draft.remarks)])
    assert all(f"Number {n}\n" in said for n in range(60))
    assert (where(draft).count("line"), where(draft).count("text")) == (4, 56)
    assert "<details><summary>56 other findings</summary>" in draft.body


def said(number: int, line: int, anchor: str = "", **more: object) -> Said:
    return Said(
        number=number, author="reviewer", ours=True, path="shop.py", line=line, text="Wrong", anchor=anchor, **more
    )  # fmt: skip


def test_what_was_reported_before_is_counted_and_not_said() -> None:
    first = composed(finding(), finding("Far away", 10))
    in_text = said(2, 0, first.findings[1].anchor)

    second = composed(finding("Wrong!"), finding("Elsewhere", 10), said=(said(1, 3, thread="T"), in_text))

    assert where(second) == ["said", "said"]
    assert "**Nothing new. Reported before: 2.**" in second.body
    assert not second.clean


def test_an_anchor_follows_its_line_and_not_its_number() -> None:
    moved = parse(FILES[0].text.replace("@@ -1,4 +1,5 @@", "@@ -101,4 +101,5 @@"))

    def anchor(line: int, files: list[FileDiff]) -> str:
        return Diff(files, lines).place(finding(line=line))[0].anchor

    assert anchor(3, FILES) == anchor(103, moved) != anchor(4, FILES)


@pytest.mark.parametrize(
    ("coverage", "sentence"),
    [
        (Coverage(hunks=14, read=14, binary_files=0), "**No problems found.** All 14 hunks were read."),
        (Coverage(hunks=1, read=1, binary_files=0), "**No problems found.** The one hunk was read."),
        (
            partial(FileCoverage(path="a.py", hunks=3, read=1), FileCoverage(path="b.py", hunks=1, read=0)),
            "**Not all of the change was read.** Partial: 11 of 14 hunks were read; "
            "not read: `a.py` (2 of 3), `b.py` (1 of 1).",
        ),
        (partial(), "Partial: 11 of 14 hunks were read."),
    ],
)
def test_the_verdict_is_clean_only_where_all_was_read(coverage: Coverage, sentence: str) -> None:
    body = composed(coverage=coverage).body

    assert sentence in body
    assert ("No problems found" in body) is coverage.complete


def test_the_verdict_counts_by_severity() -> None:
    body = composed(finding(), finding("Two", 4), finding("Three", 10, severity="low")).body

    assert "**3 problems: 2 high, 1 low.** The one hunk was read. Binary, not reviewed: `logo.png`." in body


def test_a_suggestion_can_be_taken_over_only_on_the_new_side() -> None:
    right, left = composed(finding("R", suggestion="x = 1"), finding("L", side="LEFT", suggestion="x = 1")).remarks
    body = composed(finding(line=10, suggestion="x = 1")).body

    assert "```suggestion\nx = 1\n```" in right.body
    assert "```\nx = 1\n```" in left.body
    assert "suggestion" not in left.body
    assert "Suggested:\n\n```\nx = 1\n```" in body


def test_an_empty_suggestion_deletes_the_lines() -> None:
    assert "```suggestion\n```" in composed(finding(suggestion="")).remarks[0].body


def test_the_text_of_a_model_pings_nobody_and_hides_nothing() -> None:
    hostile = "@acme/all ping <!-- hidden --> <img src=x> ![i](http://x/?q) &#64;octocat </details> \u202e\U000e0041"
    draft = composed(finding(hostile, explanation=hostile), finding(hostile, 10, explanation=hostile), summary=hostile)

    for shown in [draft.body, draft.remarks[0].body]:
        ours = {"<h2 []>", "<h3 []>", "<hr []>", "<sub []>", SHA[:12]}
        assert set(active_in(shown)) <= ours
        assert not {"\u202e", "\U000e0041"} & set(shown)


def test_a_body_is_never_longer_than_github_takes() -> None:
    wordy = [
        finding(f"{n} " + "@a" * 98, n + 1, path="p/" * 2000 + str(n), explanation="<a" * 2000, suggestion="`" * 4000)
        for n in range(500)
    ]
    unread = tuple(FileCoverage(path="q" * 4000 + str(n), hunks=2, read=1) for n in range(50))
    body = composed(*wordy, coverage=partial(*unread), summary="@a" * 10_000, max_inline=0).body

    assert MAX_BODY * 0.6 < len(body) <= MAX_BODY - MARKS_ROOM
    assert "findings more did not fit" in body


def test_explanations_are_shortened_before_findings_are_dropped() -> None:
    wordy = [finding(f"Number {n} ", 30 + n, explanation="word " * 800) for n in range(50)]
    body = composed(*wordy).body

    assert len(body) <= MAX_BODY
    assert all(f"Number {n}\n" in body for n in range(50))


def test_a_suggestion_that_hides_something_cannot_be_taken_over_with_one_press() -> None:
    hidden = finding(suggestion="if access != 'user\u202e\u2066// check\u2069\u2066':")
    (comment,) = composed(hidden).remarks
    assert "```suggestion" not in comment.body
    assert "access" in comment.body
