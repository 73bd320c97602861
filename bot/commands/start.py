"""/start: what Telegram sends when somebody opens the chat for the first time."""

from bot.commands import Command
from bot.commands.help import help_for
from bot.desk import Desk, Written


class Start(Command):
    """The first words to a person."""

    summary = "Hello"
    examples = ()

    async def handle(self, written: Written, desk: Desk) -> None:
        hello = "Hello! I run a team of coding agents for you. The work happens elsewhere; you watch it here."
        await desk.reply(written, f"{hello}\n\n{help_for(written.person, desk)}")
