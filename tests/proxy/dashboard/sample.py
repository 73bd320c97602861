"""A ledger that is filled by plain INSERTs, as the tables want them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proxy.ledger.ledger import open_database
from proxy.ledger.schema import BUCKETS, COUNTS, OF_A_CALL

SCRIPT = "<script>window.pwned = 1</script>"
HOSTILE: dict[str, Any] = {
    **dict.fromkeys(("model", "asked", "provider", "route", "role", "run", "person", "client", "reason"), SCRIPT),
    "tried": f"{SCRIPT} 529", "fallbacks": 1, "outcome": "error", "status": 500,
}  # fmt: skip
A_CALL: dict[str, Any] = {
    **dict.fromkeys(COUNTS, 0),
    "run": "5b21e9f0-7c1e-4c0b-9d5a-0f6b2f0c1111", "task": "t", "attempt": 1, "person": "ada", "role": "pr_reviewer",
    "client": "", "session": "", "route": "sonnet", "asked": "claude-sonnet-5", "provider": "anthropic",
    "model": "claude-sonnet-5", "input_tokens": 1200, "output_tokens": 800, "cache_read_tokens": 48_000,
    "micro_dollars": 30_000, "seconds": 12.5, "first_seconds": 0.9, "status": 200, "outcome": "ok", "streamed": 1,
    "tried": "", "fallbacks": 0, "reason": "",
}  # fmt: skip
_HOUR = ("route", "provider", "model", "role", "outcome")


class SampleLedger:
    """The tables of a ledger, open for reading and writing."""

    def __init__(self, where: str | Path) -> None:
        self._database = open_database(where)
        self.rows = self._database.rows
        self.close = self._database.close

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Runs a statement that changes something."""
        self._database.write(lambda statements: statements.execute(sql, parameters))

    def insert(self, table: str, more: str = "", **values: object) -> None:
        """Writes a row."""
        sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))}) {more}"  # noqa: S608
        self.run(sql, list(values.values()))

    def call(self, **changes: Any) -> None:
        """Writes a call that ended, now unless `at` says else: into `calls`, and into its hour."""
        call = {"at": time.time(), **A_CALL, **changes}
        self.insert("calls", **call)
        sums = {name: call[name] for name in (*COUNTS, "fallbacks", "seconds")}
        sums |= {"calls": 1, "first_seconds": call["first_seconds"] or 0}
        sums |= {f"within_{bucket}": int(call["seconds"] <= bucket) for bucket in BUCKETS}
        add = ", ".join(f"{name} = hours.{name} + excluded.{name}" for name in sums)
        once = f"ON CONFLICT (hour, {', '.join(_HOUR)}) DO UPDATE SET {add}"
        self.insert("hours", once, hour=int(call["at"]) // 3600, **{name: call[name] for name in _HOUR}, **sums)

    def hold(self, *, held: int = 180_000, **changes: Any) -> None:
        """Writes a call that is under way."""
        call = {"at": time.time(), **A_CALL, **changes}
        of_it = {name: call[name] for name in OF_A_CALL}
        self.insert("holds", worker="w1", accounts="", held=held, least=9, least_input=3, **of_it)
