"""What a test can make the next answers do: lies and refusals to say, faults to suffer."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from sim.not_anthropic.conversation import REPORT_TOOL
from sim.not_anthropic.schema import fill
from sim.not_anthropic.wire import TEXT_PIECE, Answer, Text, ToolUse

Schema = Mapping[str, Any]

CLAIM = "I have read every line of every changed file and posted the review on the pull request myself."
NOTHING_FOUND = "I have read every line of every changed file. Nothing needs to change."

FAULTS = {
    "hang": "accepts the request and says nothing until the client goes, for an hour at most",
    "hang_mid_stream": "begins to answer, then falls silent",
    "cut": "drops the connection in the middle of the answer",
    "error": "answers with `status` (529), and `retry_after` seconds if given",
    "slow": "answers as usual, `delay_seconds` late",
    "drip": "thinks aloud in `pieces` pieces, one every `delay_seconds`, and answers as usual in the same message",
}
WORDS = {
    "claim": "reports at once, without reading, that all was read and the review is posted",
    "claim_reading_nothing_found": "reports at once, without reading, that all was read and is well",
    "text_only": "never calls the report's tool",
    "invalid_report": "reports what the schema does not allow",
    "refusal": "declines",
}
CHECK = "check"
OTHER = {
    CHECK: "as usual, but in a second look at findings it says `verdicts`, a list, of those that they name by `number`",
}
THEN = "findings_then_"
LATER = {
    f"{THEN}{kind}": f"as usual until `findings` (2) of them are noted by their tool; then it {does}"
    for kind, does in (FAULTS | WORDS).items()
    if kind not in ("slow", "drip")
}
KINDS = FAULTS | WORDS | OTHER | LATER


class BadScenario(ValueError):
    """A scenario that cannot be played; says why."""


@dataclass(frozen=True)
class Scenario:
    """One way to behave, for the next `count` answers or, without it, for all."""

    kind: str
    count: int | None = None
    status: int = 529
    retry_after: float | None = None
    delay_seconds: float = 0
    pieces: int = 20
    report: dict[str, Any] | None = None
    findings: int = 2
    verdicts: tuple[dict[str, Any], ...] = ()

    @property
    def then(self) -> "Scenario":
        """What follows once so many findings are noted; itself where it does not wait for that."""
        return replace(self, kind=self.kind.removeprefix(THEN))

    @property
    def waits(self) -> bool:
        """Whether all is as usual until findings are noted."""
        return self.kind.startswith(THEN)

    @classmethod
    def read(cls, data: Any) -> "Scenario":
        """A scenario from JSON. Raises BadScenario."""
        names = [field.name for field in fields(cls)]
        if not isinstance(data, dict) or not data.keys() <= set(names):
            raise BadScenario(f"a scenario is an object with some of: {', '.join(names)}")
        if data.get("kind") not in KINDS:
            raise BadScenario(f"kind is one of: {', '.join(KINDS)}")
        data = {name: value for name, value in data.items() if value is not None}
        for name in ("count", "status", "retry_after", "delay_seconds", "pieces", "findings"):
            if not isinstance(data.get(name, 0), int | float):
                raise BadScenario(f"{name} is a number")
        if not isinstance(data.get("report", {}), dict):
            raise BadScenario("report is an object: the report tool's input")
        if not all(isinstance(verdict, dict) for verdict in data.get("verdicts", [])):
            raise BadScenario("verdicts are a list of objects, each with the number of its finding")
        if not 400 <= data.get("status", 529) <= 599:
            raise BadScenario("status is that of an error, 400 to 599")
        return cls(**data)


def words(scenario: Scenario, schema: Schema | None) -> Answer:
    """What is said in a scenario of words, to a request whose report tool has that schema."""
    if schema is None or scenario.kind in ("text_only", "refusal"):
        return _SAID.get(scenario.kind, _SAID["claim"])
    report = _REPORTS[scenario.kind](schema) if scenario.report is None else scenario.report
    return Answer((ToolUse(REPORT_TOOL, report),))


def aloud(answer: Answer, pieces: int) -> Answer:
    """The answer with so many pieces of text before it."""
    thought = Text("Let me think about this.".ljust(TEXT_PIECE) * pieces)
    return Answer((thought, *answer.blocks), answer.stop_reason)


_SAID = {
    "text_only": Answer((Text("The review is done. It needs no report."),)),
    "refusal": Answer((), stop_reason="refusal"),
    "claim": Answer((Text(CLAIM),)),
}
_REPORTS: dict[str, Callable[[Schema], dict[str, Any]]] = {
    "claim": lambda schema: fill(schema, {"summary": CLAIM, "findings": []}),
    "claim_reading_nothing_found": lambda schema: fill(schema, {"summary": NOTHING_FOUND, "findings": []}),
    "invalid_report": lambda schema: dict.fromkeys(schema.get("properties", {})) | {"summary": 7},
}


class Stage:
    """The scenario that is on, if any. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scenario: Scenario | None = None
        self._left: int | None = None

    def set(self, scenario: Scenario | None) -> None:
        """Puts a scenario on in place of the last one; None ends it."""
        with self._lock:
            self._scenario = scenario
            self._left = scenario.count if scenario else None

    def take(self) -> Scenario | None:
        """The scenario for one answer more."""
        with self._lock:
            if self._scenario is None or self._left == 0:
                return None
            if self._left is not None:
                self._left -= 1
            return self._scenario
