"""Correctness first: answers of every kind are checked to the last byte, and so is what arrived upstream."""

from bench.gateway_bench.answers import Kind
from bench.gateway_bench.checks import Wrong, check_answer, check_arrival
from bench.gateway_bench.client import Connection, request, unpacked
from bench.gateway_bench.contenders import PROVIDER_KEY, Contender
from bench.gateway_bench.field import Field
from bench.gateway_bench.figures import ANSWERS

KINDS: dict[Kind, int] = {"streamed": 50_000, "whole": 1_000, "paced": 1_000}
SEEN = b"GET /seen HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def check_all(field: Field, checks: int) -> None:
    """Asks each contender; a wrong answer goes into what was found of it. Raises where the mock itself is wrong."""
    for entry in field.running():
        try:
            for kind, size in KINDS.items():
                if not entry.contender.alive():
                    raise Wrong("its process has ended")
                check(entry.contender, field.direct.port, kind, size, checks if kind != "paced" else 1)
        except (Wrong, OSError) as error:
            if entry is field.entries[0]:
                raise
            entry.found.wrong[ANSWERS] = f"{kind}: {error}"


def check(contender: Contender, upstream: int, kind: Kind, size: int, times: int) -> None:
    """Raises Wrong for a wrong answer, OSError for none."""
    credentials = contender.credentials()
    caller, inspector = Connection(contender.port), Connection(upstream)
    try:
        for number in range(times):
            sent = request(contender.address(kind), credentials[number % len(credentials)], kind, size)
            check_answer(caller.ask(sent).raw, kind, transparent=contender.transparent)
            seen = unpacked(inspector.ask(SEEN).raw)[1]
            check_arrival(seen, sent, transparent=contender.transparent, key=PROVIDER_KEY)
    finally:
        caller.close()
        inspector.close()
