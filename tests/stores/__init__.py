"""Stores of earlier versions, recorded as SQL: a folder for each commit, whose README.md says what is in them."""

import sqlite3
from contextlib import closing
from pathlib import Path

STORES = Path(__file__).parent


def restore(name: str, folder: Path) -> Path:
    """Writes a dump, such as `64aaa5c/orchestrator`, to a SQLite file in `folder`, which must be there; its path.

    `64aaa5c/bot` becomes `folder/bot.sqlite`. Raises sqlite3.OperationalError where that file holds the tables already.
    """
    path = folder / f"{Path(name).name}.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((STORES / f"{name}.sql").read_text(encoding="utf-8"))
    return path
