"""Writes down a call that is about to be made, where its accounts can pay for it."""

from functools import lru_cache

from proxy.ledger.database import Statements
from proxy.ledger.records import AllHeld, Charge, Hold, SpendLimitReached
from proxy.ledger.schema import OF_A_CALL

_COLUMNS = ("worker", "accounts", *OF_A_CALL, "held", "least", "least_input")
_INSERT = f"INSERT INTO holds ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) RETURNING id"  # noqa: S608
LONGEST = 300  # characters of any text that is kept


def place(statements: Statements, worker: str, hold: Hold) -> int:
    """The number of the new hold. Raises SpendLimitReached or AllHeld where an account cannot pay: undo all then."""
    accounts = sorted({charge.account for charge in hold.charges})
    number: int = statements.execute(_INSERT, _row(worker, accounts, hold))[0][0]
    # The accounts come last, for in Postgres others wait from here on for those that they share, such as the day's.
    # All take them in the same order: nobody waits for one who waits for him.
    _judge(hold, _held_more(statements, accounts, hold.held))
    return number


def storable(*texts: str) -> tuple[str, ...]:
    """The texts as both databases take them: not too long, no NUL, no half of a surrogate pair."""
    joined = "".join(texts)
    if joined.isascii() and len(joined) <= LONGEST and "\0" not in joined:
        return texts
    return tuple(text[:LONGEST].replace("\0", "").encode("utf-8", "replace").decode() for text in texts)


def _row(worker: str, accounts: list[str], hold: Hold) -> tuple[object, ...]:
    caller = hold.caller
    run, task, person, role, client, session, route, asked, provider, model = storable(
        caller.run, caller.task, caller.person, caller.role, caller.client, caller.session,
        hold.route, hold.asked, hold.provider, hold.model,
    )  # fmt: skip
    return (
        worker, "\n".join(accounts),
        hold.at, run, task, caller.attempt, person, role, client, session, route, asked, provider, model,
        hold.held, hold.least, hold.least_input,
    )  # fmt: skip


def _held_more(statements: Statements, accounts: list[str], held: int) -> dict[str, tuple[int, int]]:
    """What each account has spent and holds, now that it holds this too."""
    if not accounts:
        return {}
    parameters = [value for account in accounts for value in (account, held)]
    return {name: (spent, all_held) for name, spent, all_held in statements.execute(_upsert(len(accounts)), parameters)}


@lru_cache
def _upsert(count: int) -> str:
    rows = ", ".join(["(?, 0, ?)"] * count)
    return (
        f"INSERT INTO accounts (account, spent, held) VALUES {rows} "  # noqa: S608
        "ON CONFLICT (account) DO UPDATE SET held = accounts.held + excluded.held RETURNING account, spent, held"
    )


def _judge(hold: Hold, accounts: dict[str, tuple[int, int]]) -> None:
    """Raises for an account that can pay no more. What is spent for good goes first: waiting would not help."""
    waits: tuple[Charge, int, int] | None = None
    for charge in hold.charges:
        if charge.limit is None:
            continue
        spent, held = accounts[charge.account]
        others = held - hold.held
        if spent >= charge.limit:
            raise SpendLimitReached(charge, spent)
        if spent + others >= charge.limit:
            waits = waits or (charge, spent, others)
    if waits:
        raise AllHeld(*waits)
