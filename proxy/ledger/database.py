"""What the ledger needs of a database: SQLite or Postgres. In the SQL of both, `?` stands for a parameter."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar

from proxy.ledger.records import LedgerAway

T = TypeVar("T")
Row = dict[str, Any]


class Statements(Protocol):
    """Statements of one transaction."""

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs a statement: the rows that it gives."""
        ...

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs a statement once for each of `rows`, in their order."""
        ...


class Database(Protocol):
    """An open database. A process opens its own, after it was forked. Any of these raises LedgerAway."""

    def write(self, work: Callable[[Statements], T]) -> T:
        """Runs `work` in a transaction: what it returns once that is committed. What it raises undoes all.

        Where the database goes away during the commit, it raises LedgerAway, but the commit may have taken place.
        """
        ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Reads rows, by the names of their columns. Also native threads beside an event loop may ask."""
        ...

    def is_ours_alone(self) -> bool:
        """Whether it is certain that nobody else has this database open. To be asked inside of a `write`."""
        ...

    def checkpoint(self) -> None:
        """Moves what was written to its final place, which may take many milliseconds. Any thread may ask."""
        ...

    def close(self) -> None:
        """Ends it. Nothing may be asked afterwards."""
        ...


class ErrorsAsAway:
    """Within it, `errors` of a library become LedgerAway, but for `mistakes`, which only our own code can make."""

    def __init__(self, errors: tuple[type[Exception], ...], mistakes: tuple[type[Exception], ...]) -> None:
        self._errors = errors
        self._mistakes = mistakes

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, self._errors) and not isinstance(error, self._mistakes):
            raise LedgerAway(str(error).strip()) from error
