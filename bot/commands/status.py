"""/status: the latest runs, and where one stands that waits."""

import asyncio
from collections.abc import Sequence

from bot.commands import Command, example
from bot.desk import Desk, Written
from bot.markup import code, duration, line, money, short
from bot.texts import STATES
from stack.api import RunSummary
from stack.errors import GiveUp

FORM = "Write /status for your runs, or /status all for everybody's."


class Status(Command):
    """One's own runs, or those of all. Who has none of their own, because they only look, sees all."""

    summary = "Your latest runs"
    examples = ("/status",)
    hint = "<code>/status all</code> shows everybody's runs."
    place = 20

    async def handle(self, written: Written, desk: Desk) -> None:
        which = written.text.strip().lower()
        if which not in ("", "all"):
            raise GiveUp(f"I cannot read “{which[:60]}”. {FORM}")
        everybody = which == "all" or not written.person.may("start")
        person = "" if everybody else written.person.id
        runs = await asyncio.to_thread(desk.runs.runs, person=person)
        await desk.reply(written, _everybodys(runs, desk) if everybody else _own(runs, desk))


def _own(runs: Sequence[RunSummary], desk: Desk) -> str:
    if runs:
        return "\n".join(["<b>Your latest runs</b>", *map(shown, runs)])
    return f"You have no runs yet. Start one: {example(desk)}"


def _everybodys(runs: Sequence[RunSummary], desk: Desk) -> str:
    if not runs:
        return "There are no runs yet."
    lines = (f"{shown(run)} · {line(desk.people.called(run.person), 60)}" for run in runs)
    return "\n".join(["<b>The latest runs</b>", *lines])


def shown(run: RunSummary) -> str:
    """A run in a line: state, title, place in the queue, time, money, and the letters that name it."""
    state = f"{run.state}, place {run.place} in the queue" if run.place is not None else run.state
    facts = [state, duration(run.seconds), *([money(run.cost_usd)] if run.cost_usd else [])]
    return f"{STATES.get(run.state, '•')} {line(run.title, 150)} · {' · '.join(facts)} · {code(short(run.id))}"
