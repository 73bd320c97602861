"""The role pr-reviewer: reads a pull request and reports findings, with a record of what was read."""

from pathlib import Path

from agents.pr_reviewer.job import ReviewJob
from agents.pr_reviewer.report import ModelReview
from agents.role import Role

ROLE = Role(
    name="pr_reviewer",
    system_prompt=(Path(__file__).parent / "prompt.md").read_text(),
    schema=ModelReview.model_json_schema(),
    begin=ReviewJob.begin,
)
