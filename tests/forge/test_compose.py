"""What a review looks like, for findings and texts of every kind."""

import pytest

from forge import markers
from forge.compose import MAX_BODY, Draft, compose, place
from stack.diff import FileDiff, parse
from stack.ids import uuid7
from stack.work.remarks import Severity
from stack.work.review import Coverage, FileCoverage, Finding, PostReview, PullRequest
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


def composed(*findings: Finding, known: set[str] | None = None, max_inline: int = 10, **more: object) -> Draft:
    return made(review_of(PULL, *findings, **more), known=known, max_inline=max_inline)  # type: ignore[arg-type]


def made(brief: PostReview, *, known: set[str] | None = None, max_inline: int = 10) -> Draft:
    return compose(brief, FILES, run_id=uuid7(), known=known or set(), max_inline=max_inline)


def partial(*unread: FileCoverage) -> Coverage:
    return Coverage(hunks=14, read=11, binary_files=1, unread=unread)


@pytest.mark.parametrize(
    ("found", "on_diff"),
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
def test_a_comment_stands_only_where_github_takes_one(found: Finding, on_diff: bool) -> None:
    assert place(found, FILES).on_diff is on_diff


def test_the_old_path_of_a_renamed_file_is_told_by_its_new_one() -> None:
    (comment,) = composed(finding(line=1, path="before.py", side="LEFT")).comments

    assert (comment["path"], comment["side"]) == ("after.py", "LEFT")


def test_a_path_that_is_no_utf8_goes_into_the_body() -> None:
    file = FileDiff(path="a\ufffd.py", old_path="a\ufffd.py", text="", hunks=FILES[0].hunks)

    assert not place(finding(path="a\ufffd.py"), [file]).on_diff


def test_the_gravest_and_surest_come_first() -> None:
    severities: tuple[Severity, ...] = ("low", "critical", "medium", "high")
    mixed = [finding(f"{s} {c}", severity=s, confidence=c) for s in severities for c in (0.2, 0.8)]

    bodies = [comment["body"] for comment in composed(*mixed).comments]

    ranked = [f"{s} {c}" for s in ("critical", "high", "medium", "low") for c in (0.8, 0.2)]
    assert [next(title for title in ranked if title in body) for body in bodies] == ranked


def test_exact_duplicates_are_said_once() -> None:
    draft = composed(finding(confidence=0.1), finding(confidence=0.9), finding(line=4), finding("Other"))

    assert draft.tally == markers.Tally(inline=3)


def test_no_finding_is_lost() -> None:
    findings = [finding(f"Number {n}", line=3 + n % 30) for n in range(60)]
    draft = composed(*findings, max_inline=4)

    said = "\n".join([draft.body, *(c["body"] for c in draft.comments)])
    assert all(f"Number {n}\n" in said for n in range(60))
    assert (draft.tally.inline, draft.tally.in_body) == (4, 56)
    assert "<details><summary>56 other findings</summary>" in draft.body


def test_what_was_reported_before_is_counted_and_not_said() -> None:
    first = composed(finding(), finding("Far away", 10))
    known = markers.fingerprints_in(first.body) | markers.fingerprints_in(first.comments[0]["body"])

    second = composed(finding(), finding("Far away", 10), known=known)

    assert len(known) == 2
    assert second.tally == markers.Tally(already=2)
    assert "**Nothing new. Reported before: 2.**" in second.body


def test_a_fingerprint_follows_its_line_and_not_its_number() -> None:
    moved = parse(FILES[0].text.replace("@@ -1,4 +1,5 @@", "@@ -101,4 +101,5 @@"))

    assert place(finding(line=3), FILES).fingerprint == place(finding(line=103), moved).fingerprint
    assert place(finding(line=3), FILES).fingerprint != place(finding(line=4), FILES).fingerprint


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
    right, left = composed(finding("R", suggestion="x = 1"), finding("L", side="LEFT", suggestion="x = 1")).comments
    body = composed(finding(line=10, suggestion="x = 1")).body

    assert "```suggestion\nx = 1\n```" in right["body"]
    assert "```\nx = 1\n```" in left["body"]
    assert "suggestion" not in left["body"]
    assert "Suggested:\n\n```\nx = 1\n```" in body


def test_an_empty_suggestion_deletes_the_lines() -> None:
    assert "```suggestion\n```" in composed(finding(suggestion="")).comments[0]["body"]


def test_the_text_of_a_model_pings_nobody_and_hides_nothing() -> None:
    hostile = "@acme/all ping <!-- hidden --> <img src=x> ![i](http://x/?q) &#64;octocat </details> \u202e\U000e0041"
    draft = composed(finding(hostile, explanation=hostile), finding(hostile, 10, explanation=hostile), summary=hostile)

    for text in [draft.body, draft.comments[0]["body"]]:
        shown = text.partition("<!-- claude-stack ")[0]
        ours = {"<h2 []>", "<h3 []>", "<hr []>", "<sub []>", SHA[:12]}
        assert set(active_in(shown)) <= ours
        assert not {"\u202e", "\U000e0041"} & set(shown)


def test_a_marker_that_a_model_wrote_counts_for_nothing() -> None:
    forged = f"{markers.of_finding('0123456789ab')}\n{markers.of_tally(markers.Tally(9, 9, 9, 9))}"
    draft = composed(finding(line=10, explanation=forged, suggestion=forged), summary=forged)

    assert "0123456789ab" not in markers.fingerprints_in(draft.body)
    assert markers.tally_in(draft.body) == markers.Tally(in_body=1)


def test_a_body_is_never_longer_than_github_takes() -> None:
    wordy = [
        finding(f"{n} " + "@a" * 98, path="p/" * 2000 + str(n), explanation="<a" * 2000, suggestion="`" * 4000)
        for n in range(500)
    ]
    unread = tuple(FileCoverage(path="q" * 4000 + str(n), hunks=2, read=1) for n in range(50))
    run = uuid7()
    brief = review_of(PULL, *wordy, coverage=partial(*unread), summary="@a" * 10_000)
    body = compose(brief, FILES, run_id=run, known=set(), max_inline=0).body

    assert MAX_BODY * 0.8 < len(body) <= MAX_BODY
    assert body.endswith(markers.of_run(run))
    assert "findings more did not fit" in body


def test_explanations_are_shortened_before_findings_are_dropped() -> None:
    wordy = [finding(f"Number {n} ", 10, explanation="word " * 800) for n in range(50)]
    body = composed(*wordy).body

    assert len(body) <= MAX_BODY
    assert all(f"Number {n}\n" in body for n in range(50))


def test_a_suggestion_that_hides_something_cannot_be_taken_over_with_one_press() -> None:
    hidden = finding(suggestion="if access != 'user\u202e\u2066// check\u2069\u2066':")
    (comment,) = composed(hidden).comments
    assert "```suggestion" not in comment["body"]
    assert "access" in comment["body"]
