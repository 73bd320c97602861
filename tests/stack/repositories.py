"""Git repositories that tests make, with the machine's own git and nothing of its user's configuration."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "ada", "GIT_AUTHOR_EMAIL": "ada@example.test",
    "GIT_COMMITTER_NAME": "ada", "GIT_COMMITTER_EMAIL": "ada@example.test",
}  # fmt: skip

Files = Mapping[bytes, bytes | None]


def run_git(*arguments: str, folder: Path) -> str:
    """Git as any developer has it."""
    done = subprocess.run(["git", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="replace").strip()


class Repository:
    """A work tree whose every commit is made of files that a test gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        run_git("init", "--quiet", "--initial-branch=main", folder=folder)

    def git(self, *arguments: str) -> str:
        return run_git(*arguments, folder=self.folder)

    def commit(self, files: Files) -> str:
        """The id of a commit in which these files changed; None deletes one."""
        for name, content in files.items():
            path = os.path.join(os.fsencode(self.folder), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if content is None:
                os.unlink(path)
            else:
                with open(path, "wb") as file:
                    file.write(content)
        return self.commit_tree()

    def commit_tree(self) -> str:
        """The id of a commit of the work tree as it is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=a change")
        return self.git("rev-parse", "HEAD")
