"""What the orchestrator itself does for a review: says what is known before it, and keeps what a person dismissed."""

import hashlib
import json
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from orchestrator.settings import Policy
from orchestrator.store import DismissalRow, ResultRow, RunRow, TaskRow
from orchestrator.transactions import Transaction
from stack.errors import GiveUp
from stack.messages import Request
from stack.work.beforehand import Plan, PlanReview
from stack.work.remarks import Dismissed, Earlier, Estimate
from stack.work.review import Dismiss

FETCH = "fetch"  # the step of the story (orchestrator/workflows/review.py) that brings the pull request
LOOKED_AT = 50  # of earlier runs, the newest
FEWEST = 3  # runs that an estimate is made from
MOST_DISMISSED = 1000  # of a repository, the newest

Json = dict[str, Any]


def plan(session: Session, brief: PlanReview, run: RunRow, policy: Policy) -> Plan:
    """What is known of a pull request and its repository from earlier runs, and what the owner has set."""
    repository = brief.repository.lower()
    estimate = _estimate(session, run, repository, brief.hunks)
    return Plan(
        estimate=estimate,
        ask=policy.ask_above_usd is not None and estimate.high > policy.ask_above_usd,
        check=policy.check_findings,
        earlier=_earlier(session, run, repository, brief.number),
        dismissed=_dismissed(session, repository),
    )


# --- what was posted before ---------------------------------------------------------------------------


def _earlier(session: Session, run: RunRow, repository: str, number: int) -> Earlier | None:
    """The last run that posted a review of this pull request, where GitHub has shown it.

    Where the reviewer failed, and what it had found was posted, nothing counts as read.
    """
    about = _ended(run).where(RunRow.repository == repository, RunRow.number == number)
    for (key,) in session.execute(about.with_only_columns(RunRow.id).limit(LOOKED_AT)):
        found = {outcome["report"]: outcome for outcome in _outcomes(session, key)}
        of_head = found.get("draft") or found.get("pull_request")
        if found.get("receipt", {}).get("proven") and of_head:
            again = _without_thread(of_head, found["receipt"])
            read = {
                path: digest for path, digest in found.get("review", {}).get("read", {}).items() if path not in again
            }
            verdict = {key: bool(of_head.get(key)) for key in ("clean", "complete")}
            return Earlier(head_sha=of_head["head_sha"], url=found["receipt"]["url"], read=read, **verdict)
    return None


def _without_thread(draft: Json, receipt: Json) -> set[str]:
    """Files in which something was found that has no thread of ours to show whether it still stands: read anew."""
    on_lines = () if receipt["comments_refused"] else ("line",)
    apart = (*on_lines, "dismissed", "pre_existing")
    return {one["path"] for one in draft.get("findings", ()) if one["where"] not in apart}


def _outcomes(session: Session, run_id: str) -> Sequence[Json]:
    """What the steps of a run brought, in the order in which they ended: of two reports of a kind the last counts."""
    query = select(ResultRow.outcome).join(TaskRow, TaskRow.id == ResultRow.task_id)
    return session.scalars(query.where(TaskRow.run_id == run_id).order_by(ResultRow.created)).all()


# --- what it will cost --------------------------------------------------------------------------------


def _estimate(session: Session, run: RunRow, repository: str, hunks: int) -> Estimate:
    """The quartiles of what a hunk has cost, in this repository where enough is known of it, else in all."""
    ended = _ended(run).where(RunRow.state.in_(("verified", "unproven")), RunRow.cost_usd > 0)
    for query in (ended.where(RunRow.repository == repository), ended):
        costs = list(_costs_per_hunk(session, query))
        if len(costs) >= FEWEST:
            low, _, high = statistics.quantiles(costs, n=4, method="inclusive")
            return Estimate(low=low * hunks, high=high * hunks)
    return Estimate()


def _costs_per_hunk(session: Session, query: Select[Any]) -> Iterator[float]:
    """Dollars, of the newest runs."""
    runs = query.with_only_columns(RunRow.id, RunRow.cost_usd).limit(LOOKED_AT).subquery()
    fetched = (
        select(runs.c.cost_usd, ResultRow.outcome)
        .join(TaskRow, TaskRow.run_id == runs.c.id)
        .join(ResultRow, ResultRow.task_id == TaskRow.id)
        .where(TaskRow.step == FETCH)
    )
    for dollars, outcome in session.execute(fetched):
        if hunks := outcome.get("hunks"):
            yield dollars / hunks


def _ended(run: RunRow) -> Select[Any]:
    """Runs of the same workflow that have ended, the newest first."""
    ended = select(RunRow).where(RunRow.workflow == run.workflow, RunRow.ended.is_not(None), RunRow.id != run.id)
    return ended.order_by(RunRow.ended.desc())


# --- what a person wants to hear no more of -----------------------------------------------------------


def _dismissed(session: Session, repository: str) -> tuple[Dismissed, ...]:
    query = select(DismissalRow).where(DismissalRow.repository == repository).order_by(DismissalRow.created.desc())
    return tuple(
        Dismissed(path=row.path, kind=row.kind, anchor=row.anchor, reason=row.reason)
        for row in session.scalars(query.limit(MOST_DISMISSED))
    )


def dismiss(tx: Transaction, run: RunRow, request: Request) -> str:
    """Keeps that a person wants to hear no more of a finding. Raises GiveUp where it has no such number."""
    ask = request.ask
    assert isinstance(ask, Dismiss)  # noqa: S101 - the table below says so
    drafts = [outcome for outcome in _outcomes(tx.session, run.id) if outcome["report"] == "draft"]
    if not drafts:
        raise GiveUp(f"{run.title} has no findings yet that could be named by a number.")
    placed = next((one for one in drafts[-1]["findings"] if one["number"] == ask.number), None)
    if placed is None:
        raise GiveUp(f"{run.title} has no finding {ask.number}.")
    if not placed["anchor"]:
        raise GiveUp(
            f"Finding {ask.number} is on no line by which it could be known again: resolve its thread instead."
        )
    same = [run.repository, placed["path"], placed["kind"], placed["anchor"]]
    key = hashlib.sha256(json.dumps(same).encode()).hexdigest()
    if tx.session.get(DismissalRow, key) is None:
        row = DismissalRow(id=key, repository=run.repository, reason=ask.reason, person=request.person.id)
        row.path, row.kind, row.anchor, row.title = placed["path"], placed["kind"], placed["anchor"], placed["title"]
        tx.session.add(row)
    return f"Not said again in {run.repository}: {placed['title']} ({placed['path']})."


STEPS = {PlanReview: plan}
ASKS = {Dismiss: dismiss}
