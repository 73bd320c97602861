"""Parts of GitHub's JSON that stand in many answers: accounts, signatures, ids, and addresses by their names."""

import base64
import zlib
from datetime import UTC, datetime
from typing import Any

from sim.not_github import git

Json = dict[str, Any]

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
