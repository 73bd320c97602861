"""Telegram's updates: asked for until the bot is stopped, and how the bot knows that it still asks."""

import asyncio
import json
import logging
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError, ClientDecodeError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import GetMe, GetUpdates, Response, TelegramMethod
from aiogram.types import BotCommand, Update
from pydantic import ValidationError

from bot.updates import UPDATES
from stack.errors import GiveUp
from stack.work import complaint

log = logging.getLogger(__name__)

CALL_SECONDS = 20.0
POLL_SECONDS = 30
# a poll, or one update (a call's time-out, a person's file, a wait for broker and orchestrator), comes to less
PULSE_SECONDS = 180.0


class Session(AiohttpSession):
    """aiogram's, which reads updates all or none: one that it cannot read, such as a message of a kind that came to
    Telegram after it, would be asked for again and again, and with it nobody would be heard any more."""

    def check_response(self, bot: Bot, method: TelegramMethod[Any], status_code: int, content: str) -> Response[Any]:
        try:
            return super().check_response(bot, method, status_code, content)
        except ClientDecodeError:
            if not isinstance(method, GetUpdates):
                raise
        answer = self.json_loads(content)
        return super().check_response(bot, method, status_code, json.dumps(answer | {"result": _read(answer)}))


def _read(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The updates of an answer; in the place of one that cannot be read, one in which nothing happens."""
    updates = []
    for update in answer["result"]:
        try:
            Update.model_validate(update)
        except ValidationError as error:
            log.warning("update %s cannot be read, and is left out: %s", update["update_id"], complaint(error))
            update = {"update_id": update["update_id"]}
        updates.append(update)
    return updates


class Pulse(BaseRequestMiddleware):
    """Knows when the bot last turned to Telegram for updates, with success or without, or to the next one it had."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.beat()

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Response[Any]:
        if isinstance(method, GetMe | GetUpdates):
            self.beat()
        return await make_request(bot, method)

    def beat(self) -> None:
        """That is now."""
        self._last = self._clock()

    def beats(self) -> bool:
        """Whether that was not long ago."""
        return self._clock() - self._last < PULSE_SECONDS


def connect(token: str, api_url: str) -> Bot:
    """The bot as aiogram has it: HTML, and no link previews."""
    session = Session(api=TelegramAPIServer.from_base(api_url), timeout=CALL_SECONDS)
    defaults = DefaultBotProperties(parse_mode="HTML", link_preview_is_disabled=True)
    return Bot(token, session=session, default=defaults)


async def poll_until_stopped(bot: Bot, updates: Dispatcher, menu: Sequence[BotCommand]) -> int:
    """Polls until SIGTERM or SIGINT. Returns the exit status: not 0 where polling ended by itself."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    polling = asyncio.create_task(_poll(bot, updates, menu))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({polling, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if polling.done():
        stopped.cancel()
        log.error("polling ended", exc_info=polling.exception())
        return 1
    log.info("stopping: finishing what is under way")
    with suppress(RuntimeError):  # polling has not begun: Telegram is away
        await updates.stop_polling()
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    return 0


async def _poll(bot: Bot, updates: Dispatcher, menu: Sequence[BotCommand]) -> None:
    """Handles updates one after the other: each is confirmed to Telegram only after it has been handled."""
    await _greet(bot, menu)
    log.info("started")
    await updates.start_polling(
        bot,
        polling_timeout=POLL_SECONDS,
        handle_as_tasks=False,
        handle_signals=False,
        close_bot_session=False,
        allowed_updates=list(UPDATES),
    )


async def _greet(bot: Bot, menu: Sequence[BotCommand]) -> None:
    """Waits for Telegram and sets the menu of commands. Raises GiveUp where it does not know the token."""
    pause = 1.0
    while True:
        try:
            await bot.me()
            await bot.set_my_commands(list(menu))
            return
        except (TelegramNotFound, TelegramUnauthorizedError):
            raise GiveUp("Telegram does not know this TELEGRAM_BOT_TOKEN") from None
        except AiogramError as error:
            log.warning("Telegram is away: %s; again in %.0f s", error, pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, 30)
