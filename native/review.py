"""One review as a person asks for it: written in the chat, watched, its ending and its receipts read."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests

from native.stack import GITHUB_TOKEN, PERSON, Stack
from sim.not_telegram.person import Person
from stack.api import OrchestratorApi
from stack.errors import GiveUp
from stack.messages import ENDED

# The first character of a final message, by the state that it tells.
ICONS = {"verified": "✅", "unproven": "⚠️", "failed": "❌", "cancelled": "⏹"}


@dataclass(frozen=True)
class Reviewed:
    """How a review went: the run as the orchestrator shows it, the final message, and when (seconds, epoch)."""

    run: dict[str, Any]
    final: dict[str, Any]
    sent: float
    received: float


class Desk:
    """A person at a chat with the bot of a stack whose outside world is simulated."""

    def __init__(self, stack: Stack, user_id: int = PERSON) -> None:
        self.stack = stack
        self.person = Person(stack.ports.url("not_telegram"), user_id)
        self.api = OrchestratorApi(stack.ports.url("orchestrator"), stack.secret("cli", "API_TOKEN"))

    def review(self, command: str, *, timeout: float = 120) -> Reviewed:
        """Writes `command` and waits for the final message. Raises TimeoutError with the chat so far."""
        before = self._newest_event()
        self.person.say(command)
        return self.wait_for_ending(before, timeout=timeout)

    def wait_for_ending(self, since: int, *, timeout: float = 120) -> Reviewed:
        """Waits for the first final message after the event `since`."""
        deadline = time.monotonic() + timeout
        events = []
        while time.monotonic() < deadline:
            events = self.person.events(since, wait=1)
            if final := next((e for e in events if is_final(e)), None):
                sent = next(e["at"] for e in events if e["who"] == "person")
                return Reviewed(self.ended_run(), final["message"], sent, final["at"])
        raise TimeoutError(f"no final message within {timeout} s\n{self.person.transcript()}")

    def ended_run(self) -> dict[str, Any]:
        """This person's newest run that has ended, with its events, unless those were lost (Progress may be)."""
        run_id = self._newest_ended()
        with suppress(TimeoutError):
            wait_until(lambda: self._with_events(run_id), seconds=2)
        return self.api.run(run_id)

    def _newest_ended(self) -> str:
        runs = self.api.runs(person=f"telegram:{self.person.user_id}")
        return str(next(run["id"] for run in runs if run["state"] in ENDED))

    def _with_events(self, run_id: str) -> bool:
        return any(e["text"] == "run.ended" for e in self.api.run(run_id)["events"])

    def _newest_event(self) -> int:
        return max((e["event_id"] for e in self.person.events()), default=0)


def is_final(event: Mapping[str, Any]) -> bool:
    """Whether an event of the chat is a final message: a new message of the bot that begins with a state's icon."""
    text: str = event.get("message", {}).get("text", "")
    return (event["kind"], event["who"]) == ("sent", "bot") and text.startswith(tuple(ICONS.values()))


def wait_until(look: Callable[[], Any], *, seconds: float) -> Any:
    """What `look` returns once it is true. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.05)
    return found


class GitHub:
    """What not-github shows of a pull request, read as anybody would: over REST."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {GITHUB_TOKEN}"

    def reviews(self, repository: str, number: int) -> list[dict[str, Any]]:
        """All reviews of a pull request, each with its inline comments under `comments`."""
        pull = f"/repos/{repository}/pulls/{number}"
        found = self._get(f"{pull}/reviews?per_page=100")
        return [{**r, "comments": self._get(f"{pull}/reviews/{r['id']}/comments?per_page=100")} for r in found]

    def _get(self, path: str) -> Any:
        answer = self._session.get(self._url + path, timeout=30)
        if not answer.ok:
            raise GiveUp(f"{path}: {answer.status_code} {answer.text[:200]}")
        return answer.json()
