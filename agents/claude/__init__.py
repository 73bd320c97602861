"""Runs Claude Code for one job through claude-agent-sdk, and brings the report that came of it.

The SDK is imported only when there is a job: an idle agent does without its 45 MB.
"""

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from agents.claude import endings, serving
from agents.claude.budget import Budget
from agents.claude.endings import Ended
from agents.claude.hooks import REPORT, JobHooks
from agents.claude.options import environment, options
from agents.claude.reading import answers, last_error_type
from agents.claude.session import Session
from agents.claude.transcripts import Transcript, fingerprint
from agents.role import Answer, Job, Setup
from agents.sandbox.slot import Slot
from agents.sandbox.workspace import Workspace
from stack.assignment import Assignment
from stack.work.kinds import Report, Usage

log = logging.getLogger(__name__)

GO_ON = (
    "You were interrupted. What you have read and said so far stands above; a tool call that was cut off has shown you "
    "nothing. Go on from there, and finish the task."
)
# An ending of a session that was to be resumed, and had not come to the model, which says nothing of its transcript.
PASSING = ("away", "silent", "time", "spent")


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
    ) -> Report:
        """Runs the job to its report, from where an earlier attempt was left if that is at hand.

        A session that ends for good without a report leaves a part of one, where the job has any.
        Its processes may end a moment later: `held`, as it is closed, waits for that.
        Raises GiveUp or TryAgain in words where there is no report, Stopped where the task was stopped.
        """
        attempt = _Attempt(self, setup, job, at, slot, workspace, kept, held)
        begun_with = fingerprint(setup.system_prompt, job.prompt)
        earlier = kept.to_resume(begun_with)
        if earlier and not kept.restore(workspace.home):
            earlier = None
        own = serving.names(setup)
        handed_in = [answered.asked for answered in answers(kept.path) if answered.tool in own] if earlier else []
        noted = job.recall(at.claim.pieces, handed_in)
        workspace.hand_over(slot.uid)
        if earlier:
            at.say("Going on where the last attempt was left")
            try:
                return attempt.run(earlier, f"{GO_ON}\n\n{noted}".strip(), resume=True)
            except _NotResumed as error:
                log.warning("the session could not be resumed, a new one begins: %s", error)
        return attempt.run(kept.begin(begun_with), f"{job.prompt}\n{noted}".rstrip("\n"), resume=False)


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

    def run(self, identity: str, prompt: str, *, resume: bool) -> Report:
        """A session from start to end."""
        hooks = JobHooks(
            self.job,
            recorded=self.setup.recorded_tools,
            budget=Budget(self.claude.base_url, self._token),
            resumed=self._replay if resume else lambda _went_on: None,
        )
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
            servers=serving.servers(self.setup, self.job, self.at.keep),
            workspace=self.workspace,
            environment=self._environment(),
            budget_usd=self.at.claim.budget_usd,
            session=identity,
            resume=resume,
        )
        self.held.callback(talk.wait)
        try:
            answer = talk.run(chosen, prompt)
        except Ended as ended:
            ending = self._told(talk, ended.ending)
            if resume and not hooks.reached_model and ending.name not in PASSING:
                raise _NotResumed(ending.words) from ended
            if part := self._part(ending, hooks, talk, resumed=resume):
                return part
            raise ending.error() from ended
        return self.job.report(answer, _usage(talk))

    def _part(self, ending: endings.Ending, hooks: JobHooks, talk: Session, *, resumed: bool) -> Report | None:
        """A part of the report, where the session was the last one and the model was shown anything at all; all of it,
        where the model had said it when the session ended.

        An attempt that could do better is never done without; but money that is spent is not spent again.
        """
        if not ending.is_final(last_attempt=self.at.claim.last):
            return None
        if resumed:
            hooks.note_model(went_on=False)  # what it was shown before counts, though it has said nothing since
        if not hooks.reached_model:
            return None
        self.job.ask_no_more()
        for tool in self.setup.own_tools:
            for given in hooks.unanswered(serving.name_of(tool.name)):
                serving.reply(tool, self.job, given)
        for report in hooks.unanswered(REPORT):
            if self.job.objection(report) is None:
                return self.job.report(Answer(report), _usage(talk))
        log.warning("without a report: %s", ending.words)
        return self.job.partial(ending.words, _usage(talk))

    def _told(self, talk: Session, ending: endings.Ending) -> endings.Ending:
        """The ending, with what the transcript alone knows of it: the API's type of an error."""
        if talk.result is None:
            return ending
        self.kept.collect(self.workspace.home, self.slot.uid)
        return endings.of_result(talk.result, last_error_type(self.kept.path))

    def _replay(self, went_on: bool) -> None:
        """The job hears what tools have shown the model before: what the transcript has, and nothing else.

        The last answers in it were sent with the first call of this session alone: they count if the model `went_on`.
        """
        for answered in answers(self.kept.path):
            if answered.tool in self.setup.recorded_tools and (answered.seen or went_on):
                self.job.heard(answered.tool, answered.asked, answered.answer)

    def _environment(self) -> dict[str, str]:
        return {
            **self.slot.environment(
                self.claude.executable, started=self.workspace.started, folder=self.workspace.agent_folder
            ),
            **environment(
                self.workspace,
                base_url=self.slot.network.url if self.slot.network else self.claude.base_url,
                token=self._token,
            ),
        }

    @property
    def _token(self) -> str:
        return self.at.claim.tokens["model"]


def _usage(talk: Session) -> Usage:
    return Usage(model=talk.spent.model, turns=talk.spent.turns, seconds=talk.spent.seconds)
