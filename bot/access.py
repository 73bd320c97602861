"""Who may talk to the bot: everything is refused but what people who are known to it write and press, in private."""

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import CallbackQuery, Message, TelegramObject, Update, User

from bot import texts
from bot.memory import DAY
from bot.memory.deliveries import UpdateTable
from bot.people import People
from bot.telegram import Telegram
from stack.people import Person

log = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

STRANGERS_REMEMBERED = 1000
# What a message has that its sender has written, or sent as a file, to this chat.
OWN = frozenset({
    "message_id", "from_user", "chat", "date", "edit_date", "text", "entities", "caption", "caption_entities",
    "reply_to_message", "quote", "document", "animation", "audio", "photo", "video", "video_note", "voice",
    "media_group_id", "link_preview_options", "message_thread_id", "is_topic_message", "effect_id",
    "has_protected_content", "has_media_spoiler", "show_caption_above_media", "sender_boost_count", "paid_star_count",
})  # fmt: skip


class Gate(BaseMiddleware):
    """Lets updates of known people pass, as handlers' `person`; tells a stranger so once a day; silent in groups."""

    def __init__(self, people: People, telegram: Telegram) -> None:
        self._people = people
        self._telegram = telegram
        self._told: OrderedDict[int, float] = OrderedDict()

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)  # noqa: S101 - registered for updates
        person = None
        if event.message:
            person = await self._who_writes(event.message)
        elif event.edited_message:
            person = self._known(event.edited_message)
        elif event.callback_query:
            person = await self._who_presses(event.callback_query)
        return await handler(event, {**data, "person": person}) if person else None

    async def _who_writes(self, message: Message) -> Person | None:
        person = self._known(message)
        if person is None and _written_in_private(message) and message.from_user:
            await self._turn_away(message.from_user.id, message.chat.id)
        return person

    async def _who_presses(self, query: CallbackQuery) -> Person | None:
        private = query.message is not None and query.message.chat.type == "private"
        person = self._find(query.from_user) if private else None
        if person is None:
            log.warning("a button press by %s was refused", query.from_user.id)
            await self._telegram.answer(query.id, "This button is not for you.", alert=True)
        return person

    def _known(self, message: Message) -> Person | None:
        return self._find(message.from_user) if _written_in_private(message) and message.from_user else None

    def _find(self, user: User) -> Person | None:
        person = self._people.find(user.id)
        if person:
            self._people.table.set_name(user.id, user.full_name)
        return person

    async def _turn_away(self, user_id: int, chat_id: int) -> None:
        log.warning("a message by %s was refused: nobody who is known", user_id)
        now = time.monotonic()
        if now - self._told.get(user_id, -DAY) < DAY:
            return
        self._told[user_id] = now
        self._told.move_to_end(user_id)
        while len(self._told) > STRANGERS_REMEMBERED:
            self._told.popitem(last=False)
        await self._telegram.say(chat_id, texts.stranger(user_id))


def _written_in_private(message: Message) -> bool:
    # an anonymous administrator or a channel comes with a `from` that is not who wrote
    user, theirs = message.from_user, message.chat.type == "private" and message.sender_chat is None
    return theirs and user is not None and user.id == message.chat.id and not user.is_bot


def in_own_words(message: Message) -> bool:
    """Whether who sent a message is who wrote it. What was forwarded, or made by a bot or a clock of theirs, is not
    their word: such a message has a field that is none of OWN."""
    known = message.model_fields_set & Message.model_fields.keys()  # what Telegram may add says nothing yet
    return {name for name in known if getattr(message, name)} <= OWN


class Once(BaseMiddleware):
    """Handles an update once, although Telegram delivers it again where a restart came before its confirmation.

    What asks for something is marked as handled with its request; all else when its handler is done.
    """

    def __init__(self, updates: UpdateTable) -> None:
        self._updates = updates

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)  # noqa: S101 - registered for updates
        if self._updates.handled(event.update_id):
            log.info("update %s was handled before", event.update_id)
            return None
        result = await handler(event, data)
        self._updates.set_handled(event.update_id)
        return result
