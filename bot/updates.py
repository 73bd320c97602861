"""The way of an update: who it is from, whether it was handled before, whether it is too much; then what it does."""

import logging
import re
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiogram import BaseMiddleware, Dispatcher, Router
from aiogram.types import CallbackQuery, Message, TelegramObject, Update

from bot import texts
from bot.access import Gate, Handler, Once, in_own_words
from bot.commands import how_with_files
from bot.desk import Desk, Written, check
from bot.documents import Document
from bot.limits import Pace
from bot.markup import line, plain
from bot.presses import Presses
from bot.talk import Talk
from bot.telegram import Telegram
from stack.errors import GiveUp, TryAgain
from stack.ids import secret_id
from stack.people import Person

log = logging.getLogger(__name__)

UPDATES = ("message", "edited_message", "callback_query")  # those that are asked for
_COMMAND = re.compile(r"/(?P<name>[A-Za-z0-9_-]{1,64})(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)
ALBUMS_REMEMBERED = 100
ALBUM = "Of several files that are sent together I look at the one with a caption, and at no other."
MEDIA = "I read texts and documents alone: please send a picture or a recording as a file."


class Updates:
    """Hands each update to the command, the talk or the button that it is for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._talk = Talk(desk)
        self._presses = Presses(desk)
        self._albums: deque[str] = deque(maxlen=ALBUMS_REMEMBERED)

    def router(self) -> Router:
        """The handlers, for a dispatcher to include."""
        router = Router(name="updates")
        apologies = Apologies(self._desk.telegram)
        for observer, handler in (
            (router.message, self.message),
            (router.edited_message, self.edited),
            (router.callback_query, self._presses.pressed),
        ):
            observer.middleware(apologies)
            observer.register(handler)
        return router

    async def message(self, message: Message, event_update: Update, person: Person) -> None:
        """A text or a file, with a command or without."""
        text = message.text or message.caption or ""
        self._desk.memory.updates.read(message.chat.id, message.message_id, text)
        if message.media_group_id and not text:
            self._part_of_an_album(message.media_group_id)
            return
        written = self._written(message, event_update, person, text)
        if not written.document and (message.photo or message.video or message.audio or message.voice):
            raise GiveUp(MEDIA)
        if not in_own_words(message):
            await self._talk.look_at(written)
        elif found := _COMMAND.fullmatch(text.strip()):
            await self._command(found["name"], replace(written, text=found["rest"] or ""))
        else:
            await self._talk.hear(written)

    def _written(self, message: Message, update: Update, person: Person, text: str) -> Written:
        assert message.from_user is not None  # noqa: S101 - the gate lets no other pass
        sent, at = message.document, int(message.date.timestamp() * 1000)
        return Written(
            update_id=update.update_id,
            # an id that the same update always gives: delivered again, it asks for the same run
            id=secret_id(self._desk.id_key, f"telegram/{update.update_id}", milliseconds=at),
            person=person,
            name=message.from_user.full_name,
            chat_id=message.chat.id,
            message_id=message.message_id,
            text=text,
            reply_to=message.reply_to_message.message_id if message.reply_to_message else None,
            document=Document(sent.file_id, sent.file_name or "file", sent.file_size or 0) if sent else None,
        )

    async def _command(self, name: str, written: Written) -> None:
        # Telegram's menu takes no hyphen, and people write one
        command = self._desk.commands.get(name.lower().replace("-", "_"))
        if command is None:
            raise GiveUp(f"I do not know /{name}. /help shows what works.")
        check(written.person, command.right)
        if written.document and not command.takes_file:
            raise GiveUp(f"/{command.name} takes no file. {how_with_files(self._desk)}")
        await command.handle(written, self._desk)

    async def edited(self, message: Message) -> None:
        """A message that was changed after it was read: its new text is not, and that is said once."""
        text = message.text or message.caption or ""
        if self._desk.memory.updates.changed(message.chat.id, message.message_id, text):
            await self._desk.telegram.say(message.chat.id, texts.EDITED, reply_to=message.message_id)

    def _part_of_an_album(self, album: str) -> None:
        if album not in self._albums:
            self._albums.append(album)
            raise GiveUp(ALBUM)


class Apologies(BaseMiddleware):
    """Tells the person why a command or a button did not do what they wanted."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        try:
            return await handler(event, data)
        except TryAgain as error:
            log.warning("a request failed: %s", error)
            html = texts.away(error)
        except GiveUp as error:
            log.info("a request was refused: %s", error)
            html = line(str(error), 1000)
        except Exception:
            log.exception("a request failed")
            html = texts.BROKEN
        await self._tell(event, html)
        return None

    async def _tell(self, event: TelegramObject, html: str) -> None:
        if isinstance(event, Message):
            await self._telegram.say(event.chat.id, html, reply_to=event.message_id)
        elif isinstance(event, CallbackQuery):
            await self._telegram.answer(event.id, plain(html), alert=True)


def dispatcher(updates: Updates, *, beat: Callable[[], None], gate: Gate, once: Once, pace: Pace) -> Dispatcher:
    """The way of an update: a beat of the pulse, the gate, once, the pace, then its handler."""

    async def alive(handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        beat()
        return await handler(event, data)

    made = Dispatcher(disable_fsm=True)
    for middleware in (alive, gate, once, pace):
        made.update.outer_middleware(middleware)
    made.include_router(updates.router())
    return made
