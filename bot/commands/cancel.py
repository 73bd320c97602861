"""/cancel: stops a run: the newest of one's own, the one whose message is answered, or the one that is named."""

import asyncio
import re
from dataclasses import dataclass
from uuid import UUID

from bot import texts
from bot.buttons import CANCEL
from bot.commands import Command
from bot.desk import Desk, Written
from bot.markup import line, short
from stack.errors import GiveUp
from stack.messages import ENDED
from stack.work.kinds import Cancel as CancelRun

FORM = "Write /cancel for the newest, /cancel with the six letters of a run, or reply /cancel to its message."
RUNS_SEARCHED = 100  # among the newest, for one that was not begun in this chat


@dataclass(frozen=True)
class Meant:
    """A run that is to be stopped."""

    run_id: UUID
    title: str
    ended: bool


class Cancel(Command):
    """Stops a run of one's own; an admin also those of others, by their letters."""

    summary = "Stop a run"
    examples = ("/cancel",)
    hint = "To stop a run, press Cancel under its message, or reply /cancel to it."
    place = 30
    right = "start"

    async def handle(self, written: Written, desk: Desk) -> None:
        run = await _meant(written, desk)
        if run.ended:
            raise GiveUp(f"{run.title} has already ended.")
        confirmed = await desk.send(written.request(CancelRun(run_id=run.run_id)), written.update_id)
        show_stopping(run.run_id, desk)
        said = f"Stopping: {line(run.title)}" if confirmed else texts.accepted("is stopped", run.title)
        await desk.reply(written, said)


def show_stopping(run_id: UUID, desk: Desk) -> None:
    """Shows in a run's live message that it is being stopped."""
    desk.memory.buttons.use(run_id, question=CANCEL)
    desk.live.add_step(run_id, "stopping", passing=True)


def read_short_id(text: str) -> str:
    """Reads the six letters by which messages name a run; there may be none. Raises GiveUp with the right form."""
    letters = text.strip().lower()
    if letters and not re.fullmatch(r"[0-9a-f]{6}", letters):
        raise GiveUp(f"I cannot read “{letters[:60]}” as a run. {FORM}")
    return letters


async def _meant(written: Written, desk: Desk) -> Meant:
    letters = read_short_id(written.text)
    if letters:
        return await _named(letters, written, desk)
    if written.reply_to is not None:
        run_id = desk.memory.runs.about(written.chat_id, written.reply_to)
        if run_id is None:
            raise GiveUp(f"That message is not about a run. {FORM}")
        return _known(run_id, desk)
    newest = desk.memory.runs.newest_running(written.chat_id)
    if newest is None:
        raise GiveUp(f"Nothing that you began here is running. {FORM}")
    return Meant(newest.run_id, newest.title, newest.ended)


def _known(run_id: UUID, desk: Desk) -> Meant:
    run = desk.memory.runs.find(run_id)
    return Meant(run_id, run.title, run.ended) if run else Meant(run_id, f"Run {short(run_id)}", False)


async def _named(letters: str, written: Written, desk: Desk) -> Meant:
    """The run with these letters: one that was begun in a chat, or else one that the orchestrator knows."""
    others = written.person.may("manage")
    if run := desk.memory.runs.by_short_id(letters, None if others else written.chat_id):
        return Meant(run.run_id, run.title, run.ended)
    person = "" if others else written.person.id
    for one in await asyncio.to_thread(desk.runs.runs, person=person, limit=RUNS_SEARCHED):
        if short(one.id) == letters:
            return Meant(one.id, one.title, one.state in ENDED)
    raise GiveUp(f"I know no run {letters}{'' if others else ' of yours'}. {FORM}")
