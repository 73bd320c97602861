"""/help: every command that this person may use, with an example."""

from bot.commands import Command
from bot.desk import Desk, Written
from bot.markup import code
from stack.people import Person


class Help(Command):
    """What works."""

    summary = "What I can do"
    examples = ("/help",)
    place = 90

    async def handle(self, written: Written, desk: Desk) -> None:
        await desk.reply(written, help_for(written.person, desk))


def help_for(person: Person, desk: Desk) -> str:
    """What works for this person, with an example each."""
    shown = [one for one in desk.commands.values() if one.place is not None and person.may(one.right)]
    examples = [f"{one.summary}: {', '.join(map(code, one.examples))}" for one in shown]
    hints = [one.hint for one in shown if one.hint]
    return "\n".join(["<b>What I can do</b>", *examples, "", *hints]).strip()
