"""Keys for people who use the gateway alone. A key is shown once, when it is made; only its SHA-256 is kept."""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from proxy.ledger.database import Database, Statements

PREFIX = "gk-"
NAME = re.compile(r"[a-z0-9._-]{1,40}")

_COLUMNS = "name, made, expires, revoked, total_micro, day_micro, month_micro"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A key, without what opens. Times are in seconds since the epoch; limits in micro-dollars; None: not, or none."""

    name: str
    made: float
    expires: float | None = None
    revoked: float | None = None
    total_micro: int | None = None
    day_micro: int | None = None
    month_micro: int | None = None

    def is_good(self, now: float) -> bool:
        """Whether it opens at that time."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class ClientKeys:
    """The keys in a ledger. All of these raise LedgerAway where the database is away."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def make(
        self,
        name: str,
        *,
        expires: float | None = None,
        total_micro: int | None = None,
        day_micro: int | None = None,
        month_micro: int | None = None,
    ) -> str:
        """A new key, `gk-` and 43 characters; nobody can see it again. Raises ValueError for a name that cannot be."""
        if not NAME.fullmatch(name):
            raise ValueError("a name is 1 to 40 of the characters a-z, 0-9, dot, underscore and hyphen")
        key = PREFIX + secrets.token_urlsafe(32)
        row = (name, _hash(key), self._clock(), expires, total_micro, day_micro, month_micro)
        self._database.write(lambda statements: _insert(statements, row))
        return key

    def find(self, key: str) -> ClientKey | None:
        """The key that this is, if it is good now: not revoked, not expired. Asks the database each time."""
        if not key.startswith(PREFIX):
            return None
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM client_keys WHERE hash = ?", (_hash(key),))  # noqa: S608
        found = ClientKey(**rows[0]) if rows else None
        return found if found and found.is_good(self._clock()) else None

    def list(self) -> list[ClientKey]:
        """All keys, also those that are good no more, by name."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM client_keys")  # noqa: S608 - names from above
        return sorted((ClientKey(**row) for row in rows), key=lambda key: key.name)

    def revoke(self, name: str) -> None:
        """Ends a key for every worker at once, and for good: nor is its name free again. ValueError: no such key."""
        sql = "UPDATE client_keys SET revoked = coalesce(revoked, ?) WHERE name = ? RETURNING name"
        if not self._database.write(lambda statements: statements.execute(sql, (self._clock(), name))):
            raise ValueError(f"there is no key with the name {name}")


def _insert(statements: Statements, row: tuple[object, ...]) -> None:
    made = statements.execute(
        "INSERT INTO client_keys (name, hash, made, expires, total_micro, day_micro, month_micro) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING RETURNING name",
        row,
    )
    if not made:
        raise ValueError(f"there is a key with the name {row[0]} already, or there was one")


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
