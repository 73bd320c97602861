"""A person at the chat with a stack whose outside world is simulated: writes, watches, waits for how a run ends."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from native.stack import PERSON, Stack
from sim.not_telegram.person import Person
from stack.api import RunDetail, RunsApi
from stack.messages import ENDED
from stack.secret import SecretFile

# The first character of a final message, by the state that it tells.
ICONS = {"verified": "✅", "unproven": "⚠️", "failed": "❌", "cancelled": "⏹"}


@dataclass(frozen=True)
class Ended:
    """How a run went: the run as the orchestrator shows it, the final message, and when (seconds, epoch)."""

    run: RunDetail
    final: dict[str, Any]
    sent: float
    received: float


class Desk:
    """A person at a chat with the bot."""

    def __init__(self, stack: Stack, user_id: int = PERSON) -> None:
        self.stack = stack
        self.person = Person(stack.ports.url("not_telegram"), user_id)
        self.api = RunsApi(stack.ports.url("orchestrator"), SecretFile(stack.secrets / "cli/API_TOKEN"))

    def write(self, text: str) -> int:
        """Writes `text`; returns the chat's last event before it."""
        before = max((e["event_id"] for e in self.person.events()), default=0)
        self.person.say(text)
        return before

    def run(self, command: str, *, timeout: float = 120) -> Ended:
        """Writes `command` and waits for the final message. Raises TimeoutError with the chat so far."""
        return self.wait_for_ending(self.write(command), timeout=timeout)

    def wait_for_ending(self, since: int, *, timeout: float = 120) -> Ended:
        """Waits for the first final message after the event `since`. Raises TimeoutError with the chat so far."""
        sent, final = wait_for_final(self.person, since, timeout=timeout)
        return Ended(self.ended_run(), final["message"], sent, final["at"])

    def ended_run(self) -> RunDetail:
        """This person's newest run that has ended, with its events, unless those were lost (Progress may be)."""
        run_id = self._newest_ended()
        with suppress(TimeoutError):
            wait_until(lambda: has_all_events(self.api.run(run_id)), seconds=2)
        return self.api.run(run_id)

    def _newest_ended(self) -> UUID:
        runs = self.api.runs(person=f"telegram:{self.person.user_id}")
        return next(run.id for run in runs if run.state in ENDED)


def wait_for_final(person: Person, since: int, *, timeout: float) -> tuple[float, dict[str, Any]]:
    """When they wrote, and the first final message, after the event `since`. Raises TimeoutError with the chat."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        events = person.events(since, wait=1)
        if final := next((e for e in events if is_final(e)), None):
            return next(e["at"] for e in events if e["who"] == "person"), final
    raise TimeoutError(f"no final message within {timeout} s\n{person.transcript()}")


def has_all_events(run: RunDetail) -> bool:
    """Whether what is told last of a run has come."""
    return any(event.text == "run.ended" for event in run.events)


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
