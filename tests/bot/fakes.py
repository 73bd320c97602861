"""The bot in a played world, and what people do there."""

import asyncio
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.methods import (
    EditMessageText,
    SendMessage,
)
from aiogram.types import Update

from bot import commands
from bot.access import Gate, Once
from bot.buttons import Buttons
from bot.delivery import Delivery
from bot.desk import Desk
from bot.documents import Documents
from bot.limits import Pace
from bot.live import Live
from bot.memory import Memory
from bot.memory.runs import Run
from bot.outbox import Outbox
from bot.people import People
from bot.polling import Pulse
from bot.telegram import Telegram
from bot.updates import Updates, dispatcher
from stack.api import RunSummary
from stack.ids import uuid7
from stack.messages import Chat, Notification
from stack.values import now
from tests.bot.played import SENT_AT, PlayedBroker, PlayedOrchestrator, PlayedTelegram

TOKEN = "123456:not-a-token"
ADA, BOB, EVE, STRANGER = 1001, 1002, 1009, 6666  # Ada and Bob are allowed, Eve is an admin
GITHUB = "https://github.com"
ID_KEY = "not-a-key-of-the-bot"
GROUP = -500
UPDATE_IDS = count(1)  # of Telegram, which outlives a process of the bot


class World:
    """One process of the bot over a memory that outlives it. `write` and `press` are what people do."""

    def __init__(
        self,
        folder: Path,
        *,
        interval: float = 0.0,
        admins: frozenset[int] = frozenset({EVE}),
        id_key: str = ID_KEY,
    ) -> None:
        self.outside = PlayedTelegram()
        defaults = DefaultBotProperties(parse_mode="HTML", link_preview_is_disabled=True)
        self.bot = Bot(TOKEN, session=self.outside, default=defaults)
        self.broker = PlayedBroker()
        self.orchestrator = PlayedOrchestrator()
        self.memory = Memory(folder / "bot.sqlite")
        self.telegram = Telegram(self.bot)
        self.buttons = Buttons(self.memory.buttons)
        self.people = People(allowed=frozenset({ADA, BOB}), admins=admins, table=self.memory.people)
        self.live = Live(telegram=self.telegram, memory=self.memory, buttons=self.buttons, interval=interval)
        self.documents = Documents(telegram=self.telegram, files=self.orchestrator)
        self.outbox = Outbox(
            table=self.memory.outbox, publisher=self.broker, confirmed=self.live.show, retry_seconds=0.02
        )
        self.desk = Desk(
            telegram=self.telegram, memory=self.memory, people=self.people, live=self.live, buttons=self.buttons,
            outbox=self.outbox, documents=self.documents, runs=self.orchestrator, commands=commands.found(),
            github=GITHUB, id_key=id_key,
        )  # fmt: skip
        self.delivery = Delivery(
            telegram=self.telegram, memory=self.memory, people=self.people, live=self.live, buttons=self.buttons,
            documents=self.documents,
        )  # fmt: skip
        self.now = 0.0  # the clock of the limits and of the pulse
        self.pulse = Pulse(clock=lambda: self.now)
        self.dispatcher = dispatcher(
            Updates(self.desk),
            beat=self.pulse.beat,
            gate=Gate(self.people, self.telegram),
            once=Once(self.memory.updates),
            pace=Pace(self.telegram, clock=lambda: self.now),
        )
        self.outbox.start()

    async def close(self) -> None:
        await self.outbox.stop()
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
        content = {"update_id": next(UPDATE_IDS), **update}
        await self.dispatcher.feed_update(self.bot, Update.model_validate(content, context={"bot": self.bot}))

    async def write(
        self, text: str, *, user: int = ADA, update_id: int | None = None, reply_to: int | None = None
    ) -> None:
        extra: dict[str, Any] = {"reply_to_message": written("…", message_id=reply_to)} if reply_to else {}
        number = {"update_id": update_id} if update_id else {}
        await self.feed(message=written(text, user=user, **extra), **number)

    async def edit(self, text: str, *, user: int = ADA, message_id: int = 1) -> None:
        await self.feed(edited_message=written(text, user=user, message_id=message_id, edit_date=SENT_AT + 5))

    async def press(
        self,
        data: str,
        *,
        user: int = ADA,
        update_id: int | None = None,
        chat: int | None = None,
        reply_to: int | None = None,
    ) -> None:
        query = pressed(data, user=user, chat=chat)
        if reply_to is not None:
            query["message"]["reply_to_message"] = written("…", message_id=reply_to)
        number = {"update_id": update_id} if update_id else {}
        await self.feed(callback_query=query, **number)

    def shown_keys(self) -> list[tuple[str, str]]:
        """(label, data) of the buttons of the last message or edit that had any."""
        for call in reversed(self.outside.calls):
            markup: Any = getattr(call, "reply_markup", None)
            if markup:
                return [(button.text, button.callback_data) for row in markup.inline_keyboard for button in row]
        return []

    def add_run(self, title: str = "Review of acme/shop#12", chat_id: int = ADA) -> UUID:
        run_id = uuid7()
        self.memory.runs.add(Run(run_id, chat_id, 1, title))
        return run_id

    async def attach(
        self,
        caption: str = "",
        *,
        content: bytes = b"a,b\n",
        user: int = ADA,
        reply_to: int | None = None,
        album: str = "",
        **more: Any,
    ) -> None:
        """A person sends a document, perhaps with a caption; `more` is what Telegram tells of it otherwise."""
        self.outside.uploads["file-1"] = content
        document = {"file_id": "file-1", "file_unique_id": "u", "file_name": "todo.csv", "file_size": len(content)}
        extra = {
            "reply_to_message": reply_to and written("…", message_id=reply_to),
            "media_group_id": album,
            "caption": caption,
        }
        given = {name: value for name, value in extra.items() if value}
        await self.feed_message(user=user, document=document | more, **given)

    async def feed_message(self, *, user: int = ADA, **content: Any) -> None:
        """A message that is no text."""
        message = written("", user=user, **content)
        del message["text"]
        await self.feed(message=message)


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


def notification(run_id: UUID, content: Any, *, chat_id: int = ADA, **more: Any) -> Notification:
    """To a person, as a reply to what they wrote unless `more` says otherwise."""
    to = {"person": f"telegram:{chat_id}", "chat": Chat(chat_id=chat_id, message_id=1)}
    return Notification(**{"run_id": run_id, "content": content, **to, **more})


def summary(run_id: UUID | None = None, *, person: int = ADA, **more: Any) -> RunSummary:
    """A run as the orchestrator tells of it."""
    usual = {"title": "Review of acme/shop#12", "workflow": "review", "state": "running", "seconds": 65}
    return RunSummary(**{"id": run_id or uuid7(), "person": f"telegram:{person}", "started": now(), **usual, **more})


def texts_of(calls: Iterable[SendMessage | EditMessageText]) -> list[str]:
    return [call.text or "" for call in calls]
