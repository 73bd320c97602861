"""The store: runs, their tasks and results (the journal), gates, events and the outbox (SQLAlchemy 2)."""

from orchestrator.store.database import Sessions, database_may_be_away, open_store, sqlite_url
from orchestrator.store.tables import (
    Base,
    DismissalRow,
    EventRow,
    GateRow,
    KeyRow,
    OutboxRow,
    PieceRow,
    ResultRow,
    RunRow,
    TaskRow,
)

__all__ = [
    "Base",
    "DismissalRow",
    "EventRow",
    "GateRow",
    "KeyRow",
    "OutboxRow",
    "PieceRow",
    "ResultRow",
    "RunRow",
    "Sessions",
    "TaskRow",
    "database_may_be_away",
    "open_store",
    "sqlite_url",
]
