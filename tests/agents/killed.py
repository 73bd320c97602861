"""`python -m tests.agents.killed FOLDER MODEL_URL TASK_ID`: an agent at work, for a test to kill."""

import os
import sys
from pathlib import Path
from uuid import UUID

from tests.agents.conftest import FINDINGS, Agent, assignment, setup

if __name__ == "__main__":
    folder, model_url, task_id = sys.argv[1:]
    kept = {"PATH": os.environ["PATH"]}
    os.environ.clear()
    os.environ.update(kept)
    Agent(Path(folder), model_url).work(assignment(task_id=UUID(task_id)), setup(schema=FINDINGS))
