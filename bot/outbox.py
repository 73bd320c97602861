"""Requests on their way to the orchestrator: those that are stored, published until the broker has confirmed."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from bot.memory.deliveries import OutboxTable
from stack.errors import GiveUp, TryAgain
from stack.messages import Message, Request

log = logging.getLogger(__name__)

CONFIRM_SECONDS = 4.0  # a person hears within five that the broker is away
RETRY_SECONDS = 2.0


class Publisher(Protocol):
    """What the bot needs of a publisher."""

    def publish(self, message: Message, *, timeout: float) -> None:
        """Sends a message and waits until it is safe. Raises TryAgain or GiveUp."""


class Outbox:
    """Publishes requests in the order in which they were made; what is not confirmed is tried again, after a restart
    too. A request may arrive twice: its id makes it one. Used from the event loop's thread alone."""

    def __init__(
        self,
        *,
        table: OutboxTable,
        publisher: Publisher,
        confirmed: Callable[[UUID], None],
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._table = table
        self._publisher = publisher
        self._confirmed = confirmed
        self._retry_seconds = retry_seconds
        self._waiting: dict[UUID, asyncio.Future[bool]] = {}
        self._more = asyncio.Event()
        self._behind = False  # the last attempt failed: what is new will not be confirmed at once either
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to publish, with what was left from before."""
        self._more.set()
        self._task = asyncio.create_task(self._run(), name="outbox")

    async def stop(self) -> None:
        """Leaves what is not confirmed to the next process."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, request: Request) -> bool:
        """Publishes a request that is stored. False where the broker has not confirmed it in a few seconds."""
        self._more.set()
        if self._behind:
            return False
        done = self._waiting.setdefault(request.id, asyncio.get_running_loop().create_future())
        try:
            return await asyncio.wait_for(asyncio.shield(done), CONFIRM_SECONDS)
        except TimeoutError:
            return False

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            try:
                for request in self._table.all():
                    await self._publish(request)
                self._behind = False
            except Exception as error:
                if not isinstance(error, TryAgain):
                    log.exception("the outbox")
                elif not self._behind:
                    log.warning("requests wait in the outbox: %s", error)
                self._behind = True
                self._tell_waiting()
                await asyncio.sleep(self._retry_seconds)
                self._more.set()

    async def _publish(self, request: Request) -> None:
        try:
            await asyncio.to_thread(self._publisher.publish, request, timeout=CONFIRM_SECONDS)
        except GiveUp as error:  # a right or a queue is missing: somebody must set it up, and then it goes out
            raise TryAgain(str(error)) from error
        self._table.remove(request.id)
        if done := self._waiting.pop(request.id, None):
            done.set_result(True)
        self._confirmed(request.id)

    def _tell_waiting(self) -> None:
        """Nothing that waits is confirmed soon."""
        for done in self._waiting.values():
            done.set_result(False)
        self._waiting.clear()
