"""Calls to write into a ledger, and what must be true of its books at any time."""

import time
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from proxy.gateway import Limits
from proxy.ledger.accounts import charges
from proxy.ledger.keys import ClientKey
from proxy.ledger.ledger import Ledger
from proxy.ledger.records import Caller, Charge, Hold, Settlement
from proxy.ledger.schema import BUCKETS, COUNTS
from proxy.usage import Usage

HELD, LEAST, LEAST_INPUT = 1000, 7, 3


def a_hold(*paying: Charge, caller: Caller | None = None, at: float = 0.0, held: int = HELD) -> Hold:
    """A call about to be made, now if not said else, paid by the accounts of its caller if no other are named."""
    at = at or time.time()
    caller = caller or Caller(run="run-1", task="task-1", person="7", role="coder")
    return Hold(
        at=at,
        caller=caller,
        route="sonnet",
        asked="claude-sonnet-5",
        provider="anthropic",
        model="claude-sonnet-5",
        charges=paying or charges(at, caller, Limits(), key=_key(caller.client)),
        held=held,
        least=LEAST,
        least_input=LEAST_INPUT,
    )


def an_end(hold: int, micro_dollars: int = HELD, **changes: Any) -> Settlement:
    """How the call ended: well, if not said else."""
    usual = Settlement(
        hold=hold,
        provider="anthropic",
        model="claude-sonnet-5-20260101",
        usage=Usage(input=11, output=5, cache_read=100),
        micro_dollars=micro_dollars,
        seconds=1.5,
        first_seconds=0.25,
        status=200,
        outcome="ok",
        streamed=True,
    )
    return replace(usual, **changes)


def calls_in(ledger: Ledger) -> list[dict[str, Any]]:
    """All calls that ended, in the order in which they were written down."""
    return ledger.rows("SELECT * FROM calls ORDER BY id")


def check(ledger: Ledger) -> None:
    """The books agree with each other: accounts and hours with the calls, what is held with the holds."""
    calls, holds = calls_in(ledger), ledger.rows("SELECT * FROM holds")
    accounts = {row["account"]: (row["spent"], row["held"]) for row in ledger.rows("SELECT * FROM accounts")}
    spent = _spent_by_account(calls)
    held: Counter[str] = Counter()
    for hold in holds:
        held.update(dict.fromkeys(hold["accounts"].split("\n"), hold["held"]))
    assert accounts == {name: (spent[name], held[name]) for name in {*accounts, *spent, *held}}
    assert _hours_in(ledger) == _hours_of(calls)


def _spent_by_account(calls: list[dict[str, Any]]) -> Counter[str]:
    spent: Counter[str] = Counter()
    for call in calls:
        caller = Caller(run=call["run"], task=call["task"], person=call["person"], client=call["client"])
        for charge in charges(call["at"], caller, Limits(), key=_key(call["client"])):
            spent[charge.account] += call["micro_dollars"]
    return spent


def _key(name: str) -> ClientKey | None:
    return ClientKey(name, made=0.0) if name else None


def _hours_in(ledger: Ledger) -> dict[tuple[Any, ...], dict[str, Any]]:
    names = ("hour", "route", "provider", "model", "role", "outcome")
    return {
        tuple(row.pop(name) for name in names): {name: round(value, 3) for name, value in row.items()}
        for row in ledger.rows("SELECT * FROM hours")
    }


def _hours_of(calls: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    hours: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    for call in calls:
        names = (call["route"], call["provider"], call["model"], call["role"], call["outcome"])
        sums = hours[(int(call["at"]) // 3600, *names)]
        sums["calls"] += 1
        for name in (*COUNTS, "fallbacks", "seconds"):
            sums[name] += call[name]
        sums["first_seconds"] += call["first_seconds"] or 0.0
        for bucket in BUCKETS:
            sums[f"within_{bucket}"] += call["seconds"] <= bucket
    return {key: {name: round(value, 3) for name, value in sums.items()} for key, sums in hours.items()}
