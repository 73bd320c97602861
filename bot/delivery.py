"""Notifications: each becomes one message to a person. Handling one twice sends it once."""

import asyncio
import logging
import sqlite3
from collections import defaultdict

from bot import texts
from bot.buttons import Buttons
from bot.live import Live
from bot.memory import Memory
from bot.telegram import Keys, Telegram, Unreachable
from stack.errors import GiveUp, TryAgain
from stack.logs import about
from stack.messages import AnyMessage, Ending, Note, Notification, Question

log = logging.getLogger(__name__)


class Delivery:
    """Sends notifications. Used from the event loop's thread alone."""

    def __init__(self, *, telegram: Telegram, memory: Memory, live: Live, buttons: Buttons) -> None:
        self._telegram = telegram
        self._memory = memory
        self._live = live
        self._buttons = buttons
        # one at a time per chat: in order, and a repeat waits until the first has been sent
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def deliver(self, message: AnyMessage) -> None:
        """Sends a notification, unless it has been sent. Raises TryAgain, and GiveUp where Telegram will not take it.

        Where the process dies between sending and writing that down it is sent again: Telegram cannot be asked.
        """
        if not isinstance(message, Notification):
            raise GiveUp(f"a {message.type} is not a notification")
        try:
            with about(message.run_id):
                async with self._locks[message.chat.chat_id]:
                    await self._send_once(message)
                if isinstance(message.content, Ending):
                    await self._live.end(message.run_id, message.content)
        except sqlite3.Error as error:  # a full disk passes; a dead letter would be told to nobody
            raise TryAgain(f"the bot's memory does not answer: {error}") from error

    async def _send_once(self, message: Notification) -> None:
        if not self._memory.begin_notification(message.id, message.run_id, message.chat.chat_id):
            log.info("notification %s was sent before", message.id)
            return
        self._memory.finish_notification(message.id, await self._send(message))

    async def _send(self, message: Notification) -> int | None:
        html, keys = self._rendered(message)
        chat = message.chat
        try:
            return await self._telegram.send(chat.chat_id, html, reply_to=chat.message_id, keys=keys)
        except Unreachable as error:
            log.warning("a notification has nobody to go to: %s", error)
            return None

    def _rendered(self, message: Notification) -> tuple[str, Keys]:
        match message.content:
            case Ending() as ending:
                return texts.ending(ending), ()
            case Question() as question:
                run_id, chat_id = message.run_id, message.chat.chat_id
                return texts.question(question), self._buttons.make(
                    run_id, chat_id, question.question, question.choices
                )
            case Note(text=text):
                return texts.line(text, 3000), ()
