"""Which run a person means: the one that they name by its letters, the one whose message they answer, or the newest."""

import asyncio
import re
from dataclasses import dataclass
from uuid import UUID

from bot.desk import Desk, Written
from bot.markup import short
from bot.memory.runs import Run
from stack.errors import GiveUp
from stack.messages import ENDED

RUNS_SEARCHED = 100  # among the newest, for one that was not begun in this chat


@dataclass(frozen=True)
class Named:
    """A run that is meant."""

    run_id: UUID
    title: str
    ended: bool


def read_short_id(text: str, form: str) -> str:
    """Reads the six letters by which messages name a run; there may be none. Raises GiveUp with the right form."""
    letters = text.strip().lower()
    if letters and not re.fullmatch(r"[0-9a-f]{6}", letters):
        raise GiveUp(f"I cannot read “{letters[:60]}” as a run. {form}")
    return letters


async def named(letters: str, written: Written, desk: Desk, form: str) -> Named | None:
    """The run with these letters, or without any the one that is answered; None where a person says neither.

    Raises GiveUp where there is no such run, with the right form.
    """
    if letters:
        return await _by_letters(letters, written, desk, form)
    if written.reply_to is None:
        return None
    run_id = desk.memory.runs.about(written.chat_id, written.reply_to)
    if run_id is None:
        raise GiveUp(f"That message is not about a run. {form}")
    run = desk.memory.runs.find(run_id)
    return known(run) if run else Named(run_id, f"Run {short(run_id)}", False)


def known(run: Run) -> Named:
    """A run that was begun in a chat."""
    return Named(run.run_id, run.title, run.ended)


async def _by_letters(letters: str, written: Written, desk: Desk, form: str) -> Named:
    """One that was begun in a chat, or else one that the orchestrator knows."""
    others = written.person.may("manage")
    if run := desk.memory.runs.by_short_id(letters, None if others else written.chat_id):
        return known(run)
    person = "" if others else written.person.id
    for one in await asyncio.to_thread(desk.runs.runs, person=person, limit=RUNS_SEARCHED):
        if short(one.id) == letters:
            return Named(one.id, one.title, one.state in ENDED)
    raise GiveUp(f"I know no run {letters}{'' if others else ' of yours'}. {form}")
