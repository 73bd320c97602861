"""Where not-github keeps its rows: one SQLite file."""

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from sim.not_github.rows import IssueComment, Pull, Repository, Review, ReviewComment, Row, Status

SCHEMA = """
CREATE TABLE IF NOT EXISTS repositories (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE,
  private INTEGER NOT NULL, created_at TEXT NOT NULL, pushed_at TEXT NOT NULL, UNIQUE (owner, name));
CREATE TABLE IF NOT EXISTS former_names (
  owner TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE,
  repository INTEGER NOT NULL REFERENCES repositories (id), PRIMARY KEY (owner, name));
CREATE TABLE IF NOT EXISTS pulls (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository INTEGER NOT NULL REFERENCES repositories (id),
  number INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, user TEXT NOT NULL,
  base_ref TEXT NOT NULL, head_ref TEXT NOT NULL, base_sha TEXT NOT NULL, head_sha TEXT NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, closed_at TEXT, UNIQUE (repository, number));
CREATE TABLE IF NOT EXISTS reviews (
  id INTEGER PRIMARY KEY AUTOINCREMENT, pull INTEGER NOT NULL REFERENCES pulls (id), user TEXT NOT NULL,
  body TEXT NOT NULL, state TEXT NOT NULL, commit_id TEXT NOT NULL, submitted_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS review_comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, review INTEGER NOT NULL REFERENCES reviews (id), user TEXT NOT NULL,
  path TEXT NOT NULL, body TEXT NOT NULL, line INTEGER NOT NULL, side TEXT NOT NULL, start_line INTEGER,
  start_side TEXT, position INTEGER NOT NULL, diff_hunk TEXT NOT NULL, commit_id TEXT NOT NULL,
  created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS issue_comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, pull INTEGER NOT NULL REFERENCES pulls (id), user TEXT NOT NULL,
  body TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS statuses (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository INTEGER NOT NULL REFERENCES repositories (id), sha TEXT NOT NULL,
  state TEXT NOT NULL, context TEXT NOT NULL COLLATE NOCASE, description TEXT, target_url TEXT,
  creator TEXT NOT NULL, created_at TEXT NOT NULL);
"""
# Columns that came later: an older file gets them when it is opened.
ADDED = (
    ("repositories", "archived", "INTEGER NOT NULL DEFAULT 0"),
    ("repositories", "permission", "TEXT NOT NULL DEFAULT 'write'"),
    ("repositories", "lacks", "TEXT NOT NULL DEFAULT ''"),
    ("repositories", "writers", "TEXT NOT NULL DEFAULT ''"),
    ("pulls", "locked", "INTEGER NOT NULL DEFAULT 0"),
    ("pulls", "draft", "INTEGER NOT NULL DEFAULT 0"),
    ("review_comments", "seen_at", "TEXT NOT NULL DEFAULT ''"),
    ("review_comments", "in_reply_to", "INTEGER"),
    ("review_comments", "resolved_by", "TEXT NOT NULL DEFAULT ''"),
)


class Store:
    """Every call is one transaction; calls of several threads follow each other."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)
        for table, column, kind in ADDED:
            if column not in [row["name"] for row in self._db.execute(f"PRAGMA table_info ({table})")]:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")

    def repository(self, owner: str, name: str) -> Repository | None:
        """Like GitHub, upper and lower case are the same."""
        return self._one(Repository, "SELECT * FROM repositories WHERE owner = ? AND name = ?", owner, name)

    def renamed(self, owner: str, name: str) -> Repository | None:
        """The repository that was once called that."""
        sql = "SELECT * FROM repositories WHERE id = (SELECT repository FROM former_names WHERE owner = ? AND name = ?)"
        return self._one(Repository, sql, owner, name)

    def repository_by_id(self, number: int) -> Repository | None:
        return self._one(Repository, "SELECT * FROM repositories WHERE id = ?", number)

    def pulls(self, repository: int) -> list[Pull]:
        """The newest first."""
        return self._all(Pull, "SELECT * FROM pulls WHERE repository = ? ORDER BY number DESC", repository)

    def pull(self, repository: int, number: int) -> Pull | None:
        return self._one(Pull, "SELECT * FROM pulls WHERE repository = ? AND number = ?", repository, number)

    def pull_by_id(self, number: int) -> Pull | None:
        return self._one(Pull, "SELECT * FROM pulls WHERE id = ?", number)

    def reviews(self, pull: int) -> list[Review]:
        return self._all(Review, "SELECT * FROM reviews WHERE pull = ? ORDER BY id", pull)

    def review(self, number: int) -> Review | None:
        return self._one(Review, "SELECT * FROM reviews WHERE id = ?", number)

    def review_comments(self, pull: int) -> list[ReviewComment]:
        sql = (
            "SELECT review_comments.* FROM review_comments JOIN reviews ON reviews.id = review"
            " WHERE pull = ? ORDER BY review_comments.id"
        )
        return self._all(ReviewComment, sql, pull)

    def review_comment(self, number: int) -> ReviewComment | None:
        return self._one(ReviewComment, "SELECT * FROM review_comments WHERE id = ?", number)

    def issue_comments(self, pull: int) -> list[IssueComment]:
        return self._all(IssueComment, "SELECT * FROM issue_comments WHERE pull = ? ORDER BY id", pull)

    def statuses(self, repository: int, sha: str) -> list[Status]:
        """The newest first."""
        sql = "SELECT * FROM statuses WHERE repository = ? AND sha = ? ORDER BY id DESC"
        return self._all(Status, sql, repository, sha)

    def count_statuses(self, status: Status) -> int:
        """How many there are of its commit and context."""
        sql = "SELECT count(*) FROM statuses WHERE repository = ? AND sha = ? AND context = ?"
        with self._lock:
            found: int = self._db.execute(sql, (status.repository, status.sha, status.context)).fetchone()[0]
        return found

    def add(self, row: Row) -> Row:
        """The row with the id it got."""
        with self._lock, self._db:
            return replace(row, id=self._insert(row))

    def add_review(self, review: Review, comments: Iterable[ReviewComment]) -> Review:
        """All of it or nothing."""
        with self._lock, self._db:
            added = replace(review, id=self._insert(review))
            for comment in comments:
                self._insert(replace(comment, review=added.id))
            return added

    def change(self, row: Row, **values: object) -> Row:
        """The row with these values, which are written; others that were changed meanwhile stay as they are."""
        assigned = ", ".join(f"{column} = ?" for column in values)
        self._do(f"UPDATE {row.TABLE} SET {assigned} WHERE id = ?", *values.values(), row.id)  # noqa: S608 - our names
        return replace(row, **values)  # type: ignore[arg-type]  # each has its column's type

    def rename(self, repository: Repository, owner: str, name: str) -> None:
        """The former name leads to it from now on, until another repository takes it."""
        with self._lock, self._db:
            values = (repository.owner, repository.name, repository.id)
            self._db.execute("INSERT OR REPLACE INTO former_names (owner, name, repository) VALUES (?, ?, ?)", values)
            self._db.execute("UPDATE repositories SET owner = ?, name = ? WHERE id = ?", (owner, name, repository.id))

    def discard_review(self, review: int) -> None:
        """With its comments."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM review_comments WHERE review = ?", (review,))
            self._db.execute("DELETE FROM reviews WHERE id = ?", (review,))

    def _do(self, sql: str, *values: object) -> None:
        with self._lock, self._db:
            self._db.execute(sql, values)

    def _insert(self, row: Repository | Pull | Review | ReviewComment | IssueComment | Status) -> int:
        values = {column: value for column, value in asdict(row).items() if column != "id"}
        columns, places = ", ".join(values), ", ".join(f":{column}" for column in values)
        sql = f"INSERT INTO {row.TABLE} ({columns}) VALUES ({places})"  # noqa: S608 - our names
        return self._db.execute(sql, values).lastrowid or 0

    def _one(self, kind: type[Row], sql: str, *values: object) -> Row | None:
        found = self._all(kind, sql, *values)
        return found[0] if found else None

    def _all(self, kind: type[Row], sql: str, *values: object) -> list[Row]:
        with self._lock:
            return [kind(**dict(row)) for row in self._db.execute(sql, values)]
