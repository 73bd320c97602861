"""A not-telegram of its own for a test: the real program, over HTTP, with the real aiogram client on one side."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any

import requests
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from sim.not_telegram.person import Person

TOKEN = "123456:not-a-token"
READY = "not-telegram is ready at "
user_ids = count(1001)


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """Its address; it ends by SIGTERM, and must end well."""
    command = [sys.executable, "-m", "sim.not_telegram", "--port", "0", "--token", TOKEN, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip().removeprefix(READY)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


def somebody_new(url: str) -> Person:
    """In a chat that has begun, with nothing left over from other tests."""
    ada = Person(url, next(user_ids))
    requests.delete(f"{url}/_sim/faults", timeout=5)
    ada.say("hello")
    call(url, "getUpdates", allowed_updates=[])
    call(url, "deleteWebhook", drop_pending_updates=True)
    return ada


def call(url: str, method: str, token: str = TOKEN, **parameters: Any) -> requests.Response:
    """The answer to a call of the Bot API."""
    return requests.post(f"{url}/bot{token}/{method}", json=parameters, timeout=10)


def updates(url: str) -> list[dict[str, Any]]:
    """What the bot has not confirmed yet."""
    found: list[dict[str, Any]] = call(url, "getUpdates").json()["result"]
    return found


def control(url: str, what: str, **body: Any) -> Any:
    """Orders something of the simulator. Raises `requests.HTTPError` where it refuses."""
    reply = requests.post(f"{url}/_sim/{what}", json=body, timeout=10)
    reply.raise_for_status()
    return reply.json()


@asynccontextmanager
async def connected(url: str, token: str = TOKEN) -> AsyncIterator[Bot]:
    async with Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(url))) as bot:
        yield bot


def with_bot(url: str, use: Callable[[Bot], Awaitable[Any]]) -> Any:
    """What `use` makes of aiogram's client."""

    async def run() -> Any:
        async with connected(url) as bot:
            return await use(bot)

    return asyncio.run(run())
