"""How often a person may ask: over the limit they are told once, and not heard until a pause is over."""

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update

from bot import texts
from bot.access import Handler
from bot.telegram import Telegram

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """So many requests in a period; over it, a pause of at least so long. Both in seconds."""

    most: int
    seconds: float
    period: str
    pause: float


LIMITS = (Limit(30, 60, "a minute", 60), Limit(500, 3600, "an hour", 600))
LONGEST_SECONDS = max(limit.seconds for limit in LIMITS)


@dataclass
class _Record:
    """When a person's requests of the last hour were let pass, and until when they are not heard."""

    passed: deque[float] = field(default_factory=deque)
    silent_until: float = 0


class Pace(BaseMiddleware):
    """Counts what each person writes and presses, and lets it pass within the limits.

    Counts are kept in memory: a restart forgets them, which gives a person at most one more helping of each limit.
    """

    def __init__(self, telegram: Telegram, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._telegram = telegram
        self._clock = clock
        self._records: dict[int, _Record] = defaultdict(_Record)

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)  # noqa: S101 - registered for updates
        made_by = event.message or event.callback_query
        if made_by is None or made_by.from_user is None:
            return await handler(event, data)  # an edit, which asks for nothing
        user_id = made_by.from_user.id
        record, now = self._records[user_id], self._clock()
        if now < record.silent_until:
            return None
        if broken := _broken(record.passed, now):
            limit, pause = broken
            log.warning("%s asks more than %s times in %s", user_id, limit.most, limit.period)
            record.silent_until = now + pause
            await self._telegram.say(user_id, texts.too_many(limit.most, limit.period, pause))
            return None
        record.passed.append(now)
        return await handler(event, data)


def _broken(passed: deque[float], now: float) -> tuple[Limit, float] | None:
    """The limit that one more request would break, and the seconds until there is room for one again."""
    while passed and now - passed[0] >= LONGEST_SECONDS:
        passed.popleft()
    for limit in reversed(LIMITS):
        if len(passed) >= limit.most and now - passed[-limit.most] < limit.seconds:
            return limit, max(limit.pause, limit.seconds - (now - passed[-limit.most]))
    return None
