"""`scripts/demo`: the whole stack on this machine, offline. A person writes `/review`, watches, and finds a review."""

import argparse
import json
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from native.desk import Desk
from native.processes import ROOT, end_in_order_on_sigterm
from native.review import GitHub, summarise
from native.stack import Stack
from sim.not_github.client import example, import_pull
from sim.not_telegram.person import told

FOLDER = ROOT / ".run/demo"


def main() -> int:
    """The command line. Exits 0 where the review was verified."""
    options = arguments()
    end_in_order_on_sigterm()
    shutil.rmtree(FOLDER, ignore_errors=True)
    begun = time.monotonic()
    stack = Stack(FOLDER)
    try:
        say(f"starting a private RabbitMQ, {len(stack.services)} services and {len(stack.simulators)} simulators …")
        stack.start()
        say(f"started in {time.monotonic() - begun:.1f} s")
        summary = review(stack, options.pull)
        (FOLDER / "summary.json").write_text(json.dumps(summary))
        if options.keep:
            keep(stack)
    finally:
        stack.stop()
    say(f"everything stopped; {time.monotonic() - begun:.1f} s in all")
    print(json.dumps(summary))
    return 0 if summary["state"] == "verified" else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Runs the whole stack on this machine, offline: no account, no key, nothing leaves it. Makes a "
        "virtual environment and installs RabbitMQ where they are missing. Ends with one line of JSON.",
    )
    parser.add_argument("--pull", type=Path, metavar="FOLDER", help="review a real change: pull.json and repo.bundle")
    parser.add_argument("--keep", action="store_true", help="leave it running, and print where the chat page is")
    options = parser.parse_args()
    if options.pull and not (options.pull / "pull.json").exists():
        parser.error(f"--pull: there is no pull.json in {options.pull}")
    return options


def review(stack: Stack, folder: Path | None) -> dict[str, Any]:
    """Has a pull request reviewed, shows the chat as it happens, then the review; returns the summary."""
    github = stack.ports.url("not_github")
    pull = example(github) if folder is None else import_pull(github, folder)
    repository, number = pull["base"]["repo"]["full_name"], pull["number"]
    desk = Desk(stack)
    say("the chat:\n")
    threading.Thread(target=follow, args=(desk,), daemon=True).start()
    ended = desk.run(f"/review {repository} {number}")
    time.sleep(0.3)  # the last edits of the progress message
    posted = GitHub(github).reviews(repository, number)
    show_review(posted, pull["html_url"])
    return {"repository": repository, "number": number, **summarise(ended, posted)}


def follow(desk: Desk) -> None:
    """Prints the chat as it happens, until the stack is stopped."""
    with suppress(requests.ConnectionError):
        desk.person.follow(lambda event: print(told(event), flush=True))


def show_review(posted: list[dict[str, Any]], url: str) -> None:
    """Prints the reviews of the pull request as not-github shows them."""
    say(f"what stands on {url} now:\n")
    for one in posted:
        print(indented(one["body"]))
        for comment in one["comments"]:
            print(f"\n    {comment['path']}:{comment['line']}")
            print(indented(comment["body"], by=6))
    print()


def keep(stack: Stack) -> None:
    """Waits until the person has seen enough."""
    say(f"chat with it: {stack.ports.url('not_telegram')}/   pull requests: {stack.ports.url('not_github')}/")
    say(f"logs: {FOLDER / 'logs'}   Ctrl-C ends it")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()


def say(text: str) -> None:
    """A word about what is going on."""
    print(f"demo: {text}", flush=True)


def indented(text: str, by: int = 4) -> str:
    """The text without its hidden marks, moved to the right."""
    shown = [line for line in text.splitlines() if not line.startswith("<!--")]
    return "\n".join(" " * by + line for line in shown)


if __name__ == "__main__":
    sys.exit(main())
