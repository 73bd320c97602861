"""Notifications: each becomes one message to each person that it goes to, and a document for each of its files.

Handling one twice sends each of these once.
"""

import asyncio
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from bot import texts
from bot.buttons import Buttons
from bot.documents import Documents
from bot.live import Live
from bot.markup import line
from bot.memory import Memory
from bot.memory.questions import Asked
from bot.people import People, telegram_id
from bot.telegram import Telegram, Unreachable
from stack.errors import GiveUp, StackError, TryAgain
from stack.logs import about
from stack.messages import AnyMessage, Attachment, Ending, Envelope, Note, Notification, Question

log = logging.getLogger(__name__)

MESSAGE = 0  # the part of a notification that is its message; its files are those from 1 on
FILE_TRIED_SECONDS = 3600.0  # after that a word takes its place


class Delivery:
    """Sends notifications. Used from the event loop's thread alone."""

    def __init__(
        self,
        *,
        telegram: Telegram,
        memory: Memory,
        people: People,
        live: Live,
        buttons: Buttons,
        documents: Documents,
    ) -> None:
        self._telegram = telegram
        self._memory = memory
        self._people = people
        self._live = live
        self._buttons = buttons
        self._documents = documents
        # one at a time per chat: in order, and a repeat waits until the first has been sent
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._carrying = asyncio.Lock()

    async def deliver(self, message: AnyMessage) -> None:
        """Sends a notification, unless it has been sent. Raises TryAgain, and GiveUp where Telegram will not take it.

        Where the process dies between sending and writing that down it is sent again: Telegram cannot be asked.
        """
        if not isinstance(message, Notification):
            raise GiveUp(f"a {message.type} is not a notification")
        with about(message.run_id), _memory_may_be_away():
            await self._deliver(message)

    async def tell_newer(self, envelope: Envelope) -> None:
        """Tells whom a message was for that it cannot be read: its version came after ours. Raises as `deliver`."""
        person = envelope.person.get("id") if isinstance(envelope.person, dict) else envelope.person
        with _memory_may_be_away():
            recipients = self._people.told_for(str(person))
            if not recipients:
                log.error("nobody could be told of %s %s, which is of a newer version", envelope.type, envelope.id)
            for user_id in recipients:
                await self._tell(envelope.id, envelope.run_id or envelope.id, user_id, texts.NEWER)

    async def _deliver(self, message: Notification) -> None:
        """To each person the message, then the last form of the live one, then the files.

        What one of them cannot get now holds up nothing else.
        """
        recipients = self._people.told_for(message.person)
        if not recipients:
            raise GiveUp(f"{message.person} does not use this bot, and there is no admin to tell instead")
        faults = await _each(partial(self._tell_of, message, user_id) for user_id in recipients)
        instead = self._instead(message, recipients)
        faults += await _each(partial(self._tell_of, message, user_id) for user_id in instead)
        recipients += instead
        if isinstance(message.content, Ending) and not faults:
            faults = await _each([partial(self._live.end, message.run_id, message.content)])
        faults += await _each(partial(self._bring_files, message, user_id) for user_id in recipients)
        for fault in sorted(faults, key=lambda fault: not isinstance(fault, TryAgain)):
            raise fault

    def _instead(self, message: Notification, recipients: tuple[int, ...]) -> tuple[int, ...]:
        """The admins, where nobody can be reached whom a question or an ending is for: they have blocked the bot."""
        gone = all(self._memory.deliveries.unreachable(message.id, one) for one in recipients)
        if not gone or isinstance(message.content, Note):
            return ()
        return tuple(one for one in self._people.admins() if one not in recipients)

    async def _tell_of(self, message: Notification, user_id: int) -> None:
        chat, own = message.chat, telegram_id(message.person) == user_id
        reply_to = chat.message_id if chat and own and chat.chat_id == user_id else None
        heading = "" if reply_to else texts.heading(message.title, "" if own else self._people.called(message.person))
        match message.content:
            case Ending() as ending:
                html = texts.ending(ending, heading)
                await self._tell(message.id, message.run_id, user_id, html, reply_to, retry=ending.can_retry)
            case Question() as question:
                html, alone = texts.question(question, heading), texts.asked(question, heading)
                await self._tell(message.id, message.run_id, user_id, html, reply_to, (question, alone))
            case Note(text=text):
                await self._tell(message.id, message.run_id, user_id, heading + line(text, 3000), reply_to)

    async def _tell(
        self,
        notification_id: UUID,
        run_id: UUID,
        user_id: int,
        html: str,
        reply_to: int | None = None,
        question: tuple[Question, str] | None = None,
        *,
        retry: bool = False,
    ) -> None:
        """Sends the message of a notification to one person, unless they have it; with its buttons, if it has any."""
        async with self._locks[user_id]:
            if not self._memory.deliveries.begin(notification_id, user_id, MESSAGE, run_id):
                log.info("notification %s was sent before", notification_id)
                return
            keys = self._buttons.for_question(run_id, user_id, question[0]) if question else ()
            if retry:
                keys = self._buttons.to_retry(run_id, user_id, notification_id)
            try:
                sent = await self._telegram.send(user_id, html, reply_to=reply_to, keys=keys)
            except Unreachable as error:
                log.warning("a notification does not reach %s: %s", user_id, error)
                self._memory.deliveries.finish(notification_id, user_id, MESSAGE, None)
                return
            with self._memory.together():
                self._memory.deliveries.finish(notification_id, user_id, MESSAGE, sent)
                if question:
                    self._memory.questions.add(_asked(*question, run_id, user_id, sent))

    async def _bring_files(self, message: Notification, user_id: int) -> None:
        """Sends the files of a notification to a person who has its message, unless they have them.

        Raises TryAgain where another is on its way: nobody's messages wait behind a file.
        """
        files, told = _files(message), self._memory.deliveries.message(message.id, user_id)
        if not files or told is None:
            return
        if self._carrying.locked():
            raise TryAgain("another file is on its way")
        async with self._carrying:
            for part, file in enumerate(files, MESSAGE + 1):
                if self._memory.deliveries.begin(message.id, user_id, part, message.run_id):
                    sent = await self._bring(message.id, user_id, part, file, told)
                    self._memory.deliveries.finish(message.id, user_id, part, sent)

    async def _bring(self, notification_id: UUID, user_id: int, part: int, file: Attachment, told: int) -> int | None:
        late = self._memory.deliveries.age(notification_id, user_id, part) > FILE_TRIED_SECONDS
        try:
            if late:
                return await self._documents.apologise(user_id, file, "it could not be fetched or sent", reply_to=told)
            return await self._documents.bring(user_id, file, reply_to=told)
        except Unreachable as error:
            log.warning("a file has nobody to go to: %s", error)
            return None


@contextmanager
def _memory_may_be_away() -> Iterator[None]:
    """Raises TryAgain for what the memory raises: a full disk passes, and a dead letter would be told to nobody."""
    try:
        yield
    except sqlite3.Error as error:
        raise TryAgain(f"the bot's memory does not answer: {error}") from error


async def _each(steps: Iterable[Callable[[], Awaitable[None]]]) -> list[StackError]:
    """Takes every step; returns what went wrong."""
    faults = []
    for step in steps:
        try:
            await step()
        except StackError as error:
            faults.append(error)
    return faults


def _files(message: Notification) -> tuple[Attachment, ...]:
    return () if isinstance(message.content, Note) else message.content.files


def _asked(question: Question, markup: str, run_id: UUID, user_id: int, message_id: int) -> Asked:
    return Asked(
        chat_id=user_id,
        message_id=message_id,
        run_id=run_id,
        question=question.question,
        digest=question.digest,
        markup=markup,
        choices=question.choices,
        free=question.free,
        until=question.until.timestamp() if question.until else None,
    )
