"""The live message of each run: sent once, then edited as the run goes on, and closed when it has ended."""

import asyncio
import logging
import time
from dataclasses import replace
from uuid import UUID

from bot import texts
from bot.buttons import CANCEL, RETRY, Buttons
from bot.memory import Memory
from bot.memory.runs import Run
from bot.telegram import Busy, Telegram
from stack.errors import GiveUp, TryAgain
from stack.logs import about
from stack.messages import AnyMessage, Ending, Progress
from stack.work.kinds import ORCHESTRATOR

log = logging.getLogger(__name__)

EDIT_EVERY_SECONDS = 2.0
STEPS_KEPT = 100


class Page:
    """One run's message. `stale`: it does not show the latest; `closed`: it must not be touched any more."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.stale = False
        self.closed = False
        self.lock = asyncio.Lock()
        self.task: asyncio.Task[None] | None = None


class Live:
    """Keeps the messages of running runs up to date. Used from the event loop's thread alone."""

    def __init__(
        self, *, telegram: Telegram, memory: Memory, buttons: Buttons, interval: float = EDIT_EVERY_SECONDS
    ) -> None:
        self._telegram = telegram
        self._memory = memory
        self._buttons = buttons
        self._interval = interval
        self._pages: dict[UUID, Page] = {}

    def start(self) -> None:
        """Shows what the process before may have begun without showing it."""
        for run in self._memory.runs.untold():
            self.show(run.run_id)

    def show(self, run_id: UUID) -> None:
        """Brings a run's message up to date soon: at once where the last edit is long enough ago."""
        page = self._page(run_id)
        if page is None:
            return
        page.stale = True
        if page.task is None or page.task.done():
            page.task = asyncio.create_task(self._keep(page), name=f"live {run_id}")

    def hear(self, message: AnyMessage) -> None:
        """Takes in what a run says of itself."""
        if isinstance(message, Progress) and message.kind == "step":
            if message.data.get("again") is True and message.source == ORCHESTRATOR:
                self.reopen(message.run_id)
            self.add_step(message.run_id, message.text, passing=message.data.get("passing") is True)

    def add_step(self, run_id: UUID, text: str, *, passing: bool = False) -> None:
        """Shows `text` as what a run is doing now; what is `passing` is replaced by whatever comes next."""
        page = self._page(run_id)
        if page is None:
            return
        before = page.run
        if passing:
            page.run = replace(before, passing=text)
        elif before.steps[-1:] == (text,):
            page.run = replace(before, passing="")
        else:
            page.run = replace(before, passing="", steps=(*before.steps, text)[-STEPS_KEPT:])
        if page.run != before:
            self.show(run_id)

    def reopen(self, run_id: UUID) -> None:
        """Shows a run again that has ended and goes on: nothing is done yet, and it can be cancelled anew."""
        run = self._memory.runs.find(run_id)
        self._memory.buttons.use(run_id, question=RETRY)
        if run and run.ended:
            self._memory.buttons.forget(run_id, CANCEL)
            self._memory.runs.save(replace(run, ended=False, steps=(), passing="", at=time.time()))

    async def end(self, run_id: UUID, ending: Ending) -> None:
        """Gives a run's message its last form, and its buttons no effect, but that to try again. Raises TryAgain."""
        self._memory.settle(run_id, but=RETRY)
        page = self._page(run_id)
        if page is None:
            return
        page.closed = True
        async with page.lock:
            await self._close(page.run, texts.ended(page.run.title, ending))
        self._memory.runs.save(replace(page.run, ended=True))
        self._pages.pop(run_id, None)

    async def stop(self) -> None:
        """Leaves all messages as they are; the next process goes on with them."""
        tasks = [page.task for page in self._pages.values() if page.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _page(self, run_id: UUID) -> Page | None:
        """The page of a run that was asked for here and has not ended."""
        if run_id not in self._pages:
            run = self._memory.runs.find(run_id)
            if run is None or run.ended:
                return None
            self._pages[run_id] = Page(run)
        return self._pages[run_id]

    async def _keep(self, page: Page) -> None:
        with about(page.run.run_id):
            while page.stale and not page.closed:
                page.stale = False
                await asyncio.sleep(await self._try_to_write(page))

    async def _try_to_write(self, page: Page) -> float:
        """Writes the message; returns how long to leave it alone then, in seconds."""
        try:
            async with page.lock:
                if not page.closed:
                    await self._write(page)
        except TryAgain as error:
            log.info("progress waits: %s", error)
            page.stale = True
            return error.seconds if isinstance(error, Busy) else self._interval
        except GiveUp as error:
            log.warning("progress could not be shown: %s", error)
        return self._interval

    async def _write(self, page: Page) -> None:
        run = page.run
        stored = self._memory.outbox.holds(run.run_id)
        seconds = time.time() - run.at
        html = texts.progress(run.title, run.steps, seconds, run.run_id, passing=run.passing, stored=stored)
        keys = self._buttons.to_cancel(run.run_id, run.chat_id)
        if run.message_id is None:
            sent = await self._telegram.send(run.chat_id, html, reply_to=run.command_message_id, keys=keys)
            page.run = replace(page.run, message_id=sent)
        else:
            await self._telegram.edit(run.chat_id, run.message_id, html, keys=keys)
        self._memory.runs.save(page.run)

    async def _close(self, run: Run, html: str) -> None:
        if run.message_id is None:
            return
        try:
            await self._telegram.edit(run.chat_id, run.message_id, html)
        except GiveUp as error:
            log.warning("progress could not be closed: %s", error)
