"""Runs Claude Code for one job through claude-agent-sdk, and says what came of it.

The SDK is imported only when there is a job: an idle agent does without its 45 MB.
"""

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from agents.claude import endings
from agents.claude.endings import Ended
from agents.claude.hooks import JobHooks
from agents.claude.options import environment, options
from agents.claude.reading import answers, last_error_type
from agents.claude.session import Session
from agents.claude.transcripts import Transcript, fingerprint
from agents.role import Answer, Job, Setup
from agents.sandbox.slot import Slot
from agents.sandbox.workspace import Workspace
from stack.assignment import Assignment
from stack.work.kinds import Usage

log = logging.getLogger(__name__)

GO_ON = (
    "You were interrupted. What you have read and said so far stands above; a tool call that was cut off has shown you "
    "nothing. Go on from there, and finish the task."
)
# An ending of a session that was to be resumed, and had not come to the model, which says nothing of its transcript.
PASSING = ("away", "silent", "time")


@dataclass(frozen=True)
class Claude:
    """Claude Code as one agent runs it: which executable, where its model calls go, how long it may be silent."""

    executable: Path
    base_url: str
    silence_seconds: float

    def converse(
        self,
        setup: Setup,
        job: Job,
        at: Assignment,
        *,
        slot: Slot,
        workspace: Workspace,
        kept: Transcript,
        held: ExitStack,
    ) -> tuple[Answer, Usage]:
        """Runs the job to its answer, from where an earlier attempt was left if that is at hand.

        Its processes may end a moment later: `held`, as it is closed, waits for that.
        Raises GiveUp or TryAgain in words where there is no answer, Stopped where the task was stopped.
        """
        attempt = _Attempt(self, setup, job, at, slot, workspace, kept, held)
        begun_with = fingerprint(setup.system_prompt, job.prompt)
        earlier = kept.to_resume(begun_with)
        if earlier and not kept.restore(workspace.home):
            earlier = None
        workspace.hand_over(slot.uid)
        if earlier:
            at.say("Going on where the last attempt was left")
            try:
                return attempt.run(earlier, resume=True)
            except _NotResumed as error:
                log.warning("the session could not be resumed, a new one begins: %s", error)
        return attempt.run(kept.begin(begun_with), resume=False)


class _NotResumed(Exception):
    """The transcript is of no use."""


@dataclass(frozen=True)
class _Attempt:
    """One attempt at a task, in one slot."""

    claude: Claude
    setup: Setup
    job: Job
    at: Assignment
    slot: Slot
    workspace: Workspace
    kept: Transcript
    held: ExitStack

    def run(self, identity: str, *, resume: bool) -> tuple[Answer, Usage]:
        """A session from start to end."""
        hooks = JobHooks(self.job, resumed=self._replay if resume else lambda: None)
        talk = Session(
            self.setup,
            hooks,
            self.at,
            slot=self.slot,
            workspace=self.workspace,
            silence_seconds=self.claude.silence_seconds,
        )
        self.workspace.started.unlink(missing_ok=True)
        chosen = options(
            self.setup,
            hooks,
            may_use=talk.may_use,
            workspace=self.workspace,
            environment=self._environment(),
            budget_usd=self.at.claim.budget_usd,
            session=identity,
            resume=resume,
        )
        self.held.callback(talk.wait)
        try:
            answer = talk.run(chosen, GO_ON if resume else self.job.prompt)
        except Ended as ended:
            if resume and not hooks.reached_model and ended.ending.name not in PASSING:
                raise _NotResumed(ended) from ended
            raise self._told(talk, ended.ending).error() from ended
        return answer, Usage(model=talk.spent.model, turns=talk.spent.turns, seconds=talk.spent.seconds)

    def _told(self, talk: Session, ending: endings.Ending) -> endings.Ending:
        """The ending, with what the transcript alone knows of it: the API's type of an error."""
        if talk.result is None:
            return ending
        self.kept.collect(self.workspace.home, self.slot.uid)
        return endings.of_result(talk.result, last_error_type(self.kept.path))

    def _replay(self) -> None:
        """The job hears what tools have shown the model before: what the transcript has, and nothing else."""
        for answered in answers(self.kept.path):
            if answered.tool in self.setup.recorded_tools:
                self.job.heard(answered.tool, answered.asked, answered.answer)

    def _environment(self) -> dict[str, str]:
        token = self.at.claim.tokens["model"]
        return {
            **self.slot.environment(self.claude.executable, self.workspace.started),
            **environment(self.workspace, base_url=self.claude.base_url, token=token),
        }
