"""Telegram as the rest of the bot sees it: send, edit, answer, files; errors named by what to do next.

TryAgain
└── Busy           Telegram asks to wait (429); until then it is not asked again for that chat
GiveUp
└── Unreachable    the person blocked the bot, or the chat is gone
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TypeVar

from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import AnswerCallbackQuery, EditMessageText, GetFile, SendDocument, SendMessage, TelegramMethod
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from bot.markup import plain
from stack.errors import GiveUp, StackError, TryAgain

log = logging.getLogger(__name__)

T = TypeVar("T")
Keys = Sequence[tuple[str, str]]  # (label, callback data) of each button

SAY_FOR_SECONDS = 60.0
UPLOAD_SECONDS, DOWNLOAD_SECONDS = 300, 30
# 50 MB is the Bot API's limit for a whole request; what stands in it around the file comes to less than 64 KB.
LARGEST_SENT = (50 << 20) - (64 << 10)
LARGEST_RECEIVED = 20 << 20  # of getFile


class Busy(TryAgain):
    """Telegram takes nothing for this chat for some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Telegram asks to wait {seconds:.0f} s")
        self.seconds = seconds


class Unreachable(GiveUp):
    """Nothing can be sent to this chat."""


class Telegram:
    """Calls Telegram. All texts are HTML; should Telegram not understand one, it goes out as plain text."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._quiet_until: dict[int, float] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def send(self, chat_id: int, html: str, *, reply_to: int | None = None, keys: Keys = ()) -> int:
        """Sends a message and returns its id. Raises TryAgain, Busy, Unreachable or GiveUp."""
        message = SendMessage(
            chat_id=chat_id, text=html, reply_parameters=_reply(reply_to), reply_markup=_keyboard(keys)
        )
        return (await self._call_in(chat_id, message)).message_id

    async def send_file(self, chat_id: int, name: str, content: bytes, *, reply_to: int | None = None) -> int:
        """Sends a document of at most LARGEST_SENT bytes and returns its message's id. Raises as `send` does."""
        file = BufferedInputFile(content, filename=name)
        message = SendDocument(chat_id=chat_id, document=file, reply_parameters=_reply(reply_to))
        return (await self._call_in(chat_id, message, UPLOAD_SECONDS)).message_id

    async def fetch_file(self, file_id: str) -> bytes:
        """The bytes of a document that a person sent. Raises TryAgain, and GiveUp where it is too large or gone."""
        path = (await self._call(GetFile(file_id=file_id))).file_path
        content = bytearray()
        url = self._bot.session.api.file_url(self._bot.token, path or "")
        try:
            async for chunk in self._bot.session.stream_content(url, timeout=DOWNLOAD_SECONDS):
                content += chunk
                if len(content) > LARGEST_RECEIVED:
                    raise GiveUp("the file is larger than Telegram says")
        except GiveUp:
            raise
        except Exception as error:  # of whichever library carries it; its text has the address, and that the token
            raise TryAgain(f"Telegram did not hand over the file: {type(error).__name__}") from None
        return bytes(content)

    async def edit(self, chat_id: int, message_id: int, html: str, *, keys: Keys = ()) -> None:
        """Changes a message; without `keys` its buttons go. A message that the person deleted is no error."""
        change = EditMessageText(chat_id=chat_id, message_id=message_id, text=html, reply_markup=_keyboard(keys))
        try:
            await self._call_in(chat_id, change)
        except GiveUp as error:
            if "not modified" not in str(error) and "message to edit not found" not in str(error):
                raise

    async def try_to_edit(self, chat_id: int, message_id: int, html: str) -> None:
        """Changes a message for the look of it. Never raises."""
        try:
            await self.edit(chat_id, message_id, html)
        except StackError as error:
            log.warning("a message could not be changed: %s", error)

    async def say(self, chat_id: int, html: str, *, reply_to: int | None = None) -> None:
        """Replies now; where Telegram is busy or away, in the background for a minute. Never raises."""
        try:
            await self.send(chat_id, html, reply_to=reply_to)
        except TryAgain as error:
            log.info("a reply waits: %s", error)
            task = asyncio.create_task(self._say_later(chat_id, html, reply_to, _seconds(error)))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        except StackError as error:
            log.warning("a reply could not be sent: %s", error)

    async def answer(self, query_id: str, text: str, *, alert: bool = False) -> None:
        """Answers the press of a button. Never raises: after a while Telegram takes no answer any more."""
        try:
            await self._call(AnswerCallbackQuery(callback_query_id=query_id, text=text[:200], show_alert=alert))
        except StackError as error:
            log.info("the press of a button could not be answered: %s", error)

    async def stop(self) -> None:
        """Gives up the replies that still wait."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def _say_later(self, chat_id: int, html: str, reply_to: int | None, pause: float) -> None:
        deadline = time.monotonic() + SAY_FOR_SECONDS
        while time.monotonic() + pause < deadline:
            await asyncio.sleep(pause)
            try:
                await self.send(chat_id, html, reply_to=reply_to)
                return
            except TryAgain as error:
                pause = _seconds(error)
            except StackError as error:
                log.warning("a reply could not be sent: %s", error)
                return
        log.warning("a reply was given up: Telegram was busy or away for too long")

    async def _call_in(self, chat_id: int, method: TelegramMethod[T], seconds: int | None = None) -> T:
        wait = self._quiet_until.get(chat_id, 0) - time.monotonic()
        if wait > 0:
            raise Busy(wait)
        try:
            return await self._call(method, seconds)
        except Busy as busy:
            self._quiet_until[chat_id] = time.monotonic() + busy.seconds
            raise

    async def _call(self, method: TelegramMethod[T], seconds: int | None = None) -> T:
        try:
            return await self._bot(method, request_timeout=seconds)
        except TelegramBadRequest as error:
            return await self._after_refusal(method, error)
        except TelegramRetryAfter as error:
            raise Busy(error.retry_after) from error
        except TelegramForbiddenError as error:
            raise Unreachable(error.message) from error
        except TelegramEntityTooLarge as error:  # to aiogram it is a fault of the network
            raise GiveUp("Telegram refuses: it is too large") from error
        except (TelegramNetworkError, TelegramServerError, TelegramUnauthorizedError, ClientDecodeError) as error:
            raise TryAgain(f"Telegram did not take it: {type(error).__name__}") from error
        except TelegramAPIError as error:
            raise GiveUp(f"Telegram refuses: {error.message}") from error

    async def _after_refusal(self, method: TelegramMethod[T], error: TelegramBadRequest) -> T:
        if "chat not found" in error.message:
            raise Unreachable(error.message) from error
        if "can't parse entities" in error.message and getattr(method, "parse_mode", None) is not None:
            log.error("Telegram could not read our markup: %s", error.message)
            bare = {"text": plain(getattr(method, "text", "")), "parse_mode": None}
            return await self._call(method.model_copy(update=bare))
        raise GiveUp(f"Telegram refuses: {error.message}") from error


def _reply(message_id: int | None) -> ReplyParameters | None:
    if message_id is None:
        return None
    return ReplyParameters(message_id=message_id, allow_sending_without_reply=True)


def _keyboard(keys: Keys) -> InlineKeyboardMarkup | None:
    if not keys:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=label, callback_data=data)] for label, data in keys]
    )


def _seconds(error: TryAgain) -> float:
    return error.seconds if isinstance(error, Busy) else 2.0
