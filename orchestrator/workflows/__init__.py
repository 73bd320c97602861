"""The workflows: each is a plain function that reads like the story of the work, made durable under its name."""

import logging
from collections.abc import Callable
from uuid import UUID

from dbos import DBOS

from orchestrator.steps import Cancelled, Failed, Steps
from orchestrator.workflows.review import review
from stack.logs import about
from stack.messages import Ending, Request

log = logging.getLogger(__name__)

Story = Callable[[Steps, UUID, Request], Ending]
STORIES: dict[str, Story] = {"review": review}


def register(steps: Steps) -> dict[str, Callable[[str], None]]:
    """The workflows by name, durable. Call it once, before DBOS is launched."""
    return {name: _durable(name, story, steps) for name, story in STORIES.items()}


def _durable(name: str, story: Story, steps: Steps) -> Callable[[str], None]:
    # The model is paid for once whatever happens: a claim allows two attempts in all. So recovery itself needs no
    # tight limit, and a run must not be lost because the orchestrator was restarted often.
    @DBOS.workflow(name=name, max_recovery_attempts=1000)
    def workflow(run_id: str) -> None:
        with about(UUID(run_id)):
            _tell(story, steps, UUID(run_id))

    return workflow


def _tell(story: Story, steps: Steps, run_id: UUID) -> None:
    """Runs the story and ends the run with what came of it, in words."""
    request = steps.begin(run_id)
    try:
        ending = story(steps, run_id, request)
    except Cancelled:
        ending = Ending(state="cancelled", headline="Stopped, as you asked. Nothing was posted.")
    except Failed as failure:
        ending = Ending(state="failed", headline=str(failure))
    except Exception:
        log.exception("the workflow has a fault")
        ending = Ending(state="failed", headline="Something went wrong inside the stack; its log says what.")
    steps.finish(run_id, ending)
