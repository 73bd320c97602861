"""Git as a program: argument lists, a clean environment, nothing of a repository obeyed."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from stack.errors import GiveUp, TryAgain

# For each call: no configuration but the repository's own, no hooks, no helper programs, no prompts, HTTP alone.
ENVIRONMENT: Mapping[str, str] = {
    "PATH": os.defpath,
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "http:https",
    "GIT_OPTIONAL_LOCKS": "0",
}
CONFIGURATION: Mapping[str, str] = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.symlinks": "false",
    "protocol.ext.allow": "never",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "transfer.fsckObjects": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "initial",
    "diff.renames": "true",
    "diff.external": "",
    "safe.directory": "*",
}


class Failed(GiveUp):
    """Git ended badly. `printed` is all that it said; the text is its last line."""

    def __init__(self, command: str, printed: str, status: int) -> None:
        words = printed.strip().splitlines()
        super().__init__(f"git {command}: {words[-1] if words else f'exit {status}'}")
        self.printed = printed


def git(
    *arguments: str | Path,
    folder: Path | None = None,
    configuration: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> bytes:
    """What git prints. Raises TryAgain after `timeout` seconds, Failed with git's own words where it fails.

    `configuration` is passed by environment, so that a header with a token is in no argument list.
    """
    done = run(*arguments, folder=folder, configuration=configuration, environment=environment, timeout=timeout)
    if done.returncode:
        raise Failed(str(arguments[0]), done.stderr.decode(errors="replace"), done.returncode)
    return done.stdout


def run(
    *arguments: str | Path,
    folder: Path | None = None,
    configuration: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """As `git`, whatever the exit status."""
    try:
        return subprocess.run(
            ["git", *map(str, arguments)],
            cwd=folder,
            env=clean_environment(configuration or {}) | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TryAgain(f"git {arguments[0]} took more than {timeout:.0f} s") from error


def clean_environment(configuration: Mapping[str, str]) -> dict[str, str]:
    """The environment for git, with `configuration` on top of the safe one."""
    pairs = [*{**CONFIGURATION, **configuration}.items()]
    numbered = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(pairs)}
    numbered |= {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(pairs)}
    certificates = {k: v for k, v in os.environ.items() if k in ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR")}
    return {**ENVIRONMENT, "GIT_CONFIG_COUNT": str(len(pairs)), **numbered, **certificates}
