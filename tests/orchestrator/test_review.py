"""The story of a review: what is done in which order, and the words that the person reads."""

from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.journal import Asking, Call, Cancelled, Failed, Gate, Journal, Step, Steps, Suspended
from orchestrator.workflows.review import review
from stack.ids import uuid7
from stack.messages import Ending, Question, Request
from stack.work import briefs
from stack.work.beforehand import Conversation, FetchConversation, FetchHead, Head, Plan, PlanReview
from stack.work.kinds import Brief, Report, Usage
from stack.work.remarks import Dismissed, Earlier, Estimate, Placed, Said, Verdict
from stack.work.review import (
    Checked,
    CheckFindings,
    Coverage,
    Draft,
    DraftReview,
    FileCoverage,
    Finding,
    PostReview,
    Receipt,
    Review,
    StartReview,
)
from tests.orchestrator.samples import (
    ADA,
    CHANGE,
    CHECKED,
    FETCH,
    FINDING,
    PART_READ,
    PULL,
    RECEIPT,
    START,
    WITH_APPROVAL,
    drafted,
    final,
    found,
    receipt,
)

# the steps in their order, by what they have done
STEPS = {
    "fetch": "fetch_pull_request", "plan": "plan_review", "conversation": "fetch_conversation",
    "review": "review_change", "check": "check_findings", "draft": "draft_review", "head1": "fetch_head",
    "head2": "fetch_head", "head3": "fetch_head", "post": "post_review",
}  # fmt: skip
OLD, MOVED, MOVED_ON = "d" * 40, "e" * 40, "f" * 40  # heads
EARLIER = Earlier(head_sha=OLD, url="https://example.test/earlier", complete=True, read={"a.py": "a" * 64})
SAID = Said(number=1, author="bob", path="a.py", line=1, text="Why?")
DISMISSED = Dismissed(path="a.py", kind="tests", anchor="a" * 16)
DEAR = Plan(estimate=Estimate(low=1, high=2.5), ask=True)
SEEN = found(FINDING)
USUAL: dict[str, Report] = {
    "fetch": PULL, "plan": Plan(), "conversation": Conversation(), "review": SEEN, "check": CHECKED,
    "draft": drafted(SEEN), "head1": Head(head_sha=PULL.head_sha), "post": RECEIPT,
}  # fmt: skip
Outcomes = Mapping[str, Report]  # by step
NONE: Outcomes = {}
Answers = dict[str, str | None]  # by question; None: nobody answered in time
POST: Answers = {"approve": "Post"}


def steps_of(
    outcomes: Outcomes,
    answers: Answers | None = None,
    *,
    cancelled: bool = False,
    pieces: tuple[dict[str, Any], ...] = (),
) -> Steps:
    """Those of a run of which this is known. `pieces` are those of its review."""
    done = {
        name: Step(
            STEPS[name],
            briefs()[STEPS[name]].effect,
            outcome.model_dump(mode="json"),
            pieces=pieces if name == "review" else (),
        )
        for name, outcome in outcomes.items()
    }
    gates = {name: Gate(answer or "", "" if answer is None else ADA.id) for name, answer in (answers or {}).items()}
    request = Request(id=uuid7(), person=ADA, ask=START)
    return Steps(Journal(request.id, request, cancelled=cancelled, steps=done, gates=gates))


def until(step: str, others: Outcomes = NONE, /, **changed: Report) -> dict[str, Report]:
    """What has come of the steps before this one: the usual, unless it is said."""
    before = list(STEPS)[: list(STEPS).index(step)]
    return {name: outcome for name, outcome in {**USUAL, **others, **changed}.items() if name in before}


def suspended(steps: Steps, ask: StartReview = START) -> Call | Asking | None:
    with pytest.raises(Suspended) as stopped:
        review(steps, ask)
    return stopped.value.next


def next_at(
    step: str,
    others: Outcomes = NONE,
    /,
    *,
    ask: StartReview = START,
    answers: Answers | None = None,
    **changed: Report,
) -> Any:
    """The brief of what is begun as this step, where those before it are done."""
    next_ = suspended(steps_of(until(step, others, **changed), answers), ask)
    assert isinstance(next_, Call)
    assert next_.step == step
    return next_.brief


def asked(steps: Steps, ask: StartReview = WITH_APPROVAL) -> Question:
    next_ = suspended(steps, ask)
    assert isinstance(next_, Asking)
    return next_.question


def ended(*, ask: StartReview = START, answers: Answers | None = None, **changed: Report) -> Ending:
    """How a run ends whose steps are all done."""
    return review(steps_of({**USUAL, **changed}, answers), ask)


def ended_with(seen: Review, shown: Receipt = RECEIPT, **of_draft: object) -> Ending:
    """How it ends with this review, drafted as the forge does it."""
    draft = drafted(seen).model_copy(update=of_draft)
    return ended(review=seen, draft=draft, post=shown)


def graded(name: str) -> Finding:
    return FINDING.model_copy(update={"severity": name})


def placed(**changed: object) -> Placed:
    return drafted(SEEN).findings[0].model_copy(update=changed)


# --- from step to step --------------------------------------------------------------------------------


LOOK = FetchConversation(repository="acme/shop", number=12, base_sha=PULL.base_sha, head_sha=PULL.head_sha)
CHECK = CheckFindings(
    repository="acme/shop", base_sha=PULL.merge_base, head_sha=PULL.head_sha, base_tip=PULL.base_sha,
    findings=SEEN.findings,
)  # fmt: skip
BRIEFS: dict[str, Brief[Any]] = {
    "fetch": FETCH,
    "plan": PlanReview(repository="acme/shop", number=12, hunks=PULL.hunks),
    "conversation": LOOK,
    "review": CHANGE,
    "check": CHECK,
    "draft": DraftReview(pull=PULL, review=SEEN, checked=True),
    "post": PostReview(pull=PULL, draft=drafted(SEEN)),
}


@pytest.mark.parametrize("step", BRIEFS)
def test_each_step_is_begun_with_what_those_before_it_brought(step: str) -> None:
    assert next_at(step) == BRIEFS[step]


def test_the_reviewer_hears_what_stands_there_and_the_draft_what_was_dismissed() -> None:
    there, plan = Conversation(said=(SAID,)), Plan(dismissed=(DISMISSED,))
    assert next_at("review", conversation=there) == CHANGE.model_copy(update={"said": (SAID,)})
    brief = next_at("draft", conversation=there, plan=plan)
    assert (brief.said, brief.dismissed) == ((SAID,), (DISMISSED,))


@pytest.mark.parametrize("step", ["fetch", "plan", "conversation", "review", "draft"])
def test_nothing_follows_a_step_that_failed(step: str) -> None:
    with pytest.raises(Failed, match="the forge is gone"):
        review(steps_of({**until(step), step: final("the forge is gone")}), START)


@pytest.mark.parametrize("step", BRIEFS)
def test_nothing_follows_a_cancel(step: str) -> None:
    with pytest.raises(Cancelled):
        review(steps_of(until(step), cancelled=True), START)


@pytest.mark.parametrize(("answers", "step"), [({}, "head1"), (POST, "head1"), (POST, "post")])
def test_nothing_follows_a_cancel_while_a_person_decides_or_after(answers: Answers, step: str) -> None:
    with pytest.raises(Cancelled):
        review(steps_of(until(step), answers, cancelled=True), WITH_APPROVAL)


# --- what it will cost --------------------------------------------------------------------------------


def test_where_it_will_be_dear_a_person_is_asked_before_anything_is_read() -> None:
    question = asked(steps_of(until("conversation", plan=DEAR)), START)
    assert question.question == "cost"
    assert question.text == (
        "The review of acme/shop#12 will likely cost $1.00 to $2.50, by what earlier ones cost. Go on?"
    )
    assert question.details == ("3 files, 4 hunks", "Nothing is spent yet.")
    assert (question.choices, question.free) == (("Go on", "Stop"), False)
    assert next_at("conversation", plan=DEAR, answers={"cost": "Go on"}) == LOOK


@pytest.mark.parametrize("choice", ["Stop", "", "go on", "yes", None])
def test_nothing_but_go_on_goes_on(choice: str | None) -> None:
    ending = review(steps_of(until("conversation", plan=DEAR), {"cost": choice}), START)
    assert ending == Ending(
        state="cancelled", headline="acme/shop#12: not reviewed, at $1.00 to $2.50. Nothing was spent."
    )


def test_what_it_was_estimated_at_is_told_in_the_end() -> None:
    assert ended(plan=DEAR, answers={"cost": "Go on"}).details[-1] == "Estimated: $1.00 to $2.50"
    assert "Estimated" not in str(ended())


# --- where it was reviewed before ---------------------------------------------------------------------


def again(moved: str = "pushed", commits: int = 0) -> dict[str, Report]:
    """A pull request that was reviewed before."""
    return {
        "plan": Plan(earlier=EARLIER, dismissed=(DISMISSED,)),
        "conversation": Conversation.model_validate({"moved": moved, "commits": commits}),
    }


def test_what_was_read_before_need_not_be_read_anew() -> None:
    assert next_at("conversation", again()) == LOOK.model_copy(update={"since": OLD})
    assert next_at("review", again()) == CHANGE.model_copy(update={"earlier": EARLIER.read})


def test_fresh_all_is_read_and_what_was_dismissed_stays_dismissed() -> None:
    fresh = START.model_copy(update={"fresh": True})
    assert next_at("conversation", again(), ask=fresh) == LOOK.model_copy(update={"since": OLD})
    assert next_at("review", again(), ask=fresh) == CHANGE
    assert next_at("draft", again("same"), ask=fresh) == DraftReview(
        pull=PULL, review=SEEN, dismissed=(DISMISSED,), checked=True
    )


@pytest.mark.parametrize(
    ("moved", "commits", "words"),
    [
        ("pushed", 1, "1 commit was pushed"),
        ("pushed", 3, "3 commits were pushed"),
        ("merged", 1, "the base was merged into it"),
        ("rebased", 0, "it was rebased, its changes being the same"),
        ("forced", 0, "the branch was rewritten"),
        ("", 0, "the branch has a new head"),
    ],
)
def test_the_draft_says_what_has_happened_since(moved: str, commits: int, words: str) -> None:
    assert next_at("draft", again(moved, commits)).since == f"Since the review of dddddddddddd {words}."


def test_the_draft_says_how_much_was_not_read_again() -> None:
    seen = found(FINDING, coverage=Coverage(hunks=4, read=2, kept=2, binary_files=0))
    since = next_at("draft", again(), review=seen).since
    assert since.endswith(" What was read then and is unchanged (2 parts) was not read again.")


def test_of_the_same_head_with_nothing_new_nothing_is_posted() -> None:
    said = drafted(SEEN).model_copy(update={"findings": (placed(where="said"), placed(number=2, where="dismissed"))})
    ending = review(steps_of(until("head1", again("same"), draft=said)), WITH_APPROVAL)
    assert (ending.state, ending.headline) == (
        "verified", "acme/shop#12: nothing new since the last review, which is of the same commit.",
    )  # fmt: skip
    assert ending.details == (said.verdict, "Nothing was posted. To have all of it read anew: /review … fresh")
    assert [link.url for link in ending.links] == [EARLIER.url, PULL.url]


@pytest.mark.parametrize("before", [{"clean": True}, {"complete": False}])
def test_of_the_same_head_another_verdict_is_posted(before: dict[str, bool]) -> None:
    """Or the commit would keep the one that no longer holds."""
    said = drafted(SEEN).model_copy(update={"findings": (placed(where="said"),)})
    others = again("same") | {"plan": Plan(earlier=EARLIER.model_copy(update=before))}
    assert next_at("post", others, draft=said) == PostReview(pull=PULL, draft=said)


def test_of_the_same_head_read_in_part_it_is_unproven_that_there_is_nothing_new() -> None:
    part = drafted(found(coverage=PART_READ))
    others = again("same") | {"plan": Plan(earlier=EARLIER.model_copy(update={"complete": False}))}
    assert review(steps_of(until("post", others, draft=part)), START).state == "unproven"


@pytest.mark.parametrize(
    "new", [{"findings": (placed(where="line"),)}, {"findings": (placed(where="text"),)}, {"fixed": ("a thread",)}]
)
def test_of_the_same_head_what_is_new_is_posted(new: dict[str, object]) -> None:
    draft = drafted(found()).model_copy(update=new)
    assert next_at("post", again("same"), draft=draft) == PostReview(pull=PULL, draft=draft)


@pytest.mark.parametrize("moved", ["pushed", "merged", "rebased", "forced", ""])
def test_of_another_head_a_review_is_posted_though_there_is_nothing_new(moved: str) -> None:
    draft = drafted(found())
    assert next_at("post", again(moved), draft=draft) == PostReview(pull=PULL, draft=draft)


# --- what the reviewer leaves -------------------------------------------------------------------------


def test_what_it_had_handed_in_is_drafted_where_the_reviewer_failed_for_good() -> None:
    """Nobody is left who could say what was read: nothing counts as read, and nobody looks a second time."""
    outcomes = until("check", review=final("The pr-reviewer stopped twice while at work"))
    next_ = suspended(steps_of(outcomes, pieces=(FINDING.model_dump(mode="json"),)))
    part = Review(
        summary="",
        findings=(FINDING,),
        coverage=Coverage(hunks=4, read=0, binary_files=1),
        usage=Usage(model="", turns=0, seconds=0),
        ended="The pr-reviewer stopped twice while at work",
    )
    assert next_ == Call("draft", DraftReview(pull=PULL, review=part))


def test_a_review_in_part_by_pieces_ends_unproven_and_says_why() -> None:
    part = found(FINDING, coverage=Coverage(hunks=4, read=0, binary_files=1)).model_copy(update={"ended": "It died"})
    outcomes = {**USUAL, "review": final("It died"), "draft": drafted(part)}
    steps = steps_of(outcomes, pieces=(FINDING.model_dump(mode="json"),))
    ending = review(steps, START)
    assert (ending.state, ending.details[0]) == ("unproven", "A part of a review: It died")
    assert "Partial: 0 of 4 hunks were read; 1 binary file not reviewed" in ending.details
    assert steps.failed == []  # the story went on from it


@pytest.mark.parametrize("pieces", [(), ({"title": "of another version"},)])
def test_without_a_piece_that_can_be_read_the_run_fails_and_the_review_can_be_tried_again(
    pieces: tuple[dict[str, Any], ...],
) -> None:
    steps = steps_of(until("check", review=final("the model refused")), pieces=pieces)
    with pytest.raises(Failed, match="the model refused"):
        review(steps, START)
    assert steps.failed == ["review"]


def test_a_review_that_ended_before_its_time_is_no_proof_and_is_not_looked_at_again() -> None:
    part = SEEN.model_copy(update={"ended": "The budget of $2.00 is used up"})
    assert next_at("draft", review=part) == DraftReview(pull=PULL, review=part)
    ending = ended_with(part)
    assert (ending.state, ending.details[0]) == ("unproven", "A part of a review: The budget of $2.00 is used up")


# --- the second look ----------------------------------------------------------------------------------


def verdict(number: int, **changed: Any) -> Verdict:
    return Verdict.model_validate({"number": number, "holds": True, "severity": "high", "reason": "so", **changed})


def kept_of(findings: list[Finding], *verdicts: Verdict) -> DraftReview:
    """What is drafted of these findings after a second look."""
    brief = next_at("draft", review=found(*findings), check=Checked(verdicts=verdicts, usage=CHECKED.usage))
    assert isinstance(brief, DraftReview)
    return brief


def test_what_holds_is_said_and_what_does_not_is_dropped() -> None:
    titles = [FINDING.model_copy(update={"title": title}) for title in ("one", "two", "three")]
    brief = kept_of(titles, verdict(3), verdict(2, holds=False), verdict(1))
    assert ([f.title for f in brief.review.findings], brief.checked) == (["one", "three"], True)
    assert brief.review.coverage == SEEN.coverage


def test_it_may_change_how_severe_a_finding_is() -> None:
    (finding,) = kept_of([graded("critical")], verdict(1, severity="low")).review.findings
    assert finding == graded("low")


@pytest.mark.parametrize(
    ("reviewer", "checker", "is_"), [(False, True, True), (True, False, True), (False, False, False)]
)
def test_what_either_calls_older_than_the_change_is(reviewer: bool, checker: bool, is_: bool) -> None:
    finding = FINDING.model_copy(update={"pre_existing": reviewer})
    (kept,) = kept_of([finding], verdict(1, pre_existing=checker)).review.findings
    assert kept.pre_existing is is_


def test_a_finding_without_a_verdict_is_said() -> None:
    assert kept_of([FINDING, graded("low")], verdict(2, holds=False)).review.findings == (FINDING,)


def test_how_many_did_not_hold_is_told_in_the_end() -> None:
    seen = found(FINDING, FINDING, FINDING)
    gone = Checked(verdicts=(verdict(1), verdict(2, holds=False), verdict(3, holds=False)), usage=CHECKED.usage)
    assert "2 findings did not hold on a second look" in ended(review=seen, check=gone).details
    assert "second look" not in str(ended())


def test_where_the_second_look_fails_all_is_said_and_none_is_claimed() -> None:
    failed = final("The model refused")
    assert next_at("draft", check=failed) == DraftReview(pull=PULL, review=SEEN, checked=False)
    steps = steps_of({**USUAL, "check": failed})
    assert review(steps, START).state == "verified"
    assert steps.failed == []


@pytest.mark.parametrize(
    "changed", [{"plan": Plan(check=False)}, {"review": found()}], ids=["the owner wants none", "nothing was found"]
)
def test_there_is_no_second_look_where_none_is_wanted_or_needed(changed: dict[str, Report]) -> None:
    outcomes = until("check", changed)
    brief = DraftReview.model_validate({"pull": PULL, "review": outcomes["review"], "checked": False})
    assert suspended(steps_of(outcomes)) == Call("draft", brief)


# --- with a person's approval -------------------------------------------------------------------------


def test_a_person_sees_the_draft_and_says_post() -> None:
    steps = steps_of(until("head1"))
    question = asked(steps)
    assert question.question == "approve"
    assert question.text == ("Review of acme/shop#12: 1 finding (1 high). Post it?")
    assert question.details == ("1. high: Wrong (src/a b/ü.py:3)", f"Draft {'d' * 12}, as it stands in the document")
    assert (question.choices, question.free) == (("Post", "Discard"), False)
    (file,) = question.files
    assert (file.name, file.size) == ("review-acme-shop-12.html", len(steps.attached[file.name]))
    page = steps.attached[file.name].decode()
    assert "<h2>Review</h2>" in page
    assert "src/a b/ü.py:3 to 4 (old file)" in page
    assert "<strong>High</strong>: Wrong" in page


def test_what_is_answered_is_bound_to_the_draft_to_the_letter() -> None:
    asking = suspended(steps_of(until("head1")), WITH_APPROVAL)
    assert isinstance(asking, Asking)
    assert Draft.model_validate_json(asking.binds) == drafted(SEEN)


def test_before_it_is_posted_it_is_looked_whether_the_branch_has_moved() -> None:
    look = FetchHead(repository="acme/shop", number=12)
    assert next_at("head1", ask=WITH_APPROVAL, answers=POST) == look
    assert next_at("post", ask=WITH_APPROVAL, answers=POST) == PostReview(pull=PULL, draft=drafted(SEEN))
    assert ended(ask=WITH_APPROVAL, answers=POST).state == "verified"


@pytest.mark.parametrize("choice", ["Discard", "", "post", "discard", "yes", None])
def test_nothing_but_post_posts(choice: str | None) -> None:
    ending = review(steps_of(until("head1"), {"approve": choice}), WITH_APPROVAL)
    assert ending == Ending(state="cancelled", headline="acme/shop#12: discarded. Nothing was posted.")


def test_where_the_branch_has_moved_meanwhile_it_is_asked_again() -> None:
    question = asked(steps_of(until("head2", head1=Head(head_sha=MOVED)), POST))
    assert question.question == "approve2"
    assert question.text == (
        "The branch of acme/shop#12 has moved to eeeeeeeeeeee meanwhile; the draft is about bbbbbbbbbbbb. Post it?"
    )
    assert (question.choices, len(question.files)) == (("Post", "Discard"), 1)


def test_it_is_asked_until_the_branch_stands_still() -> None:
    heads: dict[str, Report] = {"head1": Head(head_sha=MOVED), "head2": Head(head_sha=MOVED_ON)}
    answers: Answers = {"approve": "Post", "approve2": "Post"}
    question = asked(steps_of(until("head3", heads), answers))
    assert (question.question, "has moved to ffffffffffff" in question.text) == ("approve3", True)
    answers["approve3"] = "Post"
    look = FetchHead(repository="acme/shop", number=12)
    assert next_at("head3", heads, ask=WITH_APPROVAL, answers=answers) == look
    heads["head3"] = Head(head_sha=MOVED_ON)
    assert next_at("post", heads, ask=WITH_APPROVAL, answers=answers) == PostReview(pull=PULL, draft=drafted(SEEN))


@pytest.mark.parametrize("choice", ["Discard", None])
def test_what_is_not_wanted_on_a_branch_that_moved_is_discarded(choice: str | None) -> None:
    answers: Answers = {"approve": "Post", "approve2": choice}
    ending = review(steps_of(until("head2", head1=Head(head_sha=MOVED)), answers), WITH_APPROVAL)
    assert ending.headline == "acme/shop#12: discarded. Nothing was posted."


def test_where_it_cannot_be_known_whether_the_branch_moved_nothing_is_posted() -> None:
    steps = steps_of(until("head2", head1=final("GitHub says no")), POST)
    with pytest.raises(Failed, match="GitHub says no"):
        review(steps, WITH_APPROVAL)
    assert steps.failed == ["head1"]


def test_an_answer_under_the_name_of_before_does_not_count() -> None:
    assert asked(steps_of(until("head1"), {"post": "Post"})).question == "approve"


def test_what_an_earlier_version_has_posted_is_not_asked_about() -> None:
    outcomes = {**until("head1"), "post": RECEIPT}
    assert review(steps_of(outcomes, {"post": "Post"}), WITH_APPROVAL).state == "verified"
    outcomes["post"] = final("GitHub says no")
    assert asked(steps_of(outcomes)).question == "approve"


# --- endings ------------------------------------------------------------------------------------------


def test_what_is_proven_and_wholly_read_is_verified() -> None:
    ending = ended()
    assert (ending.state, ending.headline) == ("verified", "acme/shop#12 reviewed: 1 finding (1 high)")
    assert ending.details == (
        "1 comment on lines", "All 4 hunks were read", "1. high: Wrong (src/a b/ü.py:3)",
    )  # fmt: skip
    assert [(link.label, link.url) for link in ending.links] == [("Review", RECEIPT.url), ("Pull request", PULL.url)]


def test_what_the_forge_did_not_find_again_is_unproven_and_it_says_what() -> None:
    ending = ended_with(found(), receipt(proven=False, missing="GitHub shows 2 of 3 comments"))
    assert ending.state == "unproven"
    assert ending.details[0] == "Not proven: GitHub shows 2 of 3 comments"


def test_what_was_read_in_part_is_unproven_and_it_says_what_was_not() -> None:
    ending = ended_with(found(FINDING, coverage=PART_READ))
    assert ending.state == "unproven"
    assert ("Partial: 3 of 4 hunks were read. Not read in full: big.py; 1 binary file not reviewed") in ending.details


def test_what_github_does_not_take_ends_failed_with_all_that_was_found() -> None:
    steps = steps_of({**USUAL, "post": final("GitHub refuses: 403")})
    ending = review(steps, START)
    assert (ending.state, ending.headline) == (
        "failed", "acme/shop#12 was reviewed, and the review could not be posted: GitHub refuses: 403",
    )  # fmt: skip
    assert ending.details == (
        "What was found is kept: /retry posts it without paying again.", "1. high: Wrong (src/a b/ü.py:3)",
    )  # fmt: skip
    assert [link.url for link in ending.links] == [PULL.url]
    (file,) = ending.files
    assert "<strong>High</strong>: Wrong" in steps.attached[file.name].decode()
    assert steps.failed == ["post"]


def test_a_clean_verdict_needs_complete_coverage() -> None:
    assert ended_with(found()).headline == "acme/shop#12 reviewed: no problems found"
    partly = ended_with(found(coverage=PART_READ))
    assert (partly.state, partly.headline) == (
        "unproven", "acme/shop#12 reviewed: nothing found in the part that was read",
    )  # fmt: skip


def test_where_something_said_before_still_stands_it_is_not_clean() -> None:
    ending = ended_with(SEEN, findings=(placed(where="said"),), clean=False)
    assert ending.headline == "acme/shop#12 reviewed: nothing new"
    assert ending.details[-1] == "1. high: Wrong (src/a b/ü.py:3) · said before"


def test_what_is_new_is_counted_worst_first() -> None:
    seen = found(*map(graded, ["low", "critical", "low", "medium"]))
    assert ended_with(seen).headline.endswith(": 4 findings (1 critical, 1 medium, 2 low)")
    others = tuple(placed(where=where) for where in ("text", "said", "dismissed", "pre_existing"))
    assert ended_with(SEEN, findings=others).headline.endswith(": 1 finding (1 high)")


def test_each_finding_has_the_number_that_it_is_dismissed_by() -> None:
    whys = {"text": "", "dismissed": " · dismissed before", "pre_existing": " · not by this change"}
    listed = tuple(placed(number=number, where=where) for number, where in enumerate(whys, 1))
    lines = [f"{number}. high: Wrong (src/a b/ü.py:3){why}" for number, why in enumerate(whys.values(), 1)]
    assert list(ended_with(SEEN, findings=listed).details[2:]) == lines


def test_of_very_many_findings_the_first_are_listed() -> None:
    details = ended_with(found(*[FINDING] * 40)).details
    assert details[-2].startswith("30. ")
    assert details[-1] == "and 10 more"


def test_where_the_findings_went_is_told() -> None:
    shown = receipt(inline_comments=10, findings_in_body=3, comments_refused=1, already_reported=2, resolved=1)
    assert ended_with(found(), shown).details[0] == (
        "10 comments on lines, 3 in the review's text, 1 of them since GitHub took no comment on their lines, "
        "2 reported before and not repeated, 1 thread resolved"
    )


def test_where_the_verdict_is_not_on_the_commit_it_is_told() -> None:
    why = "The commit has no verdict: the token may not write statuses"
    assert ended_with(found(), receipt(status=why)).details[-1] == why


def test_of_many_unread_files_five_are_named() -> None:
    unread = tuple(FileCoverage(path=f"{n}.py", hunks=1, read=0) for n in range(7))
    text = ended_with(found(coverage=Coverage(hunks=9, read=2, binary_files=0, unread=unread))).details[1]
    assert "4.py and 2 more" in text
    assert "5.py" not in text
