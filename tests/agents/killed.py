"""`python -m tests.agents.killed FOLDER MODEL_URL TASK_ID [BRIEF CACHE KEPT]`: an agent at work, for a test to kill.

With a brief (JSON) it reviews: the change is in the repository CACHE, and pieces go into the file KEPT, one a line.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from agents.pr_reviewer import TABLE
from stack.work.review import ReviewChange
from tests.agents.conftest import FINDINGS, Agent, assignment, setup
from tests.agents.reviewing import Local


def keep(piece: dict[str, Any]) -> None:
    """Stores a piece beside this process."""
    with Path(kept[0]).open("a") as file:
        file.write(json.dumps(piece) + "\n")


if __name__ == "__main__":
    folder, model_url, task_id, *review = sys.argv[1:]
    environment = {"PATH": os.environ["PATH"]}
    os.environ.clear()
    os.environ.update(environment)
    agent = Agent(Path(folder), model_url)
    if review:
        brief, cache, *kept = review
        agent.caches = Local(Path(cache))
        at = assignment(ReviewChange.model_validate_json(brief), task_id=UUID(task_id))
        at.store = keep
        agent.report(at, TABLE[ReviewChange])
    else:
        agent.work(assignment(task_id=UUID(task_id)), setup(schema=FINDINGS))
