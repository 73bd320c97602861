"""The role pr-reviewer: reads a change and reports findings, with a record of what was read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.pr_reviewer.job import PARTS, ReviewJob
from agents.pr_reviewer.report import ModelReview
from agents.role import Setup
from stack.work.kinds import Brief
from stack.work.review import ReviewChange

TABLE: Mapping[type[Brief[Any]], Setup] = {
    ReviewChange: Setup(
        system_prompt=(Path(__file__).parent / "prompt.md").read_text(),
        schema=ModelReview.model_json_schema(),
        begin=ReviewJob.begin,
        parts=PARTS,
        recorded_tools=("Read",),
    )
}
