"""Logs: a JSON object a line, with the run, without a secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from stack.logs import HIDDEN, JsonLines, Redactor, RunRecords, about, set_up
from tests.stack.samples import RUN

SECRET = "not+a/secret=(at all)"
# Each has the shape of somebody's key; none is one.
SHAPES = (
    "ghp_" + "x" * 36,
    "gho_" + "x" * 36,
    "github_pat_" + "x" * 40,
    "sk-ant-" + "x" * 24,
    "123456789:" + "x" * 35,
    "Bearer " + "x" * 20,
    "authorization: bearer eyJ" + "x" * 20,
)


class Log:
    """A logger and what it wrote."""

    def __init__(self) -> None:
        self._written = io.StringIO()
        handler = logging.StreamHandler(self._written)
        handler.setFormatter(JsonLines("shop", Redactor([SECRET])))
        self.logger = logging.Logger("shop.orders", logging.DEBUG)
        self.logger.addHandler(handler)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._written.getvalue().splitlines()]

    @property
    def text(self) -> str:
        return self._written.getvalue()


@pytest.fixture
def log() -> Log:
    return Log()


def fail(text: str) -> None:
    raise ValueError(text)


def test_a_record_is_a_line_of_json(log: Log) -> None:
    log.logger.warning("two\nlines and %s", "ü\u2028")
    (line,) = [json.loads(text) for text in log.text.removesuffix("\n").split("\n")]
    assert (line["level"], line["service"], line["logger"]) == ("warning", "shop", "shop.orders")
    assert line["message"] == "two\nlines and ü\u2028"
    assert line["at"].endswith("+00:00")


def test_a_record_names_its_run(log: Log) -> None:
    with about(RUN):
        log.logger.info("inside")
    log.logger.info("outside")
    assert [line.get("run") for line in log.lines()] == [str(RUN), None]


def test_exact_values_are_hidden(log: Log) -> None:
    log.logger.info("it is %s, %r", SECRET, {"key": SECRET})
    assert SECRET not in log.text
    assert log.lines()[0]["message"].count(HIDDEN) == 2


@pytest.mark.parametrize("secret", SHAPES)
def test_what_looks_like_a_key_is_hidden(log: Log, secret: str) -> None:
    log.logger.info("see %s here", secret)
    assert secret.split()[-1] not in log.text
    assert log.lines()[0]["message"].endswith(" here")


def test_a_password_in_an_address_is_hidden(log: Log) -> None:
    log.logger.info("amqp://bot:not-a-password@rabbitmq:5672/%2F")
    assert log.lines()[0]["message"] == f"amqp://{HIDDEN}@rabbitmq:5672/%2F"


@pytest.mark.parametrize("secret", [SECRET, SHAPES[0]])
def test_secrets_in_exceptions_are_hidden(log: Log, secret: str) -> None:
    try:
        try:
            fail(f"the cause: {secret}")
        except ValueError as error:
            raise RuntimeError(secret) from error
    except RuntimeError:
        log.logger.exception("it failed")
    (line,) = log.lines()
    assert secret not in log.text
    assert "the cause: [hidden]" in line["exception"]
    assert "RuntimeError" in line["exception"]


def test_ordinary_words_stay(log: Log) -> None:
    text = "risk-averse people at 12:30 on https://example.test/a:b went to commit " + "a" * 40
    log.logger.info(text)
    assert log.lines()[0]["message"] == text


def test_a_secret_too_short_to_tell_from_words_hides_nothing() -> None:
    assert Redactor(["a", ""])("a cat") == "a cat"


def test_of_two_secrets_the_longer_one_is_hidden_whole() -> None:
    assert Redactor(["not-a-key", "not-a-key-but-longer"])("not-a-key-but-longer") == HIDDEN


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    yield
    logging.captureWarnings(False)
    root.handlers, logging.raiseExceptions = handlers, raising
    root.setLevel(level)


@pytest.mark.usefixtures("_logging_as_it_was")
def test_set_up_sends_all_logs_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    redact = set_up("shop", level="info", secrets=lambda: [SECRET])
    logging.getLogger("anything").info(SECRET)
    logging.getLogger("anything").debug("too much")
    logging.getLogger("pika.adapters").info("too much")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == HIDDEN == redact(SECRET)


# --- records that travel ------------------------------------------------------------------------------


class Sent:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.records: list[tuple[UUID, str, str]] = []

    def __call__(self, run_id: UUID, level: str, text: str) -> None:
        self.records.append((run_id, level, text))


def travelling(send: Any) -> logging.Logger:
    logger = logging.Logger("shop.orders", logging.DEBUG)
    logger.addHandler(RunRecords(Redactor([SECRET]), send))
    return logger


def test_records_of_a_run_are_sent_redacted() -> None:
    sent = Sent()
    logger = travelling(sent)
    logger.info("of no run")
    with about(RUN):
        logger.debug("too much")
        logger.info("it is %s", SECRET)
        try:
            fail(SECRET)
        except ValueError:
            logger.exception("it failed")
    assert sent.records[0] == (RUN, "info", "it is [hidden]")
    assert sent.records[1][2].startswith("it failed\nTraceback")
    assert SECRET not in str(sent.records)
    assert len(sent.records) == 2


def test_records_of_the_broker_do_not_travel_through_the_broker() -> None:
    sent = Sent()
    logger = logging.Logger("stack.broker", logging.DEBUG)
    logger.addHandler(RunRecords(Redactor([]), sent))
    with about(RUN):
        logger.warning("the connection was lost")
    assert sent.records == []


def test_a_record_that_travels_is_not_endless() -> None:
    sent = Sent()
    with about(RUN):
        travelling(sent).info("x" * 1_000_000)
    assert len(sent.records[0][2]) == 20_000


def test_logging_never_fails_the_work_that_is_logged() -> None:
    def send(*_: object) -> None:
        raise ValueError("it cannot be sent")

    with about(RUN):
        travelling(send).info("hello")
        travelling(Sent()).info("%d things", "wrong")
