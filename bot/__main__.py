"""python -m bot: Telegram in, notifications out."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import GetMe, GetUpdates, Response, TelegramMethod
from aiogram.types import BotCommand

from bot.access import Gate, Once
from bot.buttons import Buttons
from bot.commands import COMMANDS
from bot.delivery import Delivery
from bot.handlers import Handlers, dispatcher
from bot.live import Live
from bot.memory import Memory
from bot.settings import BotSettings
from bot.telegram import Telegram
from stack import topology
from stack.api import OrchestratorApi
from stack.broker import Connection, Consumer, Listener, Publisher
from stack.errors import GiveUp
from stack.logs import set_up
from stack.messages import AnyMessage

log = logging.getLogger("bot")

CALL_SECONDS = 20.0
POLL_SECONDS = 30
# a poll, a call's time-out, and a command that waits for the broker and the orchestrator come to less
PULSE_SECONDS = 120.0
WORKERS = 4


class Pulse(BaseRequestMiddleware):
    """Knows when the bot last turned to Telegram for updates, with success or without."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Response[Any]:
        if isinstance(method, GetMe | GetUpdates):
            self._last = time.monotonic()
        return await make_request(bot, method)

    def beats(self) -> bool:
        """Whether that was not long ago."""
        return time.monotonic() - self._last < PULSE_SECONDS


class Deliveries(Consumer):
    """The consumer of notifications; well only while updates are asked for too."""

    def __init__(self, settings: BotSettings, handle: Callable[[AnyMessage], None], *, publisher: Publisher) -> None:
        super().__init__(
            settings.broker_url.get_secret_value(),
            topology.BOT,
            handle,
            publisher=publisher,
            workers=WORKERS,
            heartbeat_file=settings.heartbeat_file,
        )
        self.pulse = Pulse()

    def well(self) -> bool:
        return super().well() and self.pulse.beats()


def connect(settings: BotSettings) -> Bot:
    """The bot as aiogram has it: HTML, and no link previews."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(settings.telegram_api_url), timeout=CALL_SECONDS)
    defaults = DefaultBotProperties(parse_mode="HTML", link_preview_is_disabled=True)
    return Bot(settings.telegram_bot_token.get_secret_value(), session=session, default=defaults)


async def greet(bot: Bot) -> None:
    """Waits for Telegram and sets the menu of commands. Raises GiveUp where it does not know the token."""
    pause = 1.0
    menu = [BotCommand(command=command.name, description=command.summary) for command in COMMANDS]
    while True:
        try:
            await bot.me()
            await bot.set_my_commands(menu)
            return
        except (TelegramNotFound, TelegramUnauthorizedError):
            raise GiveUp("Telegram does not know this TELEGRAM_BOT_TOKEN") from None
        except AiogramError as error:
            log.warning("Telegram is away: %s; again in %.0f s", error, pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, 30)


async def poll(bot: Bot, updates: Dispatcher) -> None:
    """Handles updates one after the other: each is confirmed to Telegram only after it has been handled."""
    await greet(bot)
    log.info("started")
    await updates.start_polling(
        bot,
        polling_timeout=POLL_SECONDS,
        handle_as_tasks=False,
        handle_signals=False,
        close_bot_session=False,
        allowed_updates=["message", "callback_query"],
    )


async def poll_until_stopped(bot: Bot, updates: Dispatcher) -> int:
    """Polls until SIGTERM or SIGINT. Returns the exit status: not 0 where polling ended by itself."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    polling = asyncio.create_task(poll(bot, updates))
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


async def serve(settings: BotSettings) -> int:
    """Builds the bot, runs it until it is stopped, and returns the exit status."""
    loop = asyncio.get_running_loop()
    url = settings.broker_url.get_secret_value()
    bot = connect(settings)
    memory = Memory(settings.data_dir / "bot.sqlite")
    telegram, buttons = Telegram(bot), Buttons(memory)
    live = Live(telegram=telegram, memory=memory, buttons=buttons)
    delivery = Delivery(telegram=telegram, memory=memory, live=live, buttons=buttons)
    publisher = Publisher(url, "bot")
    handlers = Handlers(
        telegram=telegram,
        memory=memory,
        live=live,
        buttons=buttons,
        publisher=publisher,
        orchestrator=OrchestratorApi(settings.orchestrator_url, settings.api_token.get_secret_value()),
    )

    def deliver(message: AnyMessage) -> None:
        asyncio.run_coroutine_threadsafe(delivery.deliver(message), loop).result()

    def hear(message: AnyMessage) -> None:
        loop.call_soon_threadsafe(live.hear, message)

    deliveries = Deliveries(settings, deliver, publisher=publisher)
    bot.session.middleware(deliveries.pulse)
    connections: list[Connection] = [publisher, Listener(url, "bot", topology.PROGRESS, "step.#", hear), deliveries]
    for connection in connections:
        connection.start()
    updates = dispatcher(handlers, gate=Gate(settings.allowed_users, telegram), once=Once(memory))
    status = await poll_until_stopped(bot, updates)
    for connection in reversed(connections):
        await asyncio.to_thread(connection.stop)
    await live.stop()
    await telegram.stop()
    await bot.session.close()
    memory.close()
    log.info("stopped")
    return status


def main() -> None:
    """Reads the settings and runs the bot. Exits 0 after SIGTERM, else not."""
    settings = BotSettings.load()
    settings.refuse_real_token_at_simulator()
    set_up(settings.service_name or "bot", level=settings.log_level, secrets=settings.secrets())
    if not settings.allowed_users:
        log.warning("ALLOWED_USERS is empty: nobody may use this bot. Write to it, and it tells you your id")
    sys.exit(asyncio.run(serve(settings)))


if __name__ == "__main__":
    main()
