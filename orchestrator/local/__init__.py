"""What the orchestrator does by itself for a workflow: a file for each beside this one, found by being there.

`STEPS` of such a file has a function for each kind of brief that is done here, in the transaction that begins its step:
it reads the store, changes nothing, and returns the report. `ASKS` has one for each kind of ask about a run that this
workflow alone understands; it returns words for the person.
"""

import importlib
import logging
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from orchestrator.settings import Policy
from orchestrator.store import ResultRow, RunRow
from orchestrator.tasks import rows
from orchestrator.transactions import Transaction
from stack.errors import GiveUp, TryAgain
from stack.messages import Request
from stack.work.kinds import About, Brief, Failure, Report

log = logging.getLogger(__name__)

Do = Callable[[Session, Any, RunRow, Policy], Report]  # (session, the brief, its run, what the owner has set)
Handle = Callable[[Transaction, RunRow, Request], str]  # (transaction, the run, what is asked about it) → words

FAULT = "Something went wrong inside the stack; its log says what."


class Local:
    """All that is done here."""

    def __init__(
        self,
        policy: Policy,
        *,
        steps: Mapping[type[Brief[Any]], Do] | None = None,
        asks: Mapping[type[About], Handle] | None = None,
    ) -> None:
        self._policy = policy
        self._steps = found("STEPS") if steps is None else steps
        self._asks = found("ASKS") if asks is None else asks

    def do(self, tx: Transaction, run: RunRow, step: str, brief: Brief[Any]) -> None:
        """Does a step of a run, and stores what came of it. Raises TryAgain, and what the database does."""
        row = rows.begin(tx.session, run, step, brief)
        if row is None:
            return
        outcome = self._outcome(tx.session, run, brief)
        row.state, row.attempt = "done", row.attempt + 1
        tx.session.flush()  # the row, to which the result belongs
        tx.session.add(ResultRow(task_id=row.id, attempt=row.attempt, outcome=outcome.model_dump(mode="json")))
        tx.poke(run.id)

    def take(self, tx: Transaction, run: RunRow, request: Request) -> str:
        """Does what is asked about a run; words for the person. Raises GiveUp in words where it is refused."""
        handle = self._asks.get(type(request.ask))  # type: ignore[arg-type]
        if handle is None:
            raise GiveUp(f"Nobody here knows how to {request.ask.verb} a run.")
        return handle(tx, run, request)

    def _outcome(self, session: Session, run: RunRow, brief: Brief[Any]) -> Report:
        try:
            return self._steps[type(brief)](session, brief, run, self._policy)
        except GiveUp as error:
            return Failure(what=str(error), next="give_up")
        except (SQLAlchemyError, TryAgain):
            raise
        except Exception:
            log.exception("a step of our own has a fault")
            return Failure(what=FAULT, next="give_up")


def found(table: str) -> dict[Any, Any]:
    """What the files of this folder have in their tables of that name."""
    modules = [importlib.import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__)]
    return {kind: do for module in modules for kind, do in vars(module).get(table, {}).items()}
