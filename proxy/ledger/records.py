"""What is written down of a model call: before it, while it is under way, and after it. Never a word of a prompt."""

from dataclasses import dataclass
from typing import Literal

from proxy.usage import Usage

# lost: the worker died during the call; it is billed by the least that it must have used
Outcome = Literal["ok", "error", "aborted", "lost"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call it is: a task's, or that of a client key. What does not apply is empty.

    `session` is Claude Code's own id for a conversation, as its header says it.
    """

    run: str = ""
    task: str = ""
    attempt: int = 0
    person: str = ""
    role: str = ""
    client: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """An account that pays for a call, and the most that it may have paid in all, in micro-dollars; None: no limit.

    `account` is a name such as `task/ID` or `day/2026-11-21`; `said` names its limit for people: `this task's budget`,
    `your limit for today`.
    """

    account: str
    limit: int | None
    said: str


@dataclass(slots=True)  # not frozen, and neither is Settlement: that would double the cost of making one
class Hold:
    """A call about to be made. `at`: seconds since the epoch. `held`: the most that it can cost, in micro-dollars.

    `least` and `least_input` are what it is billed with if nobody is left to settle it: micro-dollars, tokens.
    """

    at: float
    caller: Caller
    route: str
    asked: str
    provider: str
    model: str
    charges: tuple[Charge, ...]
    held: int
    least: int
    least_input: int


@dataclass(slots=True)
class Settlement:
    """How a call ended.

    `hold` is the number that `reserve` gave. `provider` and `model` are those that answered. `tried` names those that
    did not, with why: `anthropic 529, zai timeout`. `seconds` and `first_seconds` (to the first event or byte; None
    where none came) count from the hold's `at`. `reason` is the type of an error, such as `overloaded_error`.
    """

    hold: int
    provider: str
    model: str
    usage: Usage
    micro_dollars: int
    seconds: float
    first_seconds: float | None
    status: int
    outcome: Outcome
    streamed: bool = False
    tried: str = ""
    fallbacks: int = 0
    reason: str = ""


class SpendLimitReached(Exception):
    """An account has paid all that it may. `spent` and `limit` are in micro-dollars."""

    def __init__(self, charge: Charge, spent: int) -> None:
        super().__init__(f"{charge.said} is used up")
        self.charge = charge
        self.spent = spent


class AllHeld(Exception):
    """An account has money left, but calls under way hold all of it: wait for one of them to end, and ask again."""

    def __init__(self, charge: Charge, spent: int, held: int) -> None:
        super().__init__(f"calls under way hold the rest of {charge.said}")
        self.charge = charge
        self.spent = spent
        self.held = held


class LedgerAway(Exception):
    """The ledger cannot be read or written now. Nothing was changed."""


class LedgerTooNew(Exception):
    """A later version of this program made the ledger: this one must not touch it."""
