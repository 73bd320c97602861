"""What the model hands in, as it is asked for."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stack.work.remarks import Kind, Verdict
from stack.work.review import Finding

MOST_FINDINGS = 200  # of a review, by each of the two ways


class ModelFinding(Finding):
    """A finding as it is asked for, by either way: what it is about is said, for by that it is known again."""

    kind: Kind


class ModelReview(BaseModel):
    """The model's own part of a review. What was read is not asked of it: the runner's record knows.

    `findings` are those that were not handed in by the tool; `withdrawn` has numbers of those that were, and are wrong;
    `fixed` has numbers of our own remarks on the pull request that the change has dealt with.
    """

    model_config = ConfigDict(extra="forbid")

    summary: str = Field(max_length=20_000)
    findings: list[ModelFinding] = Field(max_length=MOST_FINDINGS)
    withdrawn: list[int] = Field(default=[], max_length=MOST_FINDINGS)
    fixed: list[int] = Field(default=[], max_length=1000)


class ModelCheck(BaseModel):
    """A verdict on each finding, by its number."""

    model_config = ConfigDict(extra="forbid")

    verdicts: list[Verdict] = Field(max_length=2 * MOST_FINDINGS)


def complaint(error: ValidationError) -> str:
    """The first thing that is wrong, and where, in words for the model."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
