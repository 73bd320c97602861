"""Git as a program: argument lists, a clean environment, nothing of a repository obeyed."""

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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

CHUNK_BYTES = 1 << 16

# All that counts as damage of a repository of ours, which is made anew then. Tried with git 2.39 on mirrors that were
# damaged on purpose, but for some words on packs.
_DAMAGE = re.compile(
    "|".join(
        (
            r"[Nn]ot a git repository",
            r"unexpected line in .*packed-refs",
            r"bad config line|key does not contain a section",
            r"refusing to fetch into branch .* checked out",  # it has lost the word that it is bare
            r"object file .* is empty|(?:loose|packed) object .* is corrupt",
            r"inflate: data stream error|unable to unpack [0-9a-f]+ header",
            r"index file .* is (?:too small|corrupt)|bad offset for revindex",
            r"packfile .* (?:does not match index|cannot be accessed|claims to have)",
            r"is not a GIT packfile|is far too short to be a packfile",
            r"bad (?:tree )?object |unable to parse (?:object|commit)",
            r"(?:unable to (?:read|find)(?: tree)?|Could not read|missing (?:blob|tree|commit)) [0-9a-f]{40}",
            r"unable to read sha1 file of ",  # when it checks out
            r"did not send all necessary objects",  # git has looked through those that were there, too
            r"Unable to create '.*\.lock': File exists",  # left by a git that was killed: nobody else fetches into it
        )
    )
)


class Failed(GiveUp):
    """Git ended badly. `printed` is all that it said; the text is its last line."""

    def __init__(self, command: str, printed: str, status: int) -> None:
        words = printed.strip().splitlines()
        super().__init__(f"git {command}: {words[-1] if words else f'exit {status}'}")
        self.printed = printed


class TooLarge(GiveUp):
    """Git has printed more than there is room for: `size` bytes, or more than that where it took too long."""

    def __init__(self, command: str, size: int, most: int) -> None:
        super().__init__(f"git {command}: {size} bytes are too many, {most} are most")
        self.size = size


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


def is_damage(printed: str) -> bool:
    """Whether git tells of a damaged repository. What another's git says (`remote:`) is not about ours."""
    return bool(_DAMAGE.search(re.sub(r"^remote:.*$", "", printed, flags=re.MULTILINE)))


def git_within(most: int, *arguments: str | bytes, folder: Path, given: bytes = b"", timeout: float = 120) -> bytes:
    """As `git`, which is handed `given`, with never more than `most` bytes in memory. Raises TooLarge beyond them."""
    kept, size = bytearray(), 0
    try:
        with streaming(*arguments, folder=folder, given=given, timeout=timeout) as printed:
            while chunk := printed.read(CHUNK_BYTES):
                size += len(chunk)
                if size <= most:
                    kept += chunk
    except TryAgain:
        if size <= most:
            raise
    if size > most:
        raise TooLarge(_text(arguments[0]), size, most)
    return bytes(kept)


@contextmanager
def streaming(*arguments: str | bytes, folder: Path, given: bytes = b"", timeout: float = 120) -> Iterator[IO[bytes]]:
    """What git prints, as it prints it; it is to be read to its end. `given` is what git reads.

    Raises as `git` does, when all is read.
    """
    late = threading.Event()
    # files: with pipes, git could wait for us while we wait for it
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
        stdin.write(given)
        stdin.seek(0)
        with subprocess.Popen(
            ["git", *arguments],
            cwd=folder,
            env=clean_environment({}),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as process:

            def end() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(timeout, end)
            timer.start()
            try:
                assert process.stdout is not None  # noqa: S101 - it is a pipe
                yield process.stdout
                process.wait()
            finally:
                timer.cancel()
                process.kill()
        if late.is_set():
            raise TryAgain(f"git {_text(arguments[0])} took more than {timeout:.0f} s")
        if process.returncode:
            stderr.seek(0)
            raise Failed(_text(arguments[0]), stderr.read().decode(errors="replace"), process.returncode)


def _text(argument: str | bytes) -> str:
    return argument if isinstance(argument, str) else argument.decode(errors="replace")


def clean_environment(configuration: Mapping[str, str]) -> dict[str, str]:
    """The environment for git, with `configuration` on top of the safe one."""
    pairs = [*{**CONFIGURATION, **configuration}.items()]
    numbered = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(pairs)}
    numbered |= {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(pairs)}
    certificates = {k: v for k, v in os.environ.items() if k in ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR")}
    return {**ENVIRONMENT, "GIT_CONFIG_COUNT": str(len(pairs)), **numbered, **certificates}
