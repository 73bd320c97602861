"""The ledger in a process that gevent has patched, as the workers are."""

from proxy.ledger.ledger import Ledger
from tests.proxy.ledger.books import calls_in
from tests.proxy.ledger.processes import output, start


def test_a_ledger_serves_greenlets_and_never_stops_them(ledger: Ledger, ledger_url: str) -> None:
    output(start("tests.proxy.ledger.greenlets", ledger_url))
    assert len(calls_in(ledger)) > 300
