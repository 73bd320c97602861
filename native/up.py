"""`scripts/up`: the stack on this machine without containers, against the real Telegram, GitHub and model provider."""

import argparse
import os
import signal
import sys
import threading
import time
from argparse import ArgumentTypeError
from contextlib import suppress
from pathlib import Path

from dotenv import dotenv_values

from native.processes import ROOT
from native.stack import Stack
from stack.ids import dashed
from stack.roles import AGENTS

FOLDER = ROOT / ".run/up"
NEEDED = ("TELEGRAM_BOT_TOKEN", "ALLOWED_USERS", "GITHUB_TOKEN")
PROVIDER_KEY = "SONNET_PROVIDER_API_KEY"
MOST_AGENTS = 8  # of a role; there are user ids for 50 in all
# Between looks; at most between two starts of what ends again and again; and after so long it is well again.
LOOK_SECONDS, LATEST_SECONDS, WELL_SECONDS = 2.0, 60.0, 120.0
GATEWAY_KEYS = ROOT / "config/gateway.env"  # those that gateway.toml names as env:NAME


def main() -> int:
    """Runs the stack until Ctrl-C or SIGTERM. Exits 1 where a setting is missing."""
    parser = argparse.ArgumentParser(prog="scripts/up", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("--env", type=Path, default=ROOT / ".env", help="file with the settings (%(default)s)")
    parser.add_argument(
        "--scale", action="append", default=[], type=scaled, metavar="ROLE=N", help="how many agents of a role (one)"
    )
    options = parser.parse_args()
    outside = settings_in(options.env)
    needed = NEEDED if "GATEWAY_FILE" in outside else (*NEEDED, PROVIDER_KEY)
    if missing := [name for name in needed if name not in outside]:
        print(f"Not set in {options.env}: {', '.join(missing)}. See .env.example.", file=sys.stderr)
        return 1
    extra = {"proxy": settings_in(GATEWAY_KEYS)}
    return run(Stack(FOLDER, outside=outside, agents=dict(options.scale), extra=extra))


def settings_in(file: Path) -> dict[str, str]:
    """What a file of settings says. Where we are root it is closed to others: services and tasks are other users, and
    there are tokens in it."""
    if os.geteuid() == 0 and file.is_file():
        with suppress(OSError):
            file.chmod(file.stat().st_mode & 0o700)
        if file.stat().st_mode & 0o077:
            print(f"Others may read {file}, a task too: it has tokens, and could not be closed.", file=sys.stderr)
    return {name: value for name, value in dotenv_values(file).items() if value}


def scaled(text: str) -> tuple[str, int]:
    """What `pr-reviewer=2` says. Raises ArgumentTypeError in words."""
    name, _, count = text.partition("=")
    role = next((role for role in AGENTS if dashed(role) == name), None)
    if role is None:
        raise ArgumentTypeError(f"there is no agent {name}; there are {', '.join(map(dashed, AGENTS))}")
    if not (count.isascii() and count.isdecimal()) or not 1 <= int(count) <= MOST_AGENTS:
        raise ArgumentTypeError(f"{text}: how many? {name}=2, at most {MOST_AGENTS}")
    return role, int(count)


def run(stack: Stack) -> int:
    """Starts the stack, waits, stops it; what was under way goes on at the next start."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        stack.start()
        print(f"The stack is up: write to your bot. Logs: {stack.folder / 'logs'}. Ctrl-C ends it.", flush=True)
        keep_up(stack, stopped)
    finally:
        stack.stop()
    return 0


def keep_up(stack: Stack, stopped: threading.Event) -> None:
    """Starts again what ends by itself, at once at first and then ever later, until it is stopped."""
    pauses = dict.fromkeys(stack.services, LOOK_SECONDS)
    due = dict.fromkeys(stack.services, 0.0)
    while not stopped.wait(LOOK_SECONDS):
        now = time.monotonic()
        for name, process in stack.services.items():
            if process.alive():
                if now > due[name] + WELL_SECONDS:
                    pauses[name] = LOOK_SECONDS
            elif now > due[name]:
                print(
                    f"{name} has ended by itself and is started again; its log says why.", file=sys.stderr, flush=True
                )
                process.start()
                due[name], pauses[name] = now + pauses[name], min(2 * pauses[name], LATEST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
