"""Serves a gateway: puts the parts of each worker together, and starts the workers.

All is imported before the workers are forked, so that they share it. gevent patches sockets in each worker after that:
what is patched is always named by its module (`socket.create_connection`), never imported by its own name.
"""

import gc
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from gevent import get_hub

from proxy.app import Adapters, Secrets, create_app
from proxy.breaker import Breakers, State
from proxy.connection import Pool
from proxy.dispatch import Providers
from proxy.door import any_task
from proxy.ledger.ledger import Ledger, open_ledger
from proxy.ledger.records import LedgerAway
from proxy.ledger.reports import Reports
from proxy.memory import keep_freed_memory
from proxy.server import Server
from proxy.source import Source
from proxy.view import set_up_view
from stack.service import Every
from stack.tokens import Claims

log = logging.getLogger(__name__)

COLLECT_AFTER = 10_000  # new objects; Python's own 700 collects several times a call
LOOK_SECONDS = 1.0  # between looks at gateway.toml, and between checkpoints of the ledger


def worker_name(pid: int) -> str:
    """The name of a worker in the ledger."""
    return f"{socket.gethostname()}:{pid}"


def serve(
    source: Source,
    *,
    ledger: str | Path,
    secrets: Secrets,
    host: str,
    port: int,
    workers: int,
    log_level: str,
    check: Callable[[Claims], None] = any_task,
) -> None:
    """Serves until SIGTERM. Raises LedgerAway, LedgerTooNew where the ledger cannot be opened."""
    keep_freed_memory()
    open_ledger(ledger, worker_name(os.getpid())).close()  # made here, so that the workers need not race for it

    def ended(pid: int) -> None:
        """A worker ended; if it was killed, it left calls that nobody else will settle."""
        try:
            opened = open_ledger(ledger, worker_name(os.getpid()))
            lost = opened.settle_lost(worker_name(pid))
            opened.close()
        except LedgerAway as away:
            log.warning("the calls of a worker that ended are not settled yet: %s", away)
            return
        if lost:
            log.error("worker %d ended with %d calls under way: they are billed by the least they cost", pid, lost)

    Server(
        lambda: _worker(source, ledger, secrets, check),
        host=host, port=port, workers=workers, log_level=log_level, ended=ended,
    ).run()  # fmt: skip


def _worker(source: Source, ledger_at: str | Path, secrets: Secrets, check: Callable[[Claims], None]) -> Flask:
    """The application of one worker, with what it does beside calls."""
    ledger = open_ledger(ledger_at, worker_name(os.getpid()))
    app = create_app(_adapters(source, ledger, check), secrets)
    chores = (
        Every(LOOK_SECONDS, lambda: _look(source)),
        Every(LOOK_SECONDS, lambda: _off_loop(ledger.checkpoint)),
    )
    for chore in chores:
        chore.start()

    def close() -> None:
        for chore in chores:
            chore.stop()
        ledger.close()

    app.extensions["close"] = close
    # what is loaded stays: a collection need not look at it again, and calls leave no cycles behind that hurry
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    return app


def _adapters(source: Source, ledger: Ledger, check: Callable[[Claims], None]) -> Adapters:
    def changed(provider: str, state: State, until: float, reason: str) -> None:
        log.warning("the breaker of %s is %s%s", provider, state, reason and f": {reason}")
        try:
            if state == "closed":
                ledger.clear_breaker(provider)
            else:
                ledger.set_breaker(provider, state, until, reason)
        except LedgerAway as away:
            log.warning("the dashboard does not know: %s", away)

    return Adapters(
        gateway=lambda: source.gateway,
        set_up=lambda: set_up_view(source),
        ledger=ledger,
        reports=Reports(ledger),
        providers=Providers(Breakers(changed), lambda url: Pool(url, connect=socket.create_connection)),
        off_loop=_off_loop,
        check=check,
    )


def _off_loop(action: Callable[[], Any]) -> Any:
    return get_hub().threadpool.apply(action)


def _look(source: Source) -> None:
    source.look()
