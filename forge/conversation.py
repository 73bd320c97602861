"""What stands on a pull request already: remarks on lines, ours and other people's, and what became of them."""

import logging
from collections import defaultdict
from typing import Any, get_args

from forge.characters import shortened
from forge.github import GitHub, NotFound
from forge.github.reviews import Comment, PullReviews, Thread
from forge.marks import Marks, without
from forge.mirrors import Mirrors
from stack.assignment import Assignment
from stack.errors import GiveUp
from stack.work.beforehand import Conversation, FetchConversation
from stack.work.remarks import UNKNOWN_THREAD, Kind, Said, Side

log = logging.getLogger(__name__)

MOST = 200  # remarks of others that are told, the newest of them
LONGEST = 1_500  # characters of one
KINDS, SIDES = get_args(Kind), get_args(Side)


class Conversations:
    """Reads conversations."""

    def __init__(self, *, github: GitHub, mirrors: Mirrors, marks: Marks) -> None:
        self._github = github
        self._mirrors = mirrors
        self._marks = marks

    def fetch(self, brief: FetchConversation, at: Assignment) -> Conversation:
        """What stands there, and how the head moved since. Raises GiveUp where the pull request is gone."""
        there = PullReviews(self._github, brief.repository, brief.number)
        at.say("Reading what was said before")
        try:
            said = self.said(there)
        except NotFound as error:
            raise GiveUp(f"Pull request {brief.number} of {brief.repository} is gone") from error
        moved, commits = "", 0
        if brief.since:
            moved, commits = self._mirrors.movement(brief.repository, brief.since, brief.head_sha, brief.base_sha)
        return Conversation.model_validate({"said": said, "moved": moved, "commits": commits})

    def said(self, there: PullReviews) -> tuple[Said, ...]:
        """What stands there, numbered from 1. Raises NotFound, and as the client does."""
        remarks = _bounded([*self._on_lines(there), *self._in_texts(there)])
        return tuple(Said.model_validate(one | {"number": number}) for number, one in enumerate(remarks, 1))

    def _on_lines(self, there: PullReviews) -> list[dict[str, Any]]:
        comments = there.comments()
        replies: dict[int, list[Comment]] = defaultdict(list)
        for comment in comments:
            if comment.in_reply_to_id:
                replies[comment.in_reply_to_id].append(comment)
        threads = _threads(there)
        login, found, writers = self._github.login(), [], dict[str, bool]()
        for comment in comments:
            if comment.in_reply_to_id or comment.side not in SIDES:
                continue
            ours = comment.author == login
            facts = next((f for f in self._marks.read(comment.body) if f.get("is") == "finding"), {}) if ours else {}
            thread = threads.get(comment.id) if threads is not None else Thread(UNKNOWN_THREAD, comment.id, False, "")
            found.append({
                "author": comment.author,
                "ours": bool(facts),
                "path": comment.path,
                "side": comment.side,
                "start_line": comment.start_line or comment.line or 0,
                "line": comment.line or 0,
                "text": _text(comment, replies[comment.id]),
                "kind": facts.get("kind") if facts.get("kind") in KINDS else "other",
                "anchor": str(facts.get("anchor", "")),
                "thread": thread.id if thread else "",
                "resolved_by": self._resolved_by(there, thread, writers) if thread and thread.resolved else "",
            })  # fmt: skip
        return found

    def _resolved_by(self, there: PullReviews, thread: Thread, writers: dict[str, bool]) -> str:
        """Who resolved a thread: a pull request's author may do so too, and has no say in what was found in it."""
        if thread.by == self._github.login():
            return "us"
        if thread.by not in writers:
            writers[thread.by] = self._github.may_write(there.repository, thread.by)
        return "person" if writers[thread.by] else ""

    def _in_texts(self, there: PullReviews) -> list[dict[str, Any]]:
        """Findings that stand in the texts of our reviews, as we signed them."""
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        for review in there.of_ours():
            for facts in self._marks.read(review.body):
                for path, side, kind, anchor, title in facts.get("findings", ()):
                    found[path, side, kind, anchor or title] = {
                        "author": self._github.login(), "ours": True, "path": path, "side": side,
                        "text": title, "kind": kind if kind in KINDS else "other", "anchor": anchor,
                    }  # fmt: skip
        return list(found.values())


def _threads(there: PullReviews) -> dict[int, Thread] | None:
    """The threads by their first comment; None where the token may not read them."""
    try:
        return {thread.comment: thread for thread in there.threads()}
    except GiveUp as error:
        log.warning("the threads cannot be read, so each remark counts as open: %s", error)
        return None


def _bounded(remarks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of ours, and the newest of others: who says much must not push ours out of sight."""
    others = [one for one in remarks if not one["ours"]]
    left_out = {id(one) for one in others[:-MOST]}
    return [one for one in remarks if id(one) not in left_out]


def _text(comment: Comment, replies: list[Comment]) -> str:
    """A comment with what was answered to it."""
    answers = [f"{reply.author} answered: {without(reply.body or '')}" for reply in replies]
    return shortened("\n\n".join([without(comment.body or ""), *answers]), LONGEST)
