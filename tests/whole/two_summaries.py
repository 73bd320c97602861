"""Two summaries by a stack of this tree's: one that the person has posted, one that is discarded.

`python -m tests.whole.two_summaries FOLDER` prints what came of them, as a line of JSON: a program of its own, so that
it can run in a tree with more work in it.
"""

import json
import sys
from pathlib import Path
from typing import Any

from native.desk import Desk
from native.review import GitHub
from native.stack import Stack
from sim.not_github.client import example
from sim.not_telegram.person import buttons

REPOSITORY, NUMBER = "acme/shop", 12


def main() -> None:
    """Starts the stack in FOLDER, has both summaries asked for, and stops it."""
    stack = Stack(Path(sys.argv[1]))
    try:
        stack.start()
        example(stack.ports.url("not_github"))
        print(json.dumps([summarise(stack, choice) for choice in ("Post", "Discard")]))
    finally:
        stack.stop()


def summarise(stack: Stack, choice: str) -> dict[str, Any]:
    """Asks for a summary and presses `choice` where the bot asks; what was shown, how it ended, what GitHub shows."""
    desk, github = Desk(stack), GitHub(stack.ports.url("not_github"))
    since = desk.write(f"/summary {REPOSITORY} {NUMBER}")
    asked = desk.person.wait_for(lambda message: choice in {button["text"] for button in buttons(message)}, 60)
    before = github.comments(REPOSITORY, NUMBER)
    desk.person.press(asked, choice)
    ended = desk.wait_for_ending(since)
    return {
        "asked": asked["text"],
        "before": before,
        "final": ended.final["text"],
        "run": ended.run.model_dump(mode="json"),
        "after": github.comments(REPOSITORY, NUMBER),
    }


if __name__ == "__main__":
    main()
