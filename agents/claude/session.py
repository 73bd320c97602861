"""One session of Claude Code, from its start to its report: it can be stopped, steered and answered while it works."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextvars import copy_context
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from agents.claude import endings, words
from agents.claude.endings import Ended
from agents.claude.exchange import Spent, message_to
from agents.claude.hooks import JobHooks, is_of_the_model
from agents.claude.life import Life
from agents.claude.options import ASK
from agents.role import Answer, Setup
from agents.sandbox.slot import Slot
from agents.sandbox.watch import Watch
from agents.sandbox.workspace import Workspace
from stack.assignment import GIVEN_BACK, Assignment, Stopped
from stack.messages import Signal

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, Message, ResultMessage

log = logging.getLogger(__name__)
T = TypeVar("T")

CLOSE_SECONDS = 5.0
LOOK_SECONDS = 2.0  # between looks at whether it still lives


class Session:
    """A session for one job, in a thread of its own. While it listens to Claude, it hears what comes for the task."""

    def __init__(
        self, setup: Setup, hooks: JobHooks, at: Assignment, *, slot: Slot, workspace: Workspace, silence_seconds: float
    ) -> None:
        self.spent = Spent()
        self.result: ResultMessage | None = None  # the last one, where it brought no answer
        self._setup = setup
        self._hooks = hooks
        self._at = at
        self._slot = slot
        self._workspace = workspace
        self._life = Life(silence_seconds)
        self._watch = Watch(slot, workspace.own)
        self._over: asyncio.Future[str]  # what it took too much of
        self._answer: Answer | None = None
        self._started_at: float | None = None
        self._coming: asyncio.Future[Any] | None = None
        self._client: ClaudeSDKClient | None = None
        self._untaken: set[str] = set()  # words of the person that no turn has taken in yet
        self._sending: set[asyncio.Future[None]] = set()
        self._question: asyncio.Future[str] | None = None
        self._begun = time.monotonic()
        self._had: Future[Answer] = Future()
        self._thread: threading.Thread | None = None

    def run(self, options: "ClaudeAgentOptions", prompt: str) -> Answer:
        """What Claude ended with, as soon as that is had: its processes end meanwhile, and `wait` waits for that.

        Raises Ended where it is nothing, Stopped where it was stopped; then all has ended.
        """
        context = copy_context()  # log records are about the same run
        self._thread = threading.Thread(target=context.run, args=(self._main, options, prompt), name="claude")
        self._thread.start()
        try:
            return self._had.result()
        finally:
            self.spent.seconds = time.monotonic() - self._begun

    def wait(self) -> None:
        """Returns once no process of it is left, unless one does not end."""
        if self._thread:
            self._thread.join()

    def _main(self, options: "ClaudeAgentOptions", prompt: str) -> None:
        try:
            self._have(asyncio.run(self._run(options, prompt)))
        except BaseException as error:
            if not self._had.done():  # what comes after the answer is of no interest any more
                stopped = isinstance(error, asyncio.CancelledError)
                self._had.set_exception(Stopped(self._at.stop.reason) if stopped else error)

    def _have(self, answer: Answer) -> None:
        """A person waits for the answer, and nobody for the end of the process."""
        if not self._had.done():
            self._had.set_result(answer)

    # --- from start to end ------------------------------------------------------------------------------

    async def _run(self, options: "ClaudeAgentOptions", prompt: str) -> Answer:
        """The session from start to end; afterwards no process of it is left, unless one does not end."""
        from claude_agent_sdk import ClaudeSDKClient

        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - we run inside one
        client = ClaudeSDKClient(options)
        self._at.stop.arm(lambda: loop.call_soon_threadsafe(task.cancel))
        self._over = asyncio.ensure_future(self._watch.over())
        try:
            async with asyncio.timeout(self._at.claim.seconds):
                return await self._converse(client, prompt)
        except TimeoutError:
            return await self._answer_or(endings.out_of_time(self._at.claim.seconds))
        except Ended as ended:
            return await self._answer_or(ended.ending)
        except asyncio.CancelledError:
            if self._answer is None or self._at.stop.reason != GIVEN_BACK:
                raise
            return self._answer  # whoever took the task over would pay for it again
        finally:
            self._at.stop.arm(None)
            self._over.cancel()
            ending = asyncio.ensure_future(self._end(client))
            while not ending.done():
                with contextlib.suppress(asyncio.CancelledError):  # a second word to stop changes nothing
                    await asyncio.shield(ending)

    async def _answer_or(self, ending: endings.Ending) -> Answer:
        """The answer that was had, whatever came after it."""
        if self._answer is None:
            # whoever takes too much may die of it before anybody has looked
            complaint = await asyncio.to_thread(self._watch.complaint) if ending.name in ("died", "failed") else ""
            raise Ended(endings.over_limit(complaint) if complaint else ending)
        log.warning("after its answer: %s", ending.words)
        return self._answer

    async def _converse(self, client: "ClaudeSDKClient", prompt: str) -> Answer:
        """Hears messages until the result, and meanwhile what comes for the task."""
        self._coming = asyncio.ensure_future(client.connect())
        await self._patiently(self._coming)
        self._client = client
        await self._patiently(asyncio.ensure_future(client.query(message_to(prompt, str(uuid4())))))
        loop = asyncio.get_running_loop()
        self._at.hear = lambda signal: loop.call_soon_threadsafe(self._take, signal)
        try:
            answer = await self._listen(client)
        finally:
            self._at.hear = None  # before anybody has the answer: whoever does says who hears from then on
        self._have(answer)
        return answer

    async def _listen(self, client: "ClaudeSDKClient") -> Answer:
        """Hears messages until the result, which is the end even where the process lingers."""
        from claude_agent_sdk import ResultMessage

        messages = client.receive_messages()
        while True:
            message = await self._next(messages)
            self._life.heard(message)
            self._hooks.heard(message)
            self._hear(message)
            self._tell()
            if isinstance(message, ResultMessage) and (answer := self._concluded(message)):
                return answer

    async def _next(self, messages: AsyncIterator["Message"]) -> "Message":
        # never cancelled: the SDK would first give its process five seconds to end by itself
        self._coming = coming = asyncio.ensure_future(anext(messages))
        return await self._patiently(coming)

    async def _patiently(self, coming: "asyncio.Future[T]") -> T:
        """What comes. Raises Ended where it is silent for too long, its process is gone, or the SDK gives it up."""
        while not coming.done():
            left = self._life.left()
            if left <= 0:
                raise Ended(self._life.end())
            both: set[asyncio.Future[Any]] = {coming, self._over}
            await asyncio.wait(both, timeout=min(left, LOOK_SECONDS), return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                raise Ended(endings.over_limit(self._over.result()))
            if not coming.done():
                await self._look(coming)
        try:
            return coming.result()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            raise Ended(endings.of_error(error, self._hooks.last_words)) from error

    async def _look(self, coming: "asyncio.Future[T]") -> None:
        """Raises Ended where the process is gone."""
        self._tell()
        is_young = self._started_at is None or time.monotonic() - self._started_at < LOOK_SECONDS
        if is_young or await asyncio.to_thread(self._slot.is_busy):
            return
        await asyncio.wait({coming}, timeout=1)  # it may have spoken last words
        if not coming.done():
            raise Ended(endings.DIED.with_words(self._hooks.last_words))

    async def _end(self, client: "ClaudeSDKClient") -> None:
        """Ends its processes, then the SDK's side. What goes wrong here takes nobody's report away."""
        try:
            # what has its answer need not write down any more; whoever waits for it has waited long enough
            await asyncio.to_thread(self._slot.end_processes, gently=self._answer is None)
        except Exception:
            log.exception("the processes of %s could not be ended", self._slot.name)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._coming is not None:
                    if not (await asyncio.wait({self._coming}, timeout=1))[0]:
                        self._coming.cancel()
                        await asyncio.wait({self._coming})
                    if not self._coming.cancelled():
                        self._coming.exception()  # it has been told already, or is of no interest any more
                await client.disconnect()

    # --- what it says -----------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Tells what goes on, and when the process was started: the wrapper touched a file at that moment."""
        if self._started_at is None and self._workspace.started.exists():
            self._started_at = time.monotonic()
            self._at.hop("claude.started", datetime.fromtimestamp(self._workspace.started.stat().st_mtime, UTC))
        if news := self._life.news():
            self._at.say(news, passing=True)

    def _hear(self, message: "Message") -> None:
        from claude_agent_sdk import TextBlock, ToolUseBlock

        if not is_of_the_model(message):
            return
        self.spent.model = message.model
        for block in message.content:
            if isinstance(block, ToolUseBlock) and block.name != ASK:
                self._at.say(words.tool_use(block.name, block.input, self._workspace.work))
                self._life.told()
            elif isinstance(block, TextBlock):
                log.info("claude: %s", block.text[:2000])

    def _concluded(self, message: "ResultMessage") -> Answer | None:
        """The answer, unless a word of the person came too late for this turn: that has a turn of its own.

        Raises Ended where there is no answer. Of two reports the last one counts.
        """
        self.spent.turns += message.num_turns
        self._untaken -= set(message.user_message_uuids or ())
        answer = self._answer_in(message)
        self._answer = answer or self._answer
        if self._untaken and not message.is_error:
            return None
        self._at.hop("claude.ended")
        if self._answer is None:
            self.result = message
            raise Ended(endings.of_result(message, ""))
        return self._answer

    def _answer_in(self, message: "ResultMessage") -> Answer | None:
        if message.is_error:
            return None
        if self._setup.schema is None:
            return Answer(text=message.result) if message.result else None
        return Answer(message.structured_output) if isinstance(message.structured_output, dict) else None

    # --- what it is told --------------------------------------------------------------------------------

    async def _send(self, text: str) -> None:
        """Tells it a word of the person. During a turn it joins that turn; at its very end it gets one of its own."""
        assert self._client is not None  # noqa: S101 - it is connected
        identity = str(uuid4())
        self._untaken.add(identity)
        try:
            await self._client.query(message_to(text, identity))
        except Exception as error:  # whoever listens for its messages learns more
            self._untaken.discard(identity)
            log.warning("Claude could not be told: %s", error)

    def _take(self, signal: Signal) -> None:
        if self._question and not self._question.done():
            self._question.set_result(signal.text)  # what the person says while Claude waits for them is the answer
        elif signal.verb == "steer":
            self._at.say(f"Told Claude: {endings.short(signal.text)}")
            sending = asyncio.ensure_future(self._send(signal.text))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)
        else:
            log.info("a signal came that nobody waits for: %s", signal.verb)

    async def may_use(self, tool: str, asked: dict[str, Any], _context: Any) -> Any:
        """Puts Claude's questions to the person; all else that no rule allows is refused."""
        from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny

        if tool != ASK:
            return PermissionResultDeny(message="This is not allowed here.")
        answers: dict[str, str] = {}
        for question in asked.get("questions") or ():
            self._question = asyncio.get_running_loop().create_future()
            self._life.asks(True)
            self._at.say(words.question(question))
            answers[str(question.get("question"))] = await self._question
        self._life.asks(False)
        return PermissionResultAllow(updated_input={**asked, "answers": answers})
