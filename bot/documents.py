"""Files between people and the orchestrator. Each is in memory while it passes: callers carry one at a time."""

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from bot import texts
from bot.markup import megabytes, seen
from bot.telegram import LARGEST_RECEIVED, LARGEST_SENT, Telegram
from stack.errors import GiveUp, TryAgain
from stack.messages import Attachment

TAKE_SECONDS = 60.0  # everybody else's updates wait for as long
LONGEST_NAME = 100  # characters


@dataclass(frozen=True)
class Document:
    """A file that came with a message: Telegram's id, its name, and its size in bytes, as Telegram tells it."""

    file_id: str
    name: str
    size: int


class Files(Protocol):
    """Where the orchestrator keeps what goes with messages."""

    def keep(self, name: str, content: bytes) -> Attachment:
        """Leaves a file there. Raises TryAgain or GiveUp."""

    def file(self, attachment_id: str) -> bytes:
        """The bytes of a file. Raises GiveUp where it is gone, or TryAgain."""


class Documents:
    """Takes people's documents to the orchestrator, and brings its files to people."""

    def __init__(self, *, telegram: Telegram, files: Files) -> None:
        self._telegram = telegram
        self._files = files

    async def take(self, document: Document | None) -> tuple[Attachment, ...]:
        """Leaves what came with a message at the orchestrator, to go with a request. Raises GiveUp or TryAgain."""
        if document is None:
            return ()
        if document.size > LARGEST_RECEIVED:
            raise GiveUp(
                f"“{document.name}” has {megabytes(document.size)}, and Telegram lets me read files of up to "
                f"{megabytes(LARGEST_RECEIVED)}. Please send a smaller one."
            )
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                content = await self._telegram.fetch_file(document.file_id)
                return (await asyncio.to_thread(self._files.keep, _tidy(document.name), content),)
        except TimeoutError:
            raise TryAgain(f"“{document.name}” did not come within {TAKE_SECONDS:.0f} s") from None

    async def bring(self, chat_id: int, file: Attachment, *, reply_to: int | None) -> int:
        """Sends a file as a document, or a word on why it cannot be. Returns the message's id; raises as `send`."""
        if file.size > LARGEST_SENT:
            return await self._telegram.send(chat_id, texts.too_large(file, LARGEST_SENT), reply_to=reply_to)
        try:
            content = await asyncio.to_thread(self._files.file, file.id)
            return await self._telegram.send_file(chat_id, _tidy(file.name), content, reply_to=reply_to)
        except GiveUp as error:
            return await self.apologise(chat_id, file, str(error), reply_to=reply_to)

    async def apologise(self, chat_id: int, file: Attachment, reason: str, *, reply_to: int | None) -> int:
        """Says that a file could not be sent. Returns the message's id; raises as `send`."""
        return await self._telegram.send(chat_id, texts.not_sent(file, reason), reply_to=reply_to)


def _tidy(name: str) -> str:
    """A name without folders, and without what is not seen; the end of a long one stays."""
    short = seen(re.split(r"[/\\]", name)[-1], 1000).strip(" .")
    return short[-LONGEST_NAME:] or "file"
