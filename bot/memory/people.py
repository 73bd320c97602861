"""Who was given a standing in chat, and what people call themselves."""

import sqlite3
import time
from collections.abc import Mapping

from stack.people import Standing


class PeopleTable:
    """Standings by Telegram's numeric id, and names for people to read: nothing is decided by a name."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._names: dict[int, str] = dict(db.execute("SELECT user_id, name FROM names").fetchall())

    def standings(self) -> Mapping[int, Standing]:
        """Everybody who was given a standing in chat."""
        return dict(self._db.execute("SELECT user_id, standing FROM people ORDER BY at").fetchall())

    def standing(self, user_id: int) -> Standing | None:
        """The standing that this person was given in chat."""
        row = self._db.execute("SELECT standing FROM people WHERE user_id = ?", (user_id,)).fetchone()
        return row[0] if row else None

    def give(self, user_id: int, standing: Standing, *, made_by: int) -> None:
        """Gives a standing, in place of the one before."""
        self._db.execute("INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?)", (user_id, standing, made_by, time.time()))

    def take(self, user_id: int) -> bool:
        """Takes it back. False where there was none."""
        return self._db.execute("DELETE FROM people WHERE user_id = ?", (user_id,)).rowcount == 1

    def name(self, user_id: int) -> str:
        """What this person calls themselves; empty if they never wrote."""
        return self._names.get(user_id, "")

    def set_name(self, user_id: int, name: str) -> None:
        """Remembers that; cheap where it is known."""
        if self._names.get(user_id) != name:
            self._db.execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (user_id, name))
            self._names[user_id] = name
