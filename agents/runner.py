"""The runner, once for all roles: takes a slot, lays out the workspace, has Claude work, brings the report."""

from contextlib import ExitStack
from contextvars import copy_context
from functools import partial

from agents.cache import Cache
from agents.claude import Claude
from agents.claude.transcripts import Transcripts
from agents.role import Setup
from agents.sandbox.pool import Slots, beside
from agents.sandbox.workspace import Workspaces
from stack.assignment import Assignment
from stack.git import Failed
from stack.work.kinds import Brief, Report
from stack.worker import Do


class Runner:
    """One agent process: as many tasks at once as it has slots."""

    def __init__(
        self, *, slots: Slots, workspaces: Workspaces, caches: Cache, transcripts: Transcripts, claude: Claude
    ) -> None:
        self._slots = slots
        self._workspaces = workspaces
        self._caches = caches
        self._transcripts = transcripts
        self._claude = claude

    def does(self, setup: Setup) -> Do:
        """The function that does this kind of work."""
        return partial(self._work, setup)

    def tidy(self) -> None:
        """Keeps the transcripts of tasks that were cut off, removes what they left, and what is too old."""
        self._clear()
        self._transcripts.prune()

    def _clear(self) -> None:
        for workspace in self._workspaces.left():
            self._transcripts.of(workspace.folder.name).collect(workspace.home, workspace.owner)
            workspace.remove()

    def _work(self, setup: Setup, brief: Brief[Report], at: Assignment) -> Report:
        """One task, from its slot to its report. Raises TryAgain, GiveUp or Stopped."""
        kept = self._transcripts.of(at.task.id)
        with ExitStack() as held:
            slot = held.enter_context(self._slots.one())
            self._clear()  # or its user could read what an earlier task of the slot has left
            place = self._workspaces.of(at.task.id, slot=slot, parts=setup.parts, mark=kept.mark())
            workspace = held.enter_context(place)
            held.callback(kept.collect, workspace.home, slot.uid)
            repositories = held.enter_context(self._caches.opened(at.claim.tokens.get("forge", ""), at.stop))
            try:
                job = setup.begin(brief, workspace, repositories)
            except Failed as error:
                raise repositories.judged(error) from error
            at.stop.check()
            report = job.conclusion() or self._claude.converse(
                setup, job, at, slot=slot, workspace=workspace, kept=kept, held=held
            )
            kept.done()
            # a person waits for the report, and nobody for the tidying
            tidy, context = held.pop_all().close, copy_context()  # its log records are about the same run
            beside(partial(context.run, tidy), name=f"tidy {slot.name}")
        return report
