"""Prices in gateway.toml: `"3/15"`, or a table with what the caches cost."""

import re
from decimal import Decimal
from fnmatch import fnmatchcase

from proxy.gateway_file.sections import Section, kind
from proxy.prices import Price, price

PRICE_TEXT = re.compile(r"\d{1,6}(\.\d{1,6})?/\d{1,6}(\.\d{1,6})?")
MOST = Decimal(1_000_000)  # dollars for a million tokens: what is above it was not meant, and could not be counted with
DECIMALS = 6  # what proxy/prices.py counts with
KINDS = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
EXAMPLE = '"3/15" (input/output, dollars per million tokens) or { input = 3, output = 15 }'


def price_of(section: Section, *within: str | int) -> Price | None:
    """The price at a place in a table of the file; None where there is none, or a mistake."""
    value: object = section.values
    for step in within:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return None
    if isinstance(value, dict):
        return _of_table(section.at(*within, values=value))
    if isinstance(value, str) and PRICE_TEXT.fullmatch(value):
        return price(value)
    what = repr(value[:50]) if isinstance(value, str) else kind(value)
    section.wrong(within, f"{section.said(*within)} is {what}; it must be {EXAMPLE}")
    return None


def _of_table(table: Section) -> Price | None:
    table.only(KINDS)
    found = {name: _amount(table, name) for name in KINDS if name in table.values}
    for name in ("input", "output"):
        if name not in table.values:
            table.wrong((), f"{table.said()} has no {name}; it must be {EXAMPLE}")
    amounts = {name: amount for name, amount in found.items() if amount is not None}
    return Price(**amounts) if {"input", "output"} <= amounts.keys() else None


def _amount(table: Section, name: str) -> Decimal | None:
    value = table.values[name]
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number and Decimal(value).is_finite() and 0 <= value <= MOST and value == round(value, DECIMALS):
        return Decimal(value)
    what = str(value)[:50] if is_number else kind(value)
    right = f"a number of dollars from 0 to {MOST:,}, of at most {DECIMALS} decimals"
    table.wrong((name,), f"{table.said(name)} is {what}; it must be {right}")
    return None


def price_table(section: Section) -> dict[str, Price]:
    """All of `[prices]`, in the order of the file. A pattern behind one that catches all of it is a mistake."""
    found = {name: price_of(section, name) for name in section.values}
    names = list(found)
    for number, name in enumerate(names):
        if earlier := next((other for other in names[:number] if _catches(other, name)), None):
            text = f"{section.said(name)} is never reached; it must stand before {section.said(earlier)}"
            section.wrong((name,), text)
    return {name: cost for name, cost in found.items() if cost is not None}


def _catches(earlier: str, pattern: str) -> bool:
    """Whether all that fits `pattern` fits `earlier`. A name without a `*` is found before any pattern."""
    if "*" not in pattern or "[" in pattern:
        return False
    samples = (pattern.replace("*", filling).replace("?", "~") for filling in ("", "~~~~"))
    return all(fnmatchcase(sample, earlier) for sample in samples)
