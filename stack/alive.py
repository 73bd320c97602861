"""Whether the lease of a task lives: a token opens nothing any more once the work that it was made for has ended."""

import http.client
import json
import logging
import threading
import time
from collections import OrderedDict
from urllib.parse import quote, urlsplit

from stack.errors import Refused, TryAgain
from stack.proof import prove
from stack.secret import Secret, newest
from stack.tokens import Claims

log = logging.getLogger(__name__)

ASK_SECONDS = 2.0  # so long an answer counts: the orchestrator is asked of a task at most so often
AWAY_SECONDS = 2.0  # so long nobody is kept waiting by an orchestrator that did not answer
TIMEOUT_SECONDS = 2.0
KEPT = 1024  # answers, of the tasks that asked last

Lease = tuple[str, int]  # of a task, and its attempt


class Alive:
    """Asks the orchestrator, for whoever verifies tokens: any number of threads, or greenlets, at once.

    Where it cannot be asked its last answer counts, and with none yet a token is good: a restart of the orchestrator
    must not end work that is paid for.
    """

    def __init__(self, url: str, token: Secret) -> None:
        self._url = urlsplit(url)
        self._token = token
        self._known: OrderedDict[Lease, tuple[float, bool]] = OrderedDict()  # until when, and what
        self._lock = threading.Lock()  # held for no longer than it takes to write something down
        self._away_until = 0.0
        self._is_away = False

    def check(self, claims: Claims) -> None:
        """Raises Refused where the task of these claims has ended, or another attempt has taken its place."""
        lease = (claims.task, claims.attempt)
        until, alive = self._known.get(lease, (0.0, True))
        if until <= time.monotonic():
            alive = self._asked(lease, last=alive)
        if not alive:
            raise Refused("the task of this token has ended")

    def _asked(self, lease: Lease, *, last: bool) -> bool:
        self._keep(lease, last)  # for those that ask meanwhile
        if self._away_until > time.monotonic():
            return last
        try:
            alive = self._answer(*lease)
        except (TryAgain, OSError, http.client.HTTPException) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            self._tell(error)
            return last
        self._tell(None)
        self._keep(lease, alive)
        return alive

    def _keep(self, lease: Lease, alive: bool) -> None:
        with self._lock:
            self._known[lease] = (time.monotonic() + ASK_SECONDS, alive)
            self._known.move_to_end(lease)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)

    def _answer(self, task: str, attempt: int) -> bool:
        """What the orchestrator says. Raises TryAgain where that is no answer, and OSError, HTTPException."""
        connection = http.client.HTTPConnection(self._url.netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.connect()
            prove(connection.sock, "orchestrator", self._token)
            path = f"{self._url.path.rstrip('/')}/tasks/{quote(task, safe='')}/alive?attempt={attempt}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {newest(self._token)}"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise TryAgain(f"it answers {answer.status}")
        try:
            alive = json.loads(body)["alive"]
        except (ValueError, KeyError, TypeError) as error:
            raise TryAgain("it answers something else") from error
        return bool(alive)

    def _tell(self, error: Exception | None) -> None:
        """Says once that the orchestrator is away, and once that it is back."""
        if error and not self._is_away:
            log.warning("the orchestrator does not say which tasks run, so their tokens stay good: %s", error)
        elif not error and self._is_away:
            log.warning("the orchestrator says again which tasks run")
        self._is_away = error is not None
