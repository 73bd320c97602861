"""What the model hands in, as it is asked for."""

from pydantic import BaseModel, ConfigDict, Field

from stack.work.review import Finding


class ModelReview(BaseModel):
    """The model's own part of a review. What was read is not asked of it: the runner's record knows."""

    model_config = ConfigDict(extra="forbid")

    summary: str = Field(max_length=20_000)
    findings: list[Finding] = Field(max_length=200)
