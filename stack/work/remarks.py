"""What is remarked on a change, and what became of that: the values that the work of a review passes around."""

from typing import Literal

from pydantic import Field

from stack.values import Sha, Value

Severity = Literal["critical", "high", "medium", "low"]
Side = Literal["LEFT", "RIGHT"]
# What a finding is about. Two findings at one place are the same where they are of one kind, whatever their words.
Kind = Literal[
    "correctness", "security", "data_loss", "concurrency", "resources", "contract", "error_handling", "performance",
    "tests", "maintainability", "other",
]  # fmt: skip


class Dismissed(Value):
    """A finding that a person wants to hear no more of in a repository: of this kind, on a line with this digest."""

    path: str
    kind: Kind
    anchor: str
    reason: str = Field(default="", max_length=1000)


class Estimate(Value):
    """What a review will likely cost, in dollars, as a band; both 0: not known."""

    low: float = Field(default=0, ge=0)
    high: float = Field(default=0, ge=0)


class Earlier(Value):
    """Our last posted review of the pull request: of which head, and which files it read whole (as Review.read)."""

    head_sha: Sha
    url: str = ""
    clean: bool = False
    complete: bool = False
    read: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it


UNKNOWN_THREAD = "?"  # GitHub did not say what has become of a remark: it stands


class Said(Value):
    """A remark that stands on the lines of a pull request. `text` is a stranger's, unless it is `ours`.

    `start_line` to `line` is where GitHub shows it in the present diff; 0: it shows it on none. `kind` and `anchor` (a
    digest of the line that it was made on) are known of ours alone, from what we signed. `thread` is GitHub's id of its
    thread; a person who resolved it counts where they may write to the repository.
    """

    number: int = Field(ge=1)
    author: str
    ours: bool = False
    path: str
    side: Side = "RIGHT"
    start_line: int = Field(default=0, ge=0)
    line: int = Field(default=0, ge=0)
    text: str = Field(max_length=2000)
    kind: Kind = "other"
    anchor: str = ""
    thread: str = ""
    resolved_by: Literal["", "us", "person"] = ""


class Verdict(Value):
    """What the second look says of one finding, by its number in the list, from 1; the reason is kept for people."""

    number: int = Field(ge=1)
    holds: bool
    pre_existing: bool = False
    severity: Severity
    reason: str = Field(max_length=1000)


class Remark(Value):
    """A comment on lines of the diff, as it is posted. `start_line` is given where it is on several."""

    path: str
    line: int = Field(ge=1)
    side: Side
    start_line: int | None = None
    body: str


class Placed(Value):
    """A finding as the draft has it, by its number in lists for people. `anchor` is a digest of its line.

    `where` it stands: on lines, in the text (also what is pre-existing), or nowhere: it was said before, by us or by
    somebody else, or dismissed.
    """

    number: int = Field(ge=1)
    path: str
    line: int
    side: Side
    severity: Severity
    kind: Kind
    title: str
    anchor: str
    where: Literal["line", "text", "said", "dismissed", "pre_existing"]
