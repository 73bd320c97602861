"""A task in, its result out; whatever happens, there is a result."""

import logging
from typing import Protocol

from forge.pulls import Pulls
from forge.reviews import Reviews
from stack.errors import GiveUp, TryAgain
from stack.logs import about
from stack.messages import (
    AnyMessage,
    Failure,
    FetchPullRequest,
    Message,
    PostReview,
    Progress,
    PullRequest,
    Receipt,
    Result,
    Signal,
    Task,
)

log = logging.getLogger(__name__)


class Sender(Protocol):
    """What the handler needs of a Publisher."""

    def publish(self, message: Message) -> None: ...

    def mention(self, message: Progress | Signal) -> None: ...


class Handler:
    """Works on the tasks of the forge's queue; may be called from several threads."""

    def __init__(self, *, sender: Sender, pulls: Pulls, reviews: Reviews) -> None:
        self._sender = sender
        self._pulls = pulls
        self._reviews = reviews

    def __call__(self, message: AnyMessage) -> None:
        """Works on a task and publishes its result. Raises TryAgain where the result could not be published."""
        if not isinstance(message, Task):
            raise GiveUp(f"a {message.type} is not for the forge")
        with about(message.run_id):
            outcome = self._outcome(message)
            result = Result(task_id=message.id, run_id=message.run_id, attempt=0, outcome=outcome)
            self._sender.publish(result)

    def _outcome(self, task: Task) -> PullRequest | Receipt | Failure:
        try:
            return self._work(task)
        except TryAgain as error:
            log.warning("%s: to be tried again: %s", task.step, error)
            return Failure(what=str(error), next="retry")
        except GiveUp as error:
            log.warning("%s: given up: %s", task.step, error)
            return Failure(what=str(error), next="give_up")
        except Exception:
            log.exception("%s", task.step)
            return Failure(what="the forge had an internal error", next="retry")

    def _work(self, task: Task) -> PullRequest | Receipt:
        match task.brief:
            case FetchPullRequest() as brief:
                pull = self._pulls.fetch(brief, lambda text: self._say(task, text))
                self._hop(task, "forge.fetched")
                return pull
            case PostReview() as brief:
                receipt = self._reviews.post(brief, task.run_id, lambda text: self._say(task, text))
                self._hop(task, "forge.posted")
                return receipt
        raise GiveUp(f"the forge does not know how to {task.brief.do}")

    def _say(self, task: Task, text: str) -> None:
        self._sender.mention(Progress(run_id=task.run_id, source="forge", kind="step", text=text))

    def _hop(self, task: Task, name: str) -> None:
        self._sender.mention(Progress(run_id=task.run_id, source="forge", kind="hop", text=name))
