"""The story of a summary: fetch, read, ask, post, look that it is there."""

from orchestrator.journal import Steps
from stack.messages import Ending, Link, Question
from stack.work.review import FetchPullRequest
from stack.work.summary import PostSummary, StartSummary, SummariseChange

POST, DISCARD = "Post", "Discard"


def summary(steps: Steps, ask: StartSummary) -> Ending:
    """Summarises a pull request, and posts the summary where a person says so. Raises Cancelled or Failed."""
    name = f"{ask.repository}#{ask.number}"
    pull = steps.call("fetch", FetchPullRequest(repository=ask.repository, number=ask.number))
    change = SummariseChange(repository=pull.repository, base_sha=pull.merge_base, head_sha=pull.head_sha)
    found = steps.call("summarise", change)
    text = f"Summary of {name}. Post it?"
    shown = Question(question="post", text=text, details=found.lines, choices=(POST, DISCARD))
    if steps.ask(shown, otherwise=DISCARD) != POST:
        return Ending(state="cancelled", headline=f"{name}: discarded. Nothing was posted.")
    posted = steps.call("post", PostSummary(repository=pull.repository, number=pull.number, lines=found.lines))
    return Ending(
        state="verified" if posted.proven else "unproven",
        headline=f"{name} summarised",
        details=() if posted.proven else ("GitHub does not show the comment as it was sent",),
        links=(Link(label="Summary", url=posted.url), Link(label="Pull request", url=pull.url)),
    )
