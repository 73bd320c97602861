"""What the task has left of its money: the proxy's ledger is asked while Claude works, and the model told in time."""

import asyncio
import logging
import time
from collections.abc import Callable

import requests

log = logging.getLogger(__name__)

NEARLY = 0.85  # of the budget
ASK_SECONDS = 2.0  # between two questions to the proxy
ANSWER_SECONDS = 2.0  # a tool waits for it
WORD = (
    "{share:.0%} of the money for this task is spent; soon no further call of the model will be possible. "
    "Do not read or look anything up any more: hand in your report now, with what you have."
)


class Budget:
    """The money of one task. `base_url` and `token` are those of its model calls."""

    def __init__(self, base_url: str, token: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = f"{base_url.rstrip('/')}/task"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._clock = clock
        self._next = 0.0  # on the clock
        self._said = False

    async def word(self) -> str:
        """What the model must be told, once; empty where there is nothing, or it is not time to ask again."""
        if self._said or self._clock() < self._next:
            return ""
        self._next = self._clock() + ASK_SECONDS
        share = await asyncio.to_thread(self._share)
        if self._said or share < NEARLY:
            return ""
        self._said = True
        return WORD.format(share=min(share, 1))

    def _share(self) -> float:
        """How much of the budget is spent, from 0 to 1 and a bit; 0 where that is not known."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(self._url, headers=self._headers, timeout=ANSWER_SECONDS)
                if not answer.ok:
                    return 0  # who serves the model keeps no ledger
                said = answer.json()
                return float(said["spent_usd"]) / float(said["budget_usd"])
            except (requests.RequestException, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
                log.info("what the task has spent is not known: %s", error)
                return 0
