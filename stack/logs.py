"""Structured logs: a JSON object a line on standard error, with the run id, and never a secret."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import UUID

_run: ContextVar[UUID | None] = ContextVar("run", default=None)

# Shapes of keys that people use, in case one arrives by a way that we did not foresee:
# GitHub (ghp_, github_pat_), Anthropic and OpenAI (sk-), the gateway's own (gk-), Telegram bots (digits:35 letters),
# our own tokens' bearer.
SECRET_SHAPES = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|sk-[A-Za-z0-9_-]{16,}|gk-[A-Za-z0-9_-]{30,}"
    r"|\b\d{6,}:[A-Za-z0-9_-]{30,}"
    r"|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{16,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
HIDDEN = "[hidden]"
MOST_CHARACTERS = 20_000  # of one record that travels


@contextmanager
def about(run_id: UUID) -> Iterator[None]:
    """Log records made inside carry this run id."""
    token = _run.set(run_id)
    try:
        yield
    finally:
        _run.reset(token)


def set_up(service: str, *, level: str, secrets: Callable[[], Iterable[str]]) -> "Redactor":
    """Sends all logs of this process to standard error as JSON lines, without `secrets`, which are asked for at each
    line: they may be renewed. Returns what hides them."""
    redactor = Redactor(secrets=secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service, redactor))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for chatty in ("urllib3", "waitress", "aiogram.event"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # stack.broker tells of each lost connection, and agents.claude of how Claude Code ended, once
    for told_already in ("pika", "claude_agent_sdk"):
        logging.getLogger(told_already).setLevel(logging.CRITICAL)
    return redactor


class Redactor:
    """Takes secrets out of a text: the exact values that it knows, and what has the shape of a key."""

    def __init__(self, hidden: Iterable[str] = (), *, secrets: Callable[[], Iterable[str]] = tuple) -> None:
        self._now = secrets
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.hide([*hidden, *secrets()])

    def hide(self, secrets: Iterable[str]) -> None:
        """Takes these out too, from now on."""
        known = self._secrets.union(s for s in secrets if len(s) >= 6)  # a short value would hide ordinary words
        if len(known) > len(self._secrets):
            self._known = re.compile("|".join(sorted(map(re.escape, known), key=len, reverse=True)))
            self._secrets = known  # last: other threads look here whether there is something new

    def __call__(self, text: str) -> str:
        self.hide(self._now())
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return SECRET_SHAPES.sub(HIDDEN, text)


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def __init__(self, service: str, redact: Redactor) -> None:
        super().__init__()
        self._service = service
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        run_id = _run.get()
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if run_id:
            line["run"] = str(run_id)
        if record.exc_info:
            line["exception"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class RunRecords(logging.Handler):
    """Hands each log record of a run on, redacted: `send(run_id, level, text)`. May lose some; never raises."""

    def __init__(self, redact: Redactor, send: Callable[[UUID, str, str], None]) -> None:
        super().__init__(logging.INFO)
        self._redact = redact
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        run_id = _run.get()
        if run_id is None or record.name.startswith(("pika", "stack.broker")):
            return
        try:
            text = logging.Formatter().format(record)
            self._send(run_id, record.levelname.lower(), self._redact(text)[:MOST_CHARACTERS])
        except Exception:
            return  # the record itself is on standard error; to log must not break the work that is logged
