"""The role pr-reviewer: reads a change and reports findings, with a record of what was read; and checks findings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.pr_reviewer.change import PARTS
from agents.pr_reviewer.check import CheckJob
from agents.pr_reviewer.job import FINDING, ReviewJob
from agents.pr_reviewer.report import ModelCheck, ModelReview
from agents.role import Setup
from stack.work.kinds import Brief
from stack.work.review import CheckFindings, ReviewChange

FOLDER = Path(__file__).parent

TABLE: Mapping[type[Brief[Any]], Setup] = {
    ReviewChange: Setup(
        system_prompt=(FOLDER / "prompt.md").read_text(),
        schema=ModelReview.model_json_schema(),
        begin=ReviewJob.begin,
        parts=PARTS,
        own_tools=(FINDING,),
        recorded_tools=("Read",),
    ),
    CheckFindings: Setup(
        system_prompt=(FOLDER / "check.md").read_text(),
        schema=ModelCheck.model_json_schema(),
        begin=CheckJob.begin,
        parts=PARTS,
        tier="haiku",
        max_turns=40,
    ),
}
