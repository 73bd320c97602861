"""The JSON that GitHub answers with: every field that its published OpenAPI description requires is there."""

import base64
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sim.not_github import git
from sim.not_github.diff import FileDiff, compare
from sim.not_github.hub import Hub
from sim.not_github.store import IssueComment, Pull, Repository, Review, ReviewComment

Json = dict[str, Any]

COMMITS_OF_A_PULL = 250  # GitHub lists no more

USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


class Shapes:
    """Turns what the store and git hold of one repository into GitHub's JSON."""

    def __init__(self, hub: Hub, repository: Repository) -> None:
        self._hub = hub
        self._row = repository
        self._name = f"{repository.owner}/{repository.name}"
        self._html = f"{hub.url}/{self._name}"
        self._api = f"{hub.url}/repos/{self._name}"

    @property
    def folder(self) -> Path:
        return self._hub.folder(self._row)

    def repository(self) -> Json:
        row = self._row
        open_pulls = sum(pull.state == "open" for pull in self._hub.store.pulls(row.id))
        return {
            "id": row.id,
            "node_id": node_id("Repository", row.id),
            "name": row.name,
            "full_name": self._name,
            "owner": user(self._hub.url, row.owner),
            "private": bool(row.private),
            "visibility": "private" if row.private else "public",
            "description": None,
            "html_url": self._html,
            "url": self._api,
            "clone_url": f"{self._html}.git",
            "git_url": f"git://{self._html.partition('://')[2]}.git",
            "ssh_url": f"git@not-github.invalid:{self._name}.git",
            "svn_url": self._html,
            "default_branch": "main",
            "created_at": row.created_at,
            "updated_at": row.pushed_at,
            "pushed_at": row.pushed_at,
            "open_issues": open_pulls,
            "open_issues_count": open_pulls,
            **dict.fromkeys(("homepage", "language", "license", "mirror_url")),
            **dict.fromkeys(("forks", "forks_count", "network_count", "stargazers_count"), 0),
            **dict.fromkeys(("subscribers_count", "watchers", "watchers_count", "size"), 0),
            "archived": bool(row.archived),
            **dict.fromkeys(("fork", "disabled", "has_pages", "has_discussions"), False),
            **dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads"), True),
            **{name: self._api + path for name, path in REPOSITORY_LINKS.items()},
        }

    def branch(self, name: str, sha: str) -> Json:
        return {"name": name, "commit": {"sha": sha, "url": f"{self._api}/commits/{sha}"}, "protected": False}

    def branch_in_full(self, name: str, sha: str) -> Json:
        api = f"{self._api}/branches/{quote(name)}"
        return {
            "name": name,
            "commit": self.commit(git.commits(self.folder, sha)[0]),
            "_links": {"self": api, "html": f"{self._html}/tree/{quote(name)}"},
            "protected": False,
            "protection": {"enabled": False},
            "protection_url": f"{api}/protection",
        }

    def commit(self, commit: git.Commit) -> Json:
        api = f"{self._api}/commits/{commit.sha}"
        return {
            "sha": commit.sha,
            "node_id": node_id("Commit", commit.sha),
            "url": api,
            "html_url": f"{self._html}/commit/{commit.sha}",
            "comments_url": f"{api}/comments",
            "commit": {
                "url": f"{self._api}/git/commits/{commit.sha}",
                "message": commit.message,
                "tree": {"sha": commit.tree, "url": f"{self._api}/git/trees/{commit.tree}"},
                "author": signature(commit.author),
                "committer": signature(commit.committer),
                "comment_count": 0,
            },
            "author": None,  # GitHub's answer for an address that belongs to no account
            "committer": None,
            "parents": [{"sha": sha, "url": f"{self._api}/commits/{sha}"} for sha in commit.parents],
        }

    def commits(self, pull: Pull) -> tuple[git.Commit, ...]:
        return git.commits(self.folder, pull.head_sha, without=pull.base_sha, limit=COMMITS_OF_A_PULL)

    def pull_html(self, pull: Pull) -> str:
        return f"{self._html}/pull/{pull.number}"

    def _pull_api(self, pull: Pull) -> str:
        return f"{self._api}/pulls/{pull.number}"

    def pull(self, pull: Pull) -> Json:
        """As it stands in a list of pull requests."""
        return {
            "id": pull.id,
            "node_id": node_id("PullRequest", pull.id),
            "number": pull.number,
            "state": pull.state,
            "locked": bool(pull.locked),
            "draft": False,
            "title": pull.title,
            "body": pull.body or None,
            "user": user(self._hub.url, pull.user),
            "created_at": pull.created_at,
            "updated_at": pull.updated_at,
            "closed_at": pull.closed_at,
            "head": self._end(pull.head_ref, pull.head_sha),
            "base": self._end(pull.base_ref, pull.base_sha),
            "author_association": self._association(pull.user),
            **dict.fromkeys(("merged_at", "merge_commit_sha", "assignee", "milestone", "auto_merge")),
            **{name: [] for name in ("labels", "assignees", "requested_reviewers", "requested_teams")},
            **self._pull_links(pull),
        }

    def pull_in_full(self, pull: Pull) -> Json:
        files = compare(self.folder, pull.base_sha, pull.head_sha)
        submitted = {review.id for review in self._hub.store.reviews(pull.id) if review.state != "PENDING"}
        comments = self._hub.store.review_comments(pull.id)
        return {
            **self.pull(pull),
            "merged": False,
            "mergeable": None,
            "mergeable_state": "unknown",
            "merged_by": None,
            "maintainer_can_modify": False,
            "comments": len(self._hub.store.issue_comments(pull.id)),
            "review_comments": sum(comment.review in submitted for comment in comments),
            "commits": len(self.commits(pull)),
            "additions": sum(file.additions for file in files),
            "deletions": sum(file.deletions for file in files),
            "changed_files": len(files),
        }

    def _end(self, ref: str, sha: str) -> Json:
        return {
            "label": f"{self._row.owner}:{ref}",
            "ref": ref,
            "sha": sha,
            "user": user(self._hub.url, self._row.owner),
            "repo": self.repository(),
        }

    def _pull_links(self, pull: Pull) -> Json:
        api, html = self._pull_api(pull), self.pull_html(pull)
        issue = f"{self._api}/issues/{pull.number}"
        links = {
            "url": api,
            "html_url": html,
            "issue_url": issue,
            "comments_url": f"{issue}/comments",
            "commits_url": f"{api}/commits",
            "review_comments_url": f"{api}/comments",
            "review_comment_url": f"{self._api}/pulls/comments{{/number}}",
            "statuses_url": f"{self._api}/statuses/{pull.head_sha}",
        }
        named = {name.removesuffix("_url"): {"href": link} for name, link in links.items() if name != "url"}
        return {
            **links,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "_links": {"self": {"href": api}, **named},
        }

    def _association(self, login: str) -> str:
        return "OWNER" if login.lower() == self._row.owner.lower() else "CONTRIBUTOR"

    def file(self, file: FileDiff, pull: Pull) -> Json:
        where = f"{pull.head_sha}/{quote(file.path)}"
        shape: Json = {
            "sha": file.sha,
            "filename": file.path,
            "status": file.status,
            "additions": file.additions,
            "deletions": file.deletions,
            "changes": file.additions + file.deletions,
            "blob_url": f"{self._html}/blob/{where}",
            "raw_url": f"{self._html}/raw/{where}",
            "contents_url": f"{self._api}/contents/{quote(file.path)}?ref={pull.head_sha}",
        }
        if file.patch:
            shape["patch"] = file.patch
        if file.previous_path is not None:
            shape["previous_filename"] = file.previous_path
        return shape

    def review(self, review: Review, pull: Pull) -> Json:
        html = f"{self.pull_html(pull)}#pullrequestreview-{review.id}"
        shape = {
            "id": review.id,
            "node_id": node_id("PullRequestReview", review.id),
            "user": user(self._hub.url, review.user),
            "body": review.body,
            "state": review.state,
            "commit_id": review.commit_id,
            "html_url": html,
            "pull_request_url": self._pull_api(pull),
            "author_association": self._association(review.user),
            "_links": {"html": {"href": html}, "pull_request": {"href": self._pull_api(pull)}},
        }
        return shape if review.state == "PENDING" else {**shape, "submitted_at": review.submitted_at}

    def review_comment(self, comment: ReviewComment, pull: Pull) -> Json:
        api = f"{self._api}/pulls/comments/{comment.id}"
        html = f"{self.pull_html(pull)}#discussion_r{comment.id}"
        line, start, position = (comment.line, comment.start_line, comment.position)
        shown = self.still_shown(comment, pull)
        return {
            "id": comment.id,
            "node_id": node_id("PullRequestReviewComment", comment.id),
            "pull_request_review_id": comment.review,
            "user": user(self._hub.url, comment.user),
            "body": comment.body,
            "path": comment.path,
            "side": comment.side,
            "start_side": comment.start_side,
            "line": line if shown else None,
            "start_line": start if shown else None,
            "position": position if shown else None,
            "original_line": line,
            "original_start_line": start,
            "original_position": position,
            "commit_id": pull.head_sha if shown else comment.commit_id,
            "original_commit_id": comment.commit_id,
            "diff_hunk": comment.diff_hunk,
            "subject_type": "line",
            "created_at": comment.created_at,
            "updated_at": comment.created_at,
            "author_association": self._association(comment.user),
            "url": api,
            "html_url": html,
            "pull_request_url": self._pull_api(pull),
            "_links": {
                "self": {"href": api},
                "html": {"href": html},
                "pull_request": {"href": self._pull_api(pull)},
            },
        }

    def still_shown(self, comment: ReviewComment, pull: Pull) -> bool:
        """Whether the file's diff is as it was at the comment; GitHub calls the comment outdated otherwise."""
        if comment.commit_id == pull.head_sha:
            return True
        then, today = (
            {file.path: file.patch for file in compare(self.folder, pull.base_sha, sha)}
            for sha in (comment.commit_id, pull.head_sha)
        )
        return then.get(comment.path) == today.get(comment.path)

    def issue_comment(self, comment: IssueComment, pull: Pull) -> Json:
        return {
            "id": comment.id,
            "node_id": node_id("IssueComment", comment.id),
            "url": f"{self._api}/issues/comments/{comment.id}",
            "html_url": f"{self.pull_html(pull)}#issuecomment-{comment.id}",
            "issue_url": f"{self._api}/issues/{pull.number}",
            "user": user(self._hub.url, comment.user),
            "body": comment.body,
            "created_at": comment.created_at,
            "updated_at": comment.created_at,
            "author_association": self._association(comment.user),
            "performed_via_github_app": None,
        }


def node_id(kind: str, key: object) -> str:
    return base64.b64encode(f"{kind}:{key}".encode()).decode()


def signature(who: git.Signature) -> Json:
    date = datetime.fromtimestamp(who.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": who.name, "email": who.email, "date": date}


def user(url: str, login: str) -> Json:
    api = f"{url}/users/{login}"
    number = zlib.crc32(login.lower().encode())
    return {
        "login": login,
        "id": number,
        "node_id": node_id("User", number),
        "avatar_url": f"{url}/avatars/{number}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{url}/{login}",
        "type": "User",
        "site_admin": False,
        **{name: api + path for name, path in USER_LINKS.items()},
    }


def signed_in_user(url: str, login: str) -> Json:
    counts = ("public_repos", "public_gists", "followers", "following", "private_gists", "total_private_repos")
    return {
        **user(url, login),
        "user_view_type": "private",
        "two_factor_authentication": True,
        "created_at": "2025-01-01T00:00:00Z",
        "updated_at": "2025-01-01T00:00:00Z",
        **dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio")),
        **dict.fromkeys((*counts, "owned_private_repos", "disk_usage", "collaborators"), 0),
    }
