"""What the bot talks to, played: Telegram, the broker, the orchestrator."""

import hashlib
from collections.abc import AsyncGenerator, Callable
from itertools import count
from typing import Any

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import (
    AnswerCallbackQuery,
    EditMessageText,
    GetFile,
    SendDocument,
    SendMessage,
    TelegramMethod,
)
from aiogram.types import File
from aiogram.types import Message as Sent

from stack.api import RunSummary
from stack.errors import GiveUp, TryAgain
from stack.messages import Attachment, Message, Request
from stack.work.kinds import Ask

SENT_AT = 1_750_000_000  # when every message was written, in seconds since the epoch


class PlayedTelegram(BaseSession):
    """Keeps what the bot calls, and answers with faults that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[TelegramMethod[Any]] = []
        self.faults: list[tuple[type[TelegramMethod[Any]], str, float]] = []
        self.uploads: dict[str, bytes] = {}  # what people sent, by file id
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
        if isinstance(method, GetFile):
            return File(file_id=method.file_id, file_unique_id="u", file_path=f"documents/{method.file_id}")
        return self._sent(bot, method) if isinstance(method, SendMessage | SendDocument) else True

    def _sent(self, bot: Bot, method: SendMessage | SendDocument) -> Any:
        fields = {"message_id": next(self._ids), "date": SENT_AT, "chat": {"id": method.chat_id, "type": "private"}}
        return Sent.model_validate({**fields, "text": getattr(method, "text", None)}, context={"bot": bot})

    async def close(self) -> None:
        pass

    async def stream_content(self, url: str, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        content = self.uploads.get(url.rpartition("/")[2])
        if content is None:
            raise ConnectionError(f"nothing at {url}")
        for begin in range(0, len(content), 1 << 20):
            yield content[begin : begin + (1 << 20)]

    @property
    def sent(self) -> list[SendMessage]:
        return [call for call in self.calls if isinstance(call, SendMessage)]

    @property
    def documents(self) -> list[SendDocument]:
        return [call for call in self.calls if isinstance(call, SendDocument)]

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
        case "large":
            return TelegramEntityTooLarge(method=method, message="Request Entity Too Large")
        case "died":
            return Died()
    raise AssertionError(how)


class PlayedBroker:
    """Keeps what was published, unless it is away; `slow` takes a message and confirms nothing."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.away = False
        self.slow = False
        self.refusing = ""
        self.before: Callable[[], object] = lambda: None  # called in the thread that publishes

    def publish(self, message: Message, *, timeout: float) -> None:
        self.before()
        if self.refusing:
            raise GiveUp(self.refusing)
        if self.away:
            raise TryAgain("the message broker cannot be reached")
        assert isinstance(message, Request)
        self.requests.append(message)
        if self.slow:
            raise TryAgain("the message broker did not confirm in time")

    @property
    def asks(self) -> list[Ask]:
        return [request.ask for request in self.requests]


class PlayedOrchestrator:
    """Has the runs and the files that it was given."""

    def __init__(self) -> None:
        self.rows: list[RunSummary] = []
        self.asked: list[str] = []
        self.files: dict[str, bytes] = {}
        self.kept: list[Attachment] = []
        self.away = False
        self.before_file: Callable[[], object] = lambda: None  # called in the thread that fetches one

    def runs(self, *, person: str = "", limit: int = 10) -> list[RunSummary]:
        self._answer()
        self.asked.append(person)
        return [row for row in self.rows if person in ("", row.person)][:limit]

    def keep(self, name: str, content: bytes) -> Attachment:
        self._answer()
        self.kept.append(self.add_file(name, content))
        return self.kept[-1]

    def file(self, attachment_id: str) -> bytes:
        self._answer()
        self.before_file()
        if attachment_id not in self.files:
            raise GiveUp("there is no such file")
        return self.files[attachment_id]

    def add_file(self, name: str, content: bytes) -> Attachment:
        """A file that lies there, to go with a message."""
        digest = hashlib.sha256(content).hexdigest()
        self.files[digest] = content
        return Attachment(id=digest, name=name, size=len(content))

    def _answer(self) -> None:
        if self.away:
            raise TryAgain("the orchestrator cannot be reached")
