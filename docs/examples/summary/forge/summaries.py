"""One summary per run under a pull request, however often it is asked for, and a look at GitHub that it is there."""

from forge.github import GitHub, NotFound, Posted
from forge.locks import Locks
from forge.markdown import line
from forge.marks import Facts, Marks
from stack.assignment import Assignment
from stack.errors import GiveUp
from stack.work.summary import PostedSummary, PostSummary


class Summaries:
    """Posts summaries. There must be one of it: its locks keep two workers from posting at once."""

    def __init__(self, *, github: GitHub, marks: Marks) -> None:
        self._github = github
        self._marks = marks
        self._locks = Locks()

    def post(self, brief: PostSummary, at: Assignment) -> PostedSummary:
        """Posts the run's summary unless it is there, and tells what GitHub then shows.

        Raises TryAgain where GitHub takes none now, GiveUp where it will not have this one.
        """
        path = f"/repos/{brief.repository}/issues/{brief.number}/comments"
        mark = {"is": "summary", "run": str(at.run_id)}
        with self._locks[path]:
            at.say("Posting the summary")
            try:
                # whatever became of an earlier attempt: what it posted is there
                posted = self._with(mark, path) or self._send(brief, mark, path, at)
                shown = self._with(mark, path)
            except NotFound as error:
                raise GiveUp("The pull request is gone, or the token may not write comments there") from error
        return PostedSummary(url=posted.html_url, proven=shown == posted)

    def _with(self, mark: Facts, path: str) -> Posted | None:
        ours = self._github.ours(Posted, path)
        return next((comment for comment in ours if mark in self._marks.read(comment.body)), None)

    def _send(self, brief: PostSummary, mark: Facts, path: str, at: Assignment) -> Posted:
        at.stop.check()  # the last moment: from here on it may be there
        text = [f"- {line(one)}" for one in brief.lines]
        return self._github.post(Posted, path, {"body": "\n".join([*text, "", self._marks.line(mark)])})
