"""The bot with a Telegram, a broker and an orchestrator that are played."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter, TelegramServerError
from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendMessage, TelegramMethod
from aiogram.types import Message as Sent
from aiogram.types import Update

from bot.access import Gate, Once
from bot.buttons import Buttons
from bot.delivery import Delivery
from bot.handlers import Handlers, dispatcher
from bot.live import Live
from bot.memory import Memory, Run
from bot.telegram import Telegram
from stack.errors import TryAgain
from stack.ids import uuid7
from stack.messages import Chat, Message, Notification, Request

TOKEN = "123456:not-a-token"
ADA, BOB, STRANGER = 1001, 1002, 6666
GROUP = -500
SENT_AT = 1_750_000_000  # when every message was written, in seconds since the epoch


class PlayedTelegram(BaseSession):
    """Keeps what the bot calls, and answers with faults that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[TelegramMethod[Any]] = []
        self.faults: list[tuple[type[TelegramMethod[Any]], str, float]] = []
        self._ids = count(1000)

    def fail(self, method: type[TelegramMethod[Any]], how: str, *, seconds: float = 0, times: int = 1) -> None:
        """The next calls of `method` meet: busy, blocked, broken, unreadable, unmodified; died: it did happen."""
        self.faults += [(method, how, seconds)] * times

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        for fault in self.faults:
            if isinstance(method, fault[0]):
                self.faults.remove(fault)
                if fault[1] == "died":
                    self.calls.append(method)
                raise _error(method, *fault[1:])
        self.calls.append(method)
        return self._sent(bot, method) if isinstance(method, SendMessage) else True

    def _sent(self, bot: Bot, method: SendMessage) -> Any:
        fields = {"message_id": next(self._ids), "date": SENT_AT, "chat": {"id": method.chat_id, "type": "private"}}
        return Sent.model_validate({**fields, "text": method.text}, context={"bot": bot})

    async def close(self) -> None:
        pass

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        yield b""

    @property
    def sent(self) -> list[SendMessage]:
        return [call for call in self.calls if isinstance(call, SendMessage)]

    @property
    def edits(self) -> list[EditMessageText]:
        return [call for call in self.calls if isinstance(call, EditMessageText)]

    @property
    def alerts(self) -> list[str]:
        return [c.text or "" for c in self.calls if isinstance(c, AnswerCallbackQuery) and c.show_alert]


class Died(BaseException):
    """The process ends here."""


def _error(method: TelegramMethod[Any], how: str, seconds: float) -> BaseException:
    match how:
        case "busy":
            error = TelegramRetryAfter(method=method, message="Too Many Requests", retry_after=1)
            error.retry_after = seconds  # type: ignore[assignment] # tests do not wait for whole seconds
            return error
        case "blocked":
            return TelegramForbiddenError(method=method, message="Forbidden: bot was blocked by the user")
        case "broken":
            return TelegramServerError(method=method, message="Bad Gateway")
        case "unreadable":
            return TelegramBadRequest(method=method, message="Bad Request: can't parse entities: oh")
        case "unmodified":
            return TelegramBadRequest(method=method, message="Bad Request: message is not modified: oh")
        case "died":
            return Died()
    raise AssertionError(how)


class PlayedBroker:
    """Keeps what was published, unless it is away."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.away = False

    def publish(self, message: Message, *, timeout: float) -> None:
        if self.away:
            raise TryAgain("the message broker cannot be reached")
        assert isinstance(message, Request)
        self.requests.append(message)


class PlayedOrchestrator:
    """Has the runs that it was given."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.away = False

    def runs(self, *, person: str, limit: int = 10) -> list[dict[str, Any]]:
        if self.away:
            raise TryAgain("the orchestrator cannot be reached")
        self.asked.append(person)
        return self.rows


class World:
    """One process of the bot over a memory that outlives it. `write` and `press` are what people do."""

    def __init__(self, folder: Path, *, interval: float = 0.0) -> None:
        self.outside = PlayedTelegram()
        defaults = DefaultBotProperties(parse_mode="HTML", link_preview_is_disabled=True)
        self.bot = Bot(TOKEN, session=self.outside, default=defaults)
        self.broker = PlayedBroker()
        self.orchestrator = PlayedOrchestrator()
        self.memory = Memory(folder / "bot.sqlite")
        self.telegram = Telegram(self.bot)
        self.buttons = Buttons(self.memory)
        self.live = Live(telegram=self.telegram, memory=self.memory, buttons=self.buttons, interval=interval)
        parts = {"telegram": self.telegram, "memory": self.memory, "live": self.live, "buttons": self.buttons}
        self.delivery = Delivery(**parts)  # type: ignore[arg-type]
        self.handlers = Handlers(**parts, publisher=self.broker, orchestrator=self.orchestrator)  # type: ignore[arg-type]
        gate = Gate(frozenset({ADA, BOB}), self.telegram)
        self.dispatcher = dispatcher(self.handlers, gate=gate, once=Once(self.memory))
        self._updates = count(1)

    async def close(self) -> None:
        await self.live.stop()
        await self.telegram.stop()
        self.memory.close()

    async def settle(self) -> None:
        """Waits until all live messages show the latest."""
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("live")))

    async def turn(self) -> None:
        """Lets what runs in the background go on."""
        await asyncio.sleep(0.005)

    async def feed(self, **update: Any) -> None:
        content = {"update_id": next(self._updates), **update}
        await self.dispatcher.feed_update(self.bot, Update.model_validate(content, context={"bot": self.bot}))

    async def write(
        self, text: str, *, user: int = ADA, update_id: int | None = None, reply_to: int | None = None
    ) -> None:
        extra: dict[str, Any] = {"reply_to_message": written("…", message_id=reply_to)} if reply_to else {}
        number = {"update_id": update_id} if update_id else {}
        await self.feed(message=written(text, user=user, **extra), **number)

    async def press(self, data: str, *, user: int = ADA, chat: int | None = None, text: str = "Post it?") -> None:
        await self.feed(callback_query=pressed(data, user=user, chat=chat, text=text))

    def shown_keys(self) -> list[tuple[str, str]]:
        """(label, data) of the buttons of the last message or edit that had any."""
        for call in reversed(self.outside.calls):
            markup: Any = getattr(call, "reply_markup", None)
            if markup:
                return [(button.text, button.callback_data) for row in markup.inline_keyboard for button in row]
        return []

    def add_run(self, title: str = "Review of acme/shop#12", chat_id: int = ADA) -> UUID:
        run_id = uuid7()
        self.memory.add_run(Run(run_id, chat_id, 1, title))
        return run_id


def written(
    text: str, *, user: int = ADA, chat: int | None = None, message_id: int = 1, **extra: Any
) -> dict[str, Any]:
    """A message as Telegram delivers it: to the bot in private, or in a group."""
    person = {"id": user, "is_bot": False, "first_name": "Ann <b>"}
    place = {"id": chat or user, "type": "supergroup" if chat and chat < 0 else "private"}
    return {"message_id": message_id, "date": SENT_AT, "chat": place, "from": person, "text": text, **extra}


def pressed(data: str, *, user: int = ADA, chat: int | None = None, text: str = "Post it?") -> dict[str, Any]:
    """The press of a button as Telegram delivers it."""
    person = {"id": user, "is_bot": False, "first_name": "Ann <b>"}
    message = written(text, user=user, chat=chat, message_id=77)
    return {"id": "1", "from": person, "chat_instance": "1", "data": data, "message": message}


def notification(run_id: UUID, content: Any, *, chat_id: int = ADA) -> Notification:
    return Notification(run_id=run_id, chat=Chat(chat_id=chat_id, message_id=1), content=content)


def texts_of(calls: Iterable[SendMessage | EditMessageText]) -> list[str]:
    return [call.text or "" for call in calls]
