"""Rounds of a run: one that has ended goes on from what failed."""

from uuid import UUID

from orchestrator.store import RunRow
from orchestrator.tasks import rows
from orchestrator.transactions import Transaction
from stack.errors import GiveUp
from stack.messages import ENDED, Progress
from stack.values import now

AGAIN = "again"  # in the data of a step: the run goes on, and is shown again


def begin_round(tx: Transaction, run: RunRow) -> None:
    """Undoes what failed, and has the story told on from there. What succeeded stands, and so do answers.

    Raises GiveUp in words where there is nothing to do again.
    """
    if run.state not in ENDED:
        raise GiveUp(f"{run.title} is still under way.")
    if run.state in ("verified", "cancelled"):
        raise GiveUp(f"{run.title} has ended as {run.state}: there is nothing to try again.")
    if not run.again:
        raise GiveUp(f"{run.title} has ended as {run.state}, but no step of it failed: ask for it anew.")
    rows.undo(tx.session, run, run.again)
    run.again, run.round, run.begun, run.cancelled = [], run.round + 1, now(), False
    run.state, run.headline, run.details, run.ended = "running", "", [], None
    tx.session.flush()
    tx.poke(run.id)
    tx.mention(Progress(run_id=UUID(run.id), kind="step", text="Trying again", data={AGAIN: True}))
