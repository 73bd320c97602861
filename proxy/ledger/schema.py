"""The tables of the ledger, in SQL that SQLite and Postgres both understand. Micro-dollars, seconds.

TABLES are what a new ledger gets; MIGRATIONS bring an earlier one to the same, step by step.
"""

from collections.abc import Mapping, Sequence

from proxy.ledger.database import Statements
from proxy.ledger.records import LedgerTooNew

Migrations = Mapping[int, Sequence[str]]  # version → what makes it of the one before

# A change to TABLES takes the next number and a step here, which is never changed once it is released. Version 1 is
# that of commit 64aaa5c. `{serial}` and `{clustered}` stand for the same as in TABLES.
MIGRATIONS: Migrations = {}
VERSION = max(MIGRATIONS, default=1)

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")
COUNTS = (*TOKENS, "web_searches", "micro_dollars")
# upper ends of the buckets of a call's duration, in seconds: `within_5` counts all calls that took 5 seconds at most
BUCKETS = (1, 2, 5, 10, 30, 60, 120, 300)

# what is said of a call both while it is under way and afterwards; times are seconds since the epoch
OF_A_CALL = (
    "at", "run", "task", "attempt", "person", "role", "client", "session", "route", "asked", "provider", "model",
)  # fmt: skip
_OF_A_CALL = """
    at DOUBLE PRECISION NOT NULL,
    run TEXT NOT NULL, task TEXT NOT NULL, attempt INTEGER NOT NULL, person TEXT NOT NULL, role TEXT NOT NULL,
    client TEXT NOT NULL, session TEXT NOT NULL, route TEXT NOT NULL, asked TEXT NOT NULL,
    provider TEXT NOT NULL, model TEXT NOT NULL,
"""
_COUNTS = ", ".join(f"{name} BIGINT NOT NULL" for name in COUNTS)

# {serial}: a key that counts up and never takes a number twice; {clustered}: rows live in the index of the key
TABLES = (
    # what each account has paid, and what calls under way may still cost it
    """CREATE TABLE accounts (
        account TEXT PRIMARY KEY, spent BIGINT NOT NULL, held BIGINT NOT NULL) {clustered}""",
    # calls under way; `accounts` joins the names of those that pay with newlines
    f"""CREATE TABLE holds (
        id {{serial}}, worker TEXT NOT NULL, accounts TEXT NOT NULL, {_OF_A_CALL}
        held BIGINT NOT NULL, least BIGINT NOT NULL, least_input BIGINT NOT NULL)""",
    # calls that ended
    f"""CREATE TABLE calls (
        id {{serial}}, {_OF_A_CALL} {_COUNTS},
        seconds DOUBLE PRECISION NOT NULL, first_seconds DOUBLE PRECISION, status INTEGER NOT NULL,
        outcome TEXT NOT NULL, streamed INTEGER NOT NULL, tried TEXT NOT NULL, fallbacks INTEGER NOT NULL,
        reason TEXT NOT NULL)""",
    "CREATE INDEX calls_of_run ON calls (run)",
    "CREATE INDEX calls_by_time ON calls (at)",
    # the same calls, summed up by the hour in which they began (hours since the epoch)
    f"""CREATE TABLE hours (
        hour BIGINT NOT NULL, route TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, role TEXT NOT NULL,
        outcome TEXT NOT NULL, calls BIGINT NOT NULL, {_COUNTS}, fallbacks BIGINT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL, first_seconds DOUBLE PRECISION NOT NULL,
        {", ".join(f"within_{bucket} BIGINT NOT NULL" for bucket in BUCKETS)},
        PRIMARY KEY (hour, route, provider, model, role, outcome))""",
    # one row for each worker: when it last showed that it lives
    "CREATE TABLE workers (worker TEXT PRIMARY KEY, seen DOUBLE PRECISION NOT NULL)",
    # breakers that are not closed; a worker writes its own
    """CREATE TABLE breakers (
        provider TEXT NOT NULL, worker TEXT NOT NULL, state TEXT NOT NULL, until DOUBLE PRECISION NOT NULL,
        reason TEXT NOT NULL, PRIMARY KEY (provider, worker))""",
    # client keys: `hash` is the SHA-256 of the key in hexadecimal; limits are NULL where there is none
    """CREATE TABLE client_keys (
        name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, made DOUBLE PRECISION NOT NULL,
        expires DOUBLE PRECISION, revoked DOUBLE PRECISION,
        total_micro BIGINT, day_micro BIGINT, month_micro BIGINT)""",
)


def make_tables(statements: Statements, migrations: Migrations = MIGRATIONS, /, *, serial: str, clustered: str) -> None:
    """Makes the tables where there are none yet, and brings those of an earlier version up to date.

    In one transaction: whole or not at all. Raises LedgerTooNew for those of a later version.
    """
    latest = max(migrations, default=1)
    statements.execute("CREATE TABLE IF NOT EXISTS ledger_version (version INTEGER NOT NULL)")
    found = statements.execute("SELECT max(version) FROM ledger_version")[0][0]
    if found is not None and found > latest:
        raise LedgerTooNew(f"the ledger has tables of version {found}; this program knows those up to {latest}")
    steps = [TABLES] if found is None else [migrations[number] for number in range(found + 1, latest + 1)]
    for step in steps:
        for sql in step:
            statements.execute(sql.replace("{serial}", serial).replace("{clustered}", clustered))
    if found is None:
        statements.execute("INSERT INTO ledger_version (version) VALUES (?)", (latest,))
    elif steps:
        statements.execute("UPDATE ledger_version SET version = ?", (latest,))
