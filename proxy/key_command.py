"""`python -m proxy keys`: keys for people who use the gateway alone."""

import argparse
import sys
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from proxy.ledger.keys import ClientKey, ClientKeys
from proxy.ledger.ledger import open_database
from proxy.ledger.records import LedgerAway, LedgerTooNew
from proxy.prices import MICRO

ABOUT = """\
A client key opens the gateway for a person without the rest of the stack: Claude Code takes it as
ANTHROPIC_AUTH_TOKEN, beside ANTHROPIC_BASE_URL. It is shown once; the ledger keeps only its hash."""
TRY = """\
example:
  python -m proxy keys add laptop --day 5 --month 50 --expires 2027-12-31"""


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `keys` to the commands of a program."""
    form = argparse.RawDescriptionHelpFormatter
    keys = subparsers.add_parser("keys", help="keys for people", description=ABOUT, epilog=TRY, formatter_class=form)
    verbs = keys.add_subparsers(dest="verb", required=True, metavar="VERB")
    add = verbs.add_parser("add", help="make a key and show it, once")
    add.add_argument("name", metavar="NAME", help="of a person or a machine: a-z, 0-9, dot, underscore, hyphen")
    for period, said in (("total", "in all"), ("day", "a day"), ("month", "a month")):
        add.add_argument(f"--{period}", type=_dollars, metavar="USD", help=f"most that it may spend {said}")
    add.add_argument("--expires", type=_day, metavar="YYYY-MM-DD", help="the first day on which it opens no more (UTC)")
    revoke = verbs.add_parser("revoke", help="end a key, at once and for good")
    revoke.add_argument("name", metavar="NAME")
    verbs.add_parser("list", help="list all keys")


def run(arguments: argparse.Namespace, ledger: str | Path) -> int:
    """Does what was asked; the exit status."""
    try:
        database = open_database(ledger)
    except (LedgerAway, LedgerTooNew) as error:
        print(f"the ledger cannot be opened: {error}", file=sys.stderr)
        return 1
    try:
        print(_done(arguments, ClientKeys(database)))
    except (ValueError, LedgerAway) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        database.close()
    return 0


def _done(arguments: argparse.Namespace, keys: ClientKeys) -> str:
    match arguments.verb:
        case "add":
            return keys.make(
                arguments.name, expires=arguments.expires, total_micro=arguments.total, day_micro=arguments.day,
                month_micro=arguments.month,
            )  # fmt: skip
        case "revoke":
            keys.revoke(arguments.name)
            return f"{arguments.name} opens nothing any more"
        case _:
            return "\n".join(map(_line, keys.list())) or "there is no key yet: python -m proxy keys add NAME"


def _line(key: ClientKey) -> str:
    limits = [
        f"${micro / MICRO:g} {said}"
        for micro, said in ((key.total_micro, "in all"), (key.day_micro, "a day"), (key.month_micro, "a month"))
        if micro is not None
    ]
    if key.revoked:
        state = f"revoked {_date(key.revoked)}"
    else:
        state = f"expires {_date(key.expires)}" if key.expires else "does not expire"
    return f"{key.name:<20} made {_date(key.made)}, {state}, {', '.join(limits) or 'no limit of its own'}"


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _dollars(text: str) -> int:
    try:
        found = int(Decimal(text) * MICRO)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError("dollars, such as 5 or 2.50") from error
    if not 0 < found < 10**15:
        raise argparse.ArgumentTypeError("dollars, more than 0")
    return found


def _day(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day, such as 2027-12-31") from error
