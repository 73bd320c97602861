"""python -m bot: Telegram in, notifications out."""

import asyncio
import logging
import sys
from collections.abc import Callable

from aiogram import Bot
from aiogram.types import BotCommand

from bot import commands
from bot.access import Gate, Once
from bot.buttons import Buttons
from bot.delivery import Delivery
from bot.desk import Desk
from bot.documents import Documents
from bot.limits import Pace
from bot.live import Live
from bot.memory import Memory
from bot.outbox import Outbox
from bot.people import People
from bot.polling import Pulse, connect, poll_until_stopped
from bot.settings import BotSettings
from bot.telegram import Telegram
from bot.updates import Updates, dispatcher
from stack import topology
from stack.api import RunsApi
from stack.broker import Connection, Consumer, Listener, Publisher
from stack.errors import GiveUp
from stack.logs import set_up
from stack.messages import AnyMessage, Envelope

log = logging.getLogger("bot")

WORKERS = 4


class Deliveries(Consumer):
    """The consumer of notifications; well only while updates are asked for too."""

    def __init__(
        self,
        settings: BotSettings,
        handle: Callable[[AnyMessage], None],
        *,
        publisher: Publisher,
        too_new: Callable[[Envelope, str], None],
    ) -> None:
        super().__init__(
            settings.secret("broker_url"),
            topology.BOT,
            handle,
            publisher=publisher,
            workers=WORKERS,
            heartbeat_file=settings.heartbeat_file,
            too_new=too_new,
        )
        self.pulse = Pulse()

    def well(self) -> bool:
        return super().well() and self.pulse.beats()


def furnish(settings: BotSettings, bot: Bot, memory: Memory, publisher: Publisher) -> tuple[Desk, Delivery]:
    """What updates are handled with, and what delivers notifications."""
    telegram, buttons = Telegram(bot), Buttons(memory.buttons)
    live = Live(telegram=telegram, memory=memory, buttons=buttons)
    people = People(allowed=settings.allowed_users, admins=settings.admin_users, table=memory.people)
    api = settings.orchestrator_url, settings.secret("api_token")
    documents = Documents(telegram=telegram, files=RunsApi(*api))  # a session for the threads that carry files
    desk = Desk(
        telegram=telegram,
        memory=memory,
        people=people,
        live=live,
        buttons=buttons,
        outbox=Outbox(table=memory.outbox, publisher=publisher, confirmed=live.show),
        documents=documents,
        runs=RunsApi(*api),
        commands=commands.found(),
        github=settings.github_url,
        id_key=settings.secret("request_id_key"),
    )
    delivery = Delivery(
        telegram=telegram, memory=memory, people=people, live=live, buttons=buttons, documents=documents
    )
    return desk, delivery


async def serve(settings: BotSettings) -> int:
    """Builds the bot, runs it until it is stopped, and returns the exit status."""
    loop = asyncio.get_running_loop()
    url = settings.secret("broker_url")
    bot = connect(settings.telegram_bot_token.get_secret_value(), settings.telegram_api_url)
    memory = Memory(settings.data_dir / "bot.sqlite")
    publisher = Publisher(url, "bot")
    desk, delivery = furnish(settings, bot, memory, publisher)

    def deliver(message: AnyMessage) -> None:
        asyncio.run_coroutine_threadsafe(delivery.deliver(message), loop).result()

    def too_new(envelope: Envelope, _sender: str) -> None:
        asyncio.run_coroutine_threadsafe(delivery.tell_newer(envelope), loop).result()

    def hear(message: AnyMessage) -> None:
        loop.call_soon_threadsafe(desk.live.hear, message)

    deliveries = Deliveries(settings, deliver, publisher=publisher, too_new=too_new)
    bot.session.middleware(deliveries.pulse)
    connections: list[Connection] = [publisher, Listener(url, "bot", topology.PROGRESS, "step.#", hear), deliveries]
    for connection in connections:
        connection.start()
    desk.live.start()
    desk.outbox.start()
    updates = dispatcher(
        Updates(desk),
        beat=deliveries.pulse.beat,
        gate=Gate(desk.people, desk.telegram),
        once=Once(memory.updates),
        pace=Pace(desk.telegram),
    )
    status = await poll_until_stopped(bot, updates, menu(desk))
    await desk.outbox.stop()
    for connection in reversed(connections):
        await asyncio.to_thread(connection.stop)
    await desk.live.stop()
    await desk.telegram.stop()
    await bot.session.close()
    memory.close()
    log.info("stopped")
    return status


def menu(desk: Desk) -> list[BotCommand]:
    """The commands that Telegram offers to everybody; those of admins are in their /help."""
    shown = [one for one in desk.commands.values() if one.place is not None and one.right != "manage"]
    return [BotCommand(command=one.name, description=one.summary) for one in shown]


def main() -> None:
    """Reads the settings and runs the bot. Exits 0 after SIGTERM, else not."""
    settings = BotSettings.load()
    settings.refuse_real_token_at_simulator()
    set_up(settings.service_name or "bot", level=settings.log_level, secrets=settings.secrets)
    if not settings.allowed_users | settings.admin_users:
        log.warning("ALLOWED_USERS and ADMIN_USERS are empty. Write to the bot, and it tells you your id")
    try:
        sys.exit(asyncio.run(serve(settings)))
    except GiveUp as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
