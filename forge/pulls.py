"""What a pull request is: GitHub's facts, and git's diff of it from the mirror."""

from forge.characters import shortened
from forge.github import GitHub, NotFound, Pull
from forge.github.reviews import PullReviews
from forge.marks import Marks
from forge.mirrors import Change, Mirrors, Wanted
from forge.sending import in_the_way
from stack.assignment import Assignment
from stack.errors import GiveUp
from stack.work.beforehand import FetchHead, Head
from stack.work.review import FetchPullRequest, PullRequest

MAX_TITLE = 300  # characters; GitHub takes 256
MAX_BODY = 20_000  # characters


class Pulls:
    """Fetches pull requests."""

    def __init__(self, *, github: GitHub, mirrors: Mirrors, marks: Marks) -> None:
        self._github = github
        self._marks = marks
        self._mirrors = mirrors

    def fetch(self, brief: FetchPullRequest, at: Assignment) -> PullRequest:
        """The pull request, with both of its commits in the mirror.

        Raises GiveUp where there is nothing to review, or where it is known already that GitHub would refuse a review:
        before anything is paid for one.
        """
        pull = self._open_pull(brief)
        self._check_takes_reviews(brief, pull)
        at.stop.check()
        wanted = Wanted(brief.repository, brief.number, pull.base.sha, pull.head.sha, pull.base.repo.size)
        change = self._mirrors.change(wanted, at)
        nothing = _nothing_to_review(change)
        if nothing:
            raise GiveUp(f"There is nothing to review in {_name(brief)}: {nothing}")
        return _report(brief, pull, change)

    def head(self, brief: FetchHead, _at: Assignment) -> Head:
        """Where the pull request's branch stands now."""
        return Head(head_sha=self._github.pull(brief.repository, brief.number).head.sha)

    def _open_pull(self, brief: FetchPullRequest) -> Pull:
        try:
            pull = self._github.pull(brief.repository, brief.number)
        except NotFound as error:
            raise GiveUp(
                f"There is no pull request {brief.number} in {brief.repository}, or the token may not see it"
            ) from error
        if pull.state != "open":
            raise GiveUp(f"Pull request {brief.number} of {brief.repository} is closed")
        return pull

    def _check_takes_reviews(self, brief: FetchPullRequest, pull: Pull) -> None:
        if pull.base.repo.archived:
            raise GiveUp(f"{brief.repository} is archived, so it takes no reviews: unarchive it, then ask again")
        if pull.locked and not self._github.may_push(brief.repository):
            raise GiveUp(
                f"The conversation of {_name(brief)} is locked: unlock it, or give {self._github.login()} "
                "write access to the repository, then ask again"
            )
        ours = PullReviews(self._github, brief.repository, brief.number).of_ours()
        who = self._github.login()
        if reason := in_the_way(self._marks, ours, who=who, pull=_name(brief), then="then ask again"):
            raise GiveUp(reason)


def _name(brief: FetchPullRequest) -> str:
    return f"pull request {brief.number} of {brief.repository}"


def _nothing_to_review(change: Change) -> str:
    """Why there is nothing to review, or an empty text."""
    if not change.files:
        return "it changes nothing"
    if all(file.binary for file in change.files):
        return "it changes only binary files"
    return ""


def _report(brief: FetchPullRequest, pull: Pull, change: Change) -> PullRequest:
    return PullRequest(
        repository=brief.repository,
        number=brief.number,
        title=shortened(pull.title, MAX_TITLE),
        body=shortened(pull.body or "", MAX_BODY),
        author=pull.user.login if pull.user else "ghost",  # GitHub's own name for a deleted account
        url=pull.html_url,
        base=pull.base.ref,
        base_sha=pull.base.sha,
        head_sha=pull.head.sha,
        merge_base=change.merge_base,
        files=sum(not file.whole for file in change.files),
        hunks=sum(len(file.hunks) for file in change.files),
        binary_files=sum(file.binary for file in change.files),
    )
