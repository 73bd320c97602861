"""Installs the contenders and the load generator into a cache folder, outside of the repository, once.

Nothing on this machine changes besides that folder: Debian's packages are unpacked there, not installed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.gateway_bench.running import NotStarted
from native.processes import ROOT

LITELLM = "1.106.2"
UVLOOP = "0.23.0"
ROUTER = "2.0.0"
SECONDS = 900


@dataclass(frozen=True)
class Program:
    """An installed program, and the environment that it needs."""

    path: str
    environment: dict[str, str]


def folder() -> Path:
    """Where everything goes."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "claude-stack-bench"


def litellm() -> Path:
    """The command `litellm`. Raises NotStarted where it cannot be had."""
    return once(f"litellm-{LITELLM}", lambda at: _python(at, f"litellm[proxy]=={LITELLM}")) / "bin/litellm"


def python_with_uvloop() -> Path:
    """An interpreter for the mock upstream and the streams' client. Raises NotStarted where it cannot be had."""
    return once(f"uvloop-{UVLOOP}", lambda at: _python(at, f"uvloop=={UVLOOP}")) / "bin/python"


def claude_code_router() -> list[str]:
    """The command line of `ccr`. Raises NotStarted where it cannot be had."""
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        raise NotStarted("node and npm are missing: Node 20 or later is needed")
    package = once(f"ccr-{ROUTER}", _node) / "node_modules/@musistudio/claude-code-router"
    return [node, str(package / "dist/cli.js")]


def from_debian(name: str) -> Program:
    """`nginx` or `wrk`: this machine's own, else unpacked from the distribution's package. Raises NotStarted."""
    if found := shutil.which(name):
        return Program(found, {})
    root = once(f"debian-{name}", lambda at: _unpacked(at, name))
    found = next((str(path) for path in (root / "usr/sbin" / name, root / "usr/bin" / name) if path.exists()), "")
    if not found:
        raise NotStarted(f"the package {name} has no program of that name")
    libraries = [str(path) for path in (*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu"))]
    return Program(found, {"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {})


def once(name: str, install: Callable[[Path], None]) -> Path:
    """The folder that `install` has filled, at the first time or an earlier one. Raises NotStarted where it fails."""
    at = folder() / name
    done = at / ".installed"
    if not done.exists():
        print(f"bench/gateway: installing {name} into {at.parent}", file=sys.stderr)
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir(parents=True)
        install(at)
        done.touch()
    return at


def _python(at: Path, *packages: str) -> None:
    uv = str(ROOT / ".venv/bin/uv")
    _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(at)])
    _run([uv, "pip", "install", "--quiet", "--python", str(at / "bin/python"), *packages])


def _node(at: Path) -> None:
    package = f"@musistudio/claude-code-router@{ROUTER}"
    _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(at), package])


def _unpacked(at: Path, name: str) -> None:
    """The package and what it needs and is not here; no service is started that way, and no root needed."""
    archives = at / "archives"
    (archives / "partial").mkdir(parents=True)
    fetch = [
        "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "--download-only",
        "-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", name,
    ]  # fmt: skip
    try:
        _run(fetch)
    except NotStarted:  # the lists of a fresh machine are empty or old
        _run([*([] if os.geteuid() == 0 else ["sudo", "-n"]), "apt-get", "update", "--quiet"])
        _run(fetch)
    for package in archives.glob("*.deb"):
        _run(["dpkg-deb", "--extract", str(package), str(at)])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotStarted(f"{command[0]}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotStarted(f"{Path(command[0]).name} failed: {(said or ['without a word'])[-1][:200]}")
