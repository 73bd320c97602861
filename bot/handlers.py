"""What happens when a person writes or presses a button."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import UUID

from aiogram import BaseMiddleware, Dispatcher, Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, Message, TelegramObject, Update

from bot import commands, texts
from bot.access import Gate, Handler, Once
from bot.buttons import CANCEL, Buttons
from bot.live import Live
from bot.memory import Button, Memory, Run
from bot.telegram import Telegram
from stack.errors import GiveUp, StackError, TryAgain
from stack.ids import uuid7
from stack.logs import about
from stack.messages import Answer, Ask, Cancel, Chat, Request
from stack.messages import Message as StackMessage

log = logging.getLogger(__name__)

PUBLISH_SECONDS = 4.0  # a person hears within five that the broker is away


class Publisher(Protocol):
    """What the bot needs of a publisher."""

    def publish(self, message: StackMessage, *, timeout: float) -> None:
        """Sends a message and waits until it is safe. Raises TryAgain or GiveUp."""


class Orchestrator(Protocol):
    """What the bot asks the orchestrator."""

    def runs(self, *, person: str, limit: int = 10) -> list[dict[str, Any]]:
        """The newest runs of a person, newest first."""


class Handlers:
    """The bot's commands and buttons."""

    def __init__(
        self,
        *,
        telegram: Telegram,
        memory: Memory,
        live: Live,
        buttons: Buttons,
        publisher: Publisher,
        orchestrator: Orchestrator,
    ) -> None:
        self._telegram = telegram
        self._memory = memory
        self._live = live
        self._buttons = buttons
        self._publisher = publisher
        self._orchestrator = orchestrator

    def router(self) -> Router:
        """The handlers, for a dispatcher to include."""
        router = Router(name="commands")
        apologies = Apologies(self._telegram)
        router.message.middleware(apologies)
        router.callback_query.middleware(apologies)
        router.message.register(self.start, CommandStart())
        for name, handler in self.by_command().items():
            router.message.register(handler, Command(name, ignore_case=True))
        router.message.register(self.anything_else)
        router.callback_query.register(self.pressed)
        return router

    def by_command(self) -> dict[str, Callable[..., Awaitable[None]]]:
        """The handler of each command in the menu."""
        return {"review": self.review, "status": self.status, "cancel": self.cancel, "help": self.help}

    # --- commands -----------------------------------------------------------------------------------

    async def start(self, message: Message) -> None:
        await self._reply(message, texts.start())

    async def help(self, message: Message) -> None:
        await self._reply(message, texts.help_())

    async def review(self, message: Message, command: CommandObject, event_update: Update) -> None:
        ask = commands.read_review(command.args or "")
        run_id = _id_of(message, event_update)
        title = f"Review of {ask.repository}#{ask.number}"
        with about(run_id):
            self._memory.add_run(Run(run_id, message.chat.id, message.message_id, title))
            try:
                await self._publish(_request(run_id, message, ask), otherwise="Nothing was started")
            except StackError:
                self._memory.forget_run(run_id)
                raise
            log.info("asked for: %s", title)
            self._live.show(run_id)

    async def status(self, message: Message) -> None:
        person = f"telegram:{message.chat.id}"
        rows = await asyncio.to_thread(self._orchestrator.runs, person=person)
        await self._reply(message, texts.runs(rows))

    async def cancel(self, message: Message, command: CommandObject, event_update: Update) -> None:
        run = self._run_meant(message, commands.read_short_id(command.args or ""))
        if run.ended:
            raise GiveUp(f"{run.title} has already ended.")
        request = _request(_id_of(message, event_update), message, Cancel(run_id=run.run_id))
        await self._publish(request, otherwise="Nothing was stopped")
        self._show_stopping(run.run_id)
        await self._reply(message, texts.stopping(run.title))

    async def anything_else(self, message: Message) -> None:
        text = message.text or ""
        await self._reply(message, texts.unknown(text.split()[0]) if text.startswith("/") else texts.chat())

    def _run_meant(self, message: Message, short: str) -> Run:
        """The run that /cancel is about. Raises GiveUp."""
        chat_id, replied = message.chat.id, message.reply_to_message
        if short:
            run, otherwise = self._memory.run_by_short_id(chat_id, short), f"I know no run {short} of yours."
        elif replied:
            run = self._memory.run_by_message(chat_id, replied.message_id)
            otherwise = "That message is not about a run."
        else:
            run, otherwise = self._memory.newest_running(chat_id), "Nothing of yours is running."
        if run is None:
            raise GiveUp(f"{otherwise} {commands.CANCEL_FORM}")
        return run

    # --- buttons ------------------------------------------------------------------------------------

    async def pressed(self, query: CallbackQuery) -> None:
        assert query.message is not None  # noqa: S101 - the gate lets no other pass
        chat_id, message_id = query.message.chat.id, query.message.message_id
        button = self._buttons.pressed(query.data, user_id=query.from_user.id, chat_id=chat_id)
        with about(button.run_id):
            await self._publish(_press(button, message_id), otherwise="Nothing was done")
        await self._acknowledge(query, button)

    async def _acknowledge(self, query: CallbackQuery, button: Button) -> None:
        if button.question == CANCEL:
            self._show_stopping(button.run_id)
            await self._telegram.answer(query.id, "Stopping…")
            return
        self._memory.use_buttons(button.run_id, button.question)
        await self._telegram.answer(query.id, button.choice)
        if isinstance(query.message, Message):
            chosen = texts.answered(query.message.html_text, query.from_user.full_name, button.choice)
            await self._telegram.try_to_edit(query.message.chat.id, query.message.message_id, chosen)

    def _show_stopping(self, run_id: UUID) -> None:
        self._memory.use_buttons(run_id, CANCEL)
        self._live.add_step(run_id, "stopping")

    # --- both ---------------------------------------------------------------------------------------

    async def _publish(self, request: Request, *, otherwise: str) -> None:
        """Hands a request to the broker. Raises TryAgain that begins with `otherwise`, and GiveUp."""
        try:
            await asyncio.to_thread(self._publisher.publish, request, timeout=PUBLISH_SECONDS)
        except TryAgain as error:
            raise TryAgain(f"{otherwise}: {error}") from error

    async def _reply(self, message: Message, html: str) -> None:
        await self._telegram.say(message.chat.id, html, reply_to=message.message_id)


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
            html = texts.line(str(error), 1000)
        except Exception:
            log.exception("a request failed")
            html = texts.BROKEN
        await self._tell(event, html)
        return None

    async def _tell(self, event: TelegramObject, html: str) -> None:
        if isinstance(event, Message):
            await self._telegram.say(event.chat.id, html, reply_to=event.message_id)
        elif isinstance(event, CallbackQuery):
            await self._telegram.answer(event.id, texts.plain(html), alert=True)


def dispatcher(handlers: Handlers, *, gate: Gate, once: Once) -> Dispatcher:
    """The way of an update: the gate, then once, then its handler."""
    made = Dispatcher(disable_fsm=True)
    made.update.outer_middleware(gate)
    made.update.outer_middleware(once)
    made.include_router(handlers.router())
    return made


def _id_of(message: Message, update: Update) -> UUID:
    """An id that the same update always gives: delivered again, it asks for the same run."""
    return uuid7(milliseconds=int(message.date.timestamp() * 1000), seed=f"telegram/{update.update_id}")


def _request(request_id: UUID, message: Message, ask: Ask) -> Request:
    chat = Chat(chat_id=message.chat.id, message_id=message.message_id)
    return Request(id=request_id, person=f"telegram:{message.chat.id}", chat=chat, ask=ask)


def _press(button: Button, message_id: int) -> Request:
    """The request that a button stands for; its id comes from the button, so that two presses ask once."""
    ask: Ask = Cancel(run_id=button.run_id)
    if button.question != CANCEL:
        ask = Answer(run_id=button.run_id, question=button.question, choice=button.choice)
    return Request(
        id=uuid7(milliseconds=int(button.at * 1000), seed=f"telegram/button/{button.id}"),
        person=f"telegram:{button.user_id}",
        chat=Chat(chat_id=button.chat_id, message_id=message_id),
        ask=ask,
    )
