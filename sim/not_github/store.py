"""What not-github remembers besides git: repositories, pull requests, reviews and comments, in one SQLite file."""

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

Side = Literal["LEFT", "RIGHT"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS repositories (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE,
  private INTEGER NOT NULL, created_at TEXT NOT NULL, pushed_at TEXT NOT NULL, UNIQUE (owner, name));
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
"""
# Columns that came later: an older file gets them when it is opened.
ADDED = (
    ("repositories", "archived", "INTEGER NOT NULL DEFAULT 0"),
    ("repositories", "permission", "TEXT NOT NULL DEFAULT 'write'"),
    ("pulls", "locked", "INTEGER NOT NULL DEFAULT 0"),
)


def now() -> str:
    """The time as GitHub writes it, in UTC and whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class Repository:
    id: int = 0
    owner: str
    name: str
    private: int
    created_at: str
    pushed_at: str
    archived: int = 0
    permission: str = "write"  # of the token's account: read or write

    INSERT: ClassVar[str] = (
        "INSERT INTO repositories (owner, name, private, created_at, pushed_at, archived, permission)"
        " VALUES (:owner, :name, :private, :created_at, :pushed_at, :archived, :permission)"
    )

    @property
    def writable(self) -> bool:
        """Whether the token's account may push."""
        return self.permission == "write" and not self.archived


@dataclass(frozen=True, kw_only=True)
class Pull:
    id: int = 0
    repository: int
    number: int
    title: str
    body: str
    state: str
    user: str
    base_ref: str
    head_ref: str
    base_sha: str
    head_sha: str
    created_at: str
    updated_at: str
    closed_at: str | None
    locked: int = 0

    INSERT: ClassVar[str] = (
        "INSERT INTO pulls (repository, number, title, body, state, user, base_ref, head_ref, base_sha, head_sha,"
        " created_at, updated_at, closed_at, locked) VALUES (:repository, :number, :title, :body, :state, :user,"
        " :base_ref, :head_ref, :base_sha, :head_sha, :created_at, :updated_at, :closed_at, :locked)"
    )


@dataclass(frozen=True, kw_only=True)
class Review:
    id: int = 0
    pull: int
    user: str
    body: str
    state: str
    commit_id: str
    submitted_at: str

    INSERT: ClassVar[str] = (
        "INSERT INTO reviews (pull, user, body, state, commit_id, submitted_at)"
        " VALUES (:pull, :user, :body, :state, :commit_id, :submitted_at)"
    )


@dataclass(frozen=True, kw_only=True)
class ReviewComment:
    id: int = 0
    review: int = 0
    user: str
    path: str
    body: str
    line: int
    side: Side
    start_line: int | None
    start_side: Side | None
    position: int
    diff_hunk: str
    commit_id: str
    created_at: str

    INSERT: ClassVar[str] = (
        "INSERT INTO review_comments (review, user, path, body, line, side, start_line, start_side, position,"
        " diff_hunk, commit_id, created_at) VALUES (:review, :user, :path, :body, :line, :side, :start_line,"
        " :start_side, :position, :diff_hunk, :commit_id, :created_at)"
    )


@dataclass(frozen=True, kw_only=True)
class IssueComment:
    id: int = 0
    pull: int
    user: str
    body: str
    created_at: str

    INSERT: ClassVar[str] = (
        "INSERT INTO issue_comments (pull, user, body, created_at) VALUES (:pull, :user, :body, :created_at)"
    )


Row = TypeVar("Row", Repository, Pull, Review, ReviewComment, IssueComment)


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
        found = self._all(Repository, "SELECT * FROM repositories WHERE owner = ? AND name = ?", owner, name)
        return found[0] if found else None

    def pulls(self, repository: int) -> list[Pull]:
        """The newest first."""
        return self._all(Pull, "SELECT * FROM pulls WHERE repository = ? ORDER BY number DESC", repository)

    def pull(self, repository: int, number: int) -> Pull | None:
        sql = "SELECT * FROM pulls WHERE repository = ? AND number = ?"
        found = self._all(Pull, sql, repository, number)
        return found[0] if found else None

    def reviews(self, pull: int) -> list[Review]:
        return self._all(Review, "SELECT * FROM reviews WHERE pull = ? ORDER BY id", pull)

    def review_comments(self, pull: int) -> list[ReviewComment]:
        sql = (
            "SELECT review_comments.* FROM review_comments JOIN reviews ON reviews.id = review"
            " WHERE pull = ? ORDER BY review_comments.id"
        )
        return self._all(ReviewComment, sql, pull)

    def issue_comments(self, pull: int) -> list[IssueComment]:
        return self._all(IssueComment, "SELECT * FROM issue_comments WHERE pull = ? ORDER BY id", pull)

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

    def submit_review(self, review: int, state: str) -> None:
        """A pending review becomes one that everybody sees."""
        self._do("UPDATE reviews SET state = ?, submitted_at = ? WHERE id = ?", state, now(), review)

    def discard_review(self, review: int) -> None:
        """With its comments."""
        self._do("DELETE FROM review_comments WHERE review = ?", review)
        self._do("DELETE FROM reviews WHERE id = ?", review)

    def change_repository(self, repository: Repository) -> None:
        archived, permission = repository.archived, repository.permission
        self._do(
            "UPDATE repositories SET archived = ?, permission = ? WHERE id = ?", archived, permission, repository.id
        )

    def change_pull(self, pull: Pull) -> None:
        sql = (
            "UPDATE pulls SET title = :title, body = :body, state = :state, base_sha = :base_sha, locked = :locked,"
            " head_sha = :head_sha, updated_at = :updated_at, closed_at = :closed_at WHERE id = :id"
        )
        with self._lock, self._db:
            self._db.execute(sql, asdict(pull))

    def mark_pushed(self, repository: int) -> None:
        self._do("UPDATE repositories SET pushed_at = ? WHERE id = ?", now(), repository)

    def _do(self, sql: str, *values: object) -> None:
        with self._lock, self._db:
            self._db.execute(sql, values)

    def _insert(self, row: Repository | Pull | Review | ReviewComment | IssueComment) -> int:
        return self._db.execute(row.INSERT, asdict(row)).lastrowid or 0

    def _all(self, kind: type[Row], sql: str, *values: object) -> list[Row]:
        with self._lock:
            return [kind(**dict(row)) for row in self._db.execute(sql, values)]
