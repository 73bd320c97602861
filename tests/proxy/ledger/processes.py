"""Starts processes that use a ledger."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def spender(url: str, worker: str, *, calls: int, limit: int = 0) -> "subprocess.Popen[str]":
    """A process of `spender`; what it writes can be read."""
    return start("tests.proxy.ledger.spender", url, worker, str(calls), str(limit))


def start(module: str, *arguments: str) -> "subprocess.Popen[str]":
    """A Python process that runs `module`; what it writes can be read."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def output(process: "subprocess.Popen[str]") -> str:
    """What a process wrote until it ended well."""
    written, _ = process.communicate(timeout=60)
    assert process.returncode == 0, written
    return written
