"""Which results count: of the last attempt, and of the kind that its task brings."""

import json

from sqlalchemy.orm import Session

from orchestrator.store import RunRow, TaskRow
from orchestrator.tasks.rows import is_undone
from stack.ids import dashed
from stack.messages import ENDED, Result
from stack.work import briefs
from stack.work.kinds import Failure, Report


def counts(session: Session, row: TaskRow, result: Result) -> bool:
    """Whether a result is waited for, or is the good end of an attempt that was undone, and no other has begun."""
    if row.state != "done":
        return _is_of_the_last_attempt(row, result)
    run = session.get_one(RunRow, row.run_id)
    goes_on = run.state not in ENDED and not run.cancelled
    good = row.attempt == result.attempt and not isinstance(result.outcome, Failure)
    return goes_on and good and is_undone(session, row)


def checked(row: TaskRow, outcome: Report) -> Report:
    """The outcome, or a failure where it is not the report that the task's kind brings."""
    do = json.loads(row.message)["brief"]["do"]  # also where the brief can no longer be read
    kind = briefs().get(do)
    if isinstance(outcome, Failure) or (kind and isinstance(outcome, kind.report_type())):
        return outcome
    return Failure(what=f"The {dashed(row.role)} sent a wrong report", next="give_up")


def _is_of_the_last_attempt(row: TaskRow, result: Result) -> bool:
    """Also of a process that took what was sent and could not even claim it."""
    unclaimed = row.state == "sent" and result.attempt == 0 and isinstance(result.outcome, Failure)
    return unclaimed or row.attempt == result.attempt
