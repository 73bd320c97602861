"""Who may talk to the bot: everything is refused but messages and button presses of allowed people, in private."""

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import CallbackQuery, Message, TelegramObject, Update

from bot import texts
from bot.memory import DAY, Memory
from bot.telegram import Telegram

log = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

STRANGERS_REMEMBERED = 1000


class Gate(BaseMiddleware):
    """Lets updates of allowed people pass; tells a stranger so once a day; is silent in groups."""

    def __init__(self, allowed: frozenset[int], telegram: Telegram) -> None:
        self._allowed = allowed
        self._telegram = telegram
        self._told: OrderedDict[int, float] = OrderedDict()

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)  # noqa: S101 - registered for updates
        if event.message and await self._may_write(event.message):
            return await handler(event, data)
        if event.callback_query and await self._may_press(event.callback_query):
            return await handler(event, data)
        return None

    async def _may_write(self, message: Message) -> bool:
        # an anonymous administrator or a channel comes with a `from` that is not who wrote
        if message.chat.type != "private" or message.from_user is None or message.sender_chat is not None:
            return False
        if message.from_user.id in self._allowed:
            return True
        await self._turn_away(message.from_user.id, message.chat.id)
        return False

    async def _may_press(self, query: CallbackQuery) -> bool:
        private = query.message is not None and query.message.chat.type == "private"
        if private and query.from_user.id in self._allowed:
            return True
        log.warning("a button press by %s was refused", query.from_user.id)
        await self._telegram.answer(query.id, "This button is not for you.", alert=True)
        return False

    async def _turn_away(self, user_id: int, chat_id: int) -> None:
        log.warning("a message by %s was refused: not in ALLOWED_USERS", user_id)
        now = time.monotonic()
        if now - self._told.get(user_id, -DAY) < DAY:
            return
        self._told[user_id] = now
        self._told.move_to_end(user_id)
        while len(self._told) > STRANGERS_REMEMBERED:
            self._told.popitem(last=False)
        await self._telegram.say(chat_id, texts.stranger(user_id))


class Once(BaseMiddleware):
    """Handles an update once, although Telegram delivers it again where a restart came before its confirmation."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)  # noqa: S101 - registered for updates
        if self._memory.handled(event.update_id):
            log.info("update %s was handled before", event.update_id)
            return None
        result = await handler(event, data)
        self._memory.set_handled(event.update_id)
        return result
