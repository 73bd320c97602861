"""The orchestrator, with a switch: it kills itself before, inside or after a transaction that a file names."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from orchestrator.__main__ import main
from orchestrator.settings import OrchestratorSettings
from orchestrator.transactions import Transaction, Transactions

SWITCH = Path(os.environ["CRASH_SWITCH"])  # holds "WHEN NAME", or "WHEN NAME/2" for the second time; used once


class CrashingTransactions(Transactions):
    """Transactions that look at the switch around and inside each."""

    passed: ClassVar[Counter[str]] = Counter()

    @contextmanager
    def begin(self, name: str) -> Iterator[Transaction]:
        self._die_if("before", name)
        with super().begin(name) as transaction:
            yield transaction

    def ready(self, name: str) -> None:
        self._die_if("inside", name)

    def committed(self, name: str, transaction: Transaction) -> None:
        self._die_if("after", name)
        super().committed(name, transaction)

    def _die_if(self, when: str, name: str) -> None:
        """Dies as by a power cut where the switch says so, once."""
        point = f"{when} {name}"
        if not SWITCH.exists() or not SWITCH.read_text().startswith(point):
            return
        self.passed[point] += 1
        if SWITCH.read_text() in (point, f"{point}/{self.passed[point]}"):
            SWITCH.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(OrchestratorSettings.load(), make_transactions=CrashingTransactions)
