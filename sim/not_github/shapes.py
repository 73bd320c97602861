"""The JSON that GitHub answers with: every field that its published OpenAPI description requires is there."""

from pathlib import Path
from urllib.parse import quote

from sim.not_github import git
from sim.not_github.diff import FileDiff, compare
from sim.not_github.hub import Hub
from sim.not_github.links import REPOSITORY_LINKS, Json, node_id, signature, user
from sim.not_github.rows import Pull, Repository

COMMITS_OF_A_PULL = 250  # GitHub lists no more


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
            "draft": bool(pull.draft),
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
            "commits": git.count(self.folder, pull.head_sha, without=pull.base_sha),
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

    def file(self, file: FileDiff, head: str) -> Json:
        where = f"{head}/{quote(file.path)}"
        shape: Json = {
            "sha": file.sha,
            "filename": file.path,
            "status": file.status,
            "additions": file.additions,
            "deletions": file.deletions,
            "changes": file.additions + file.deletions,
            "blob_url": f"{self._html}/blob/{where}",
            "raw_url": f"{self._html}/raw/{where}",
            "contents_url": f"{self._api}/contents/{quote(file.path)}?ref={head}",
        }
        if file.patch:
            shape["patch"] = file.patch
        if file.previous_path is not None:
            shape["previous_filename"] = file.previous_path
        return shape
