"""The story of a review: fetch, look what is known, read, look again, draft, perhaps ask, post and look."""

from itertools import count

from pydantic import ValidationError

from orchestrator.journal import Failed, Steps
from orchestrator.words import review as words
from stack.messages import Ending
from stack.work.beforehand import Conversation, FetchConversation, FetchHead, Plan, PlanReview
from stack.work.kinds import Usage
from stack.work.remarks import Verdict
from stack.work.review import (
    CheckFindings,
    Coverage,
    Draft,
    DraftReview,
    FetchPullRequest,
    Finding,
    PostReview,
    PullRequest,
    Review,
    ReviewChange,
    StartReview,
)


def review(steps: Steps, ask: StartReview) -> Ending:
    """Reviews a pull request and posts one review. Raises Cancelled or Failed."""
    pull = steps.call("fetch", FetchPullRequest(repository=ask.repository, number=ask.number))
    plan = steps.call("plan", PlanReview(repository=pull.repository, number=pull.number, hunks=pull.hunks))
    if ask.fresh and plan.earlier:
        plan = plan.model_copy(update={"earlier": plan.earlier.model_copy(update={"read": {}})})
    if plan.ask and steps.ask(words.may_it_cost(pull, plan.estimate), otherwise=words.STOP) != words.GO_ON:
        return words.too_dear(pull, plan.estimate)
    there = steps.call("conversation", _conversation(pull, plan))
    found = _found(steps, pull, plan, there)
    found, checked, dropped = _checked(steps, pull, plan, found)
    draft = steps.call(
        "draft",
        DraftReview(
            pull=pull, review=found, said=there.said, dismissed=plan.dismissed, checked=checked,
            since=words.since(there, plan, found),
        ),
    )  # fmt: skip
    if plan.earlier and there.moved == "same" and not words.is_new(draft, plan.earlier):
        return words.nothing_new(pull, plan.earlier, draft)
    # what an earlier version has posted is not asked about any more
    if ask.approval and not steps.done("post") and not _approved(steps, pull, draft):
        return words.discarded(pull)
    try:
        receipt = steps.call("post", PostReview(pull=pull, draft=draft))
    except Failed as failure:
        return words.not_posted(steps, pull, draft, str(failure))
    return words.posted(pull, plan, found, draft, receipt, dropped)


def _conversation(pull: PullRequest, plan: Plan) -> FetchConversation:
    return FetchConversation(
        repository=pull.repository,
        number=pull.number,
        base_sha=pull.base_sha,
        head_sha=pull.head_sha,
        since=plan.earlier.head_sha if plan.earlier else None,
    )


def _found(steps: Steps, pull: PullRequest, plan: Plan, there: Conversation) -> Review:
    """What the reviewer found: where it failed for good, what it had handed in until then. Raises Failed."""
    change = ReviewChange(
        repository=pull.repository,
        base_sha=pull.merge_base,
        head_sha=pull.head_sha,
        pull=pull,
        said=there.said,
        earlier=plan.earlier.read if plan.earlier else {},
    )
    try:
        return steps.call("review", change)
    except Failed as failure:
        try:
            pieces = tuple(map(Finding.model_validate, steps.pieces("review")))
        except ValidationError:
            pieces = ()
        if not pieces:
            raise
        # nobody is left who could say what was read
        unread = Coverage(hunks=pull.hunks, read=0, binary_files=pull.binary_files)
        nobody = Usage(model="", turns=0, seconds=0)
        return Review(summary="", findings=pieces, coverage=unread, usage=nobody, ended=str(failure))


def _checked(steps: Steps, pull: PullRequest, plan: Plan, found: Review) -> tuple[Review, bool, tuple[Verdict, ...]]:
    """What holds on a second look, whether there was one, and what it found wanting."""
    if not plan.check or not found.findings or found.ended:
        return found, False, ()
    look = CheckFindings(
        repository=pull.repository,
        base_sha=pull.merge_base,
        head_sha=pull.head_sha,
        base_tip=pull.base_sha,
        findings=found.findings,
    )
    try:
        verdicts = {verdict.number: verdict for verdict in steps.call("check", look).verdicts}
    except Failed:
        return found, False, ()  # said without it; the text does not claim one
    kept, dropped = [], []
    for number, finding in enumerate(found.findings, 1):
        verdict = verdicts.get(number)
        if verdict is None:
            kept.append(finding)
        elif verdict.holds:
            news = {"severity": verdict.severity, "pre_existing": verdict.pre_existing or finding.pre_existing}
            kept.append(finding.model_copy(update=news))
        else:
            dropped.append(verdict)
    return found.model_copy(update={"findings": tuple(kept)}), True, tuple(dropped)


def _approved(steps: Steps, pull: PullRequest, draft: Draft) -> bool:
    """Whether a person wants the draft posted as they saw it; asked again where the branch has moved meanwhile."""
    head = pull.head_sha
    for number in count(1):
        question = words.may_i_post(steps, pull, draft, number, head)
        if steps.ask(question, otherwise=words.DISCARD, binds=draft) != words.POST:
            return False
        now = steps.call(f"head{number}", FetchHead(repository=pull.repository, number=pull.number)).head_sha
        if now == head:
            return True
        head = now
    raise AssertionError("a branch that moves for ever")
