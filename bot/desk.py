"""What commands, texts and buttons are handed: a message as it was written, and the desk to work at."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from bot.buttons import BEGIN, Buttons
from bot.documents import Document, Documents
from bot.live import Live
from bot.markup import with_article
from bot.memory import Memory
from bot.memory.runs import Run
from bot.outbox import Outbox
from bot.people import People
from bot.telegram import Telegram
from stack.api import RunSummary
from stack.errors import GiveUp
from stack.logs import about
from stack.messages import Attachment, Chat, Request
from stack.people import Person, Right
from stack.secret import Secret
from stack.work.kinds import Ask, Start

if TYPE_CHECKING:
    from bot.commands import Command


class Runs(Protocol):
    """What the bot asks the orchestrator."""

    def runs(self, *, person: str = "", limit: int = 10) -> list[RunSummary]:
        """The newest runs of a person, or of all, newest first."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A message that a person wrote, without the command that it began with.

    `id` is that of a request that it makes: delivered again, the message asks for the same.
    """

    update_id: int
    id: UUID
    person: Person
    name: str
    chat_id: int
    message_id: int
    text: str
    reply_to: int | None = None
    document: Document | None = None

    def request(self, ask: Ask, files: tuple[Attachment, ...] = ()) -> Request:
        """What this message asks for."""
        chat = Chat(chat_id=self.chat_id, message_id=self.message_id)
        return Request(id=self.id, person=self.person, chat=chat, ask=ask, files=files)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What there is to work with."""

    telegram: Telegram
    memory: Memory
    people: People
    live: Live
    buttons: Buttons
    outbox: Outbox
    documents: Documents
    runs: Runs
    commands: Mapping[str, "Command"]
    github: str  # its address, as people know it
    id_key: Secret = field(repr=False)  # makes the ids of requests

    async def reply(self, written: Written, html: str) -> None:
        """Answers a message."""
        await self.telegram.say(written.chat_id, html, reply_to=written.message_id)

    async def send(self, request: Request, update_id: int, also: Callable[[], None] = lambda: None) -> bool:
        """Passes on what an update asks for, once, however often it is delivered. False where the broker has not
        confirmed it in a few seconds.

        `also` writes down what is true from now on; what callers do afterwards may be lost with the process.
        """
        return await self.send_all([request], update_id, also)

    async def send_all(
        self, requests: Sequence[Request], update_id: int, also: Callable[[], None] = lambda: None
    ) -> bool:
        """As `send`, where an update asks for several things: all of them are passed on, or none."""
        with self.memory.together():
            for request in requests:
                self.memory.outbox.add(request)
            self.memory.updates.set_handled(update_id)
            also()
        return all(await asyncio.gather(*map(self.outbox.send, requests)))

    async def begin(self, request: Request, update_id: int, start: Start, *, shown_as: int | None = None) -> None:
        """Begins a run and shows its live message, which may be one that is there: the one that offered it."""
        assert request.chat is not None  # noqa: S101 - it was asked for in a chat
        run = Run(request.id, request.chat.chat_id, request.chat.message_id, start.title(), shown_as)

        def also() -> None:
            self.memory.runs.add(run)
            self.memory.buttons.use(run.run_id, question=BEGIN)

        with about(request.id):
            if not await self.send(request, update_id, also):
                self.live.show(request.id)  # once it is confirmed, it is shown anyway


def check(person: Person, right: Right) -> None:
    """Raises GiveUp in words where a person may not do this."""
    if person.may(right):
        return
    words = {
        "look": "You may not see runs here.",
        "start": "You may look (/status, /help), but not begin, stop or answer anything.",
        "approve": "You may not answer for others.",
        "manage": "Only an admin may do that.",
    }
    raise GiveUp(f"{words[right]} You are {with_article(person.standing)} here; an admin can change that with /people.")
