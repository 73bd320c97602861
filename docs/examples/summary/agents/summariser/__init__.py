"""The role summariser: reads a change and says in a few lines what it does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.role import Setup
from agents.summariser.job import PARTS, SummaryJob
from stack.work.kinds import Brief
from stack.work.summary import SummariseChange

TABLE: Mapping[type[Brief[Any]], Setup] = {
    SummariseChange: Setup(
        system_prompt=(Path(__file__).parent / "prompt.md").read_text(),
        schema=None,  # it ends in a text
        begin=SummaryJob.begin,
        parts=PARTS,
        tier="haiku",
    )
}
