"""One review by the stack in containers, asked for in the chat, with a look at what Claude Code could do and knew.

For `.ci/compose`. The outside world is simulated, and published on this machine.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from native.containers import ROOT, Containers
from native.desk import Ended, has_all_events, wait_for_final, wait_until
from native.review import GitHub, summarise
from sim.not_github.client import example
from sim.not_telegram.person import Person
from stack.api import RunDetail
from stack.uids import SMALL_BASE

PERSON = 1001  # whom docker-compose.sim.yml allows
REVIEWER = "pr-reviewer"
FIRST_SLOT = SMALL_BASE
SECONDS = 120
NOWHERE = "192.0.2.1"  # an address outside, for documentation (RFC 5737)
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


def main() -> int:
    """The command line. Exits 0 where the review was verified and the agent was confined."""
    options = arguments()
    stack = Containers()
    pull = example(options.github)
    watching = stack.start(REVIEWER, (ROOT / "native/watch.py").read_text())
    ended = review(stack, Person(options.telegram, PERSON), pull, again=options.again)
    seen = what_was_seen(watching)
    posted = GitHub(options.github).reviews(pull["base"]["repo"]["full_name"], pull["number"])
    summary = summarise(ended, posted)
    wrong = [
        *wrong_with_review(summary, posted, again=options.again),
        *wrong_with_claude(stack, seen),
        *wrong_with_container(stack),
    ]
    for problem in wrong:
        print(f"compose: {problem}", file=sys.stderr)
    print(json.dumps(summary))
    return 1 if wrong else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m native.compose_review", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("telegram", metavar="TELEGRAM", help="address of not-telegram on this machine")
    parser.add_argument("github", metavar="GITHUB", help="address of not-github on this machine")
    parser.add_argument("--again", action="store_true", help="all is read once more, and nothing is posted twice")
    return parser.parse_args()


def review(stack: Containers, person: Person, pull: dict[str, Any], *, again: bool) -> Ended:
    """Asks for a review in the chat and waits for its ending. Raises SystemExit with the chat where there is none."""
    since = max((event["event_id"] for event in person.events()), default=0)
    person.say(f"/review {pull['base']['repo']['full_name']} {pull['number']}{' fresh' if again else ''}")
    try:
        sent, final = wait_for_final(person, since, timeout=SECONDS)
    except TimeoutError as error:
        raise SystemExit(f"compose: {error}") from None
    run = wait_until(lambda: _with_events(stack.newest_run(f"telegram:{person.user_id}")), seconds=10)
    return Ended(run, final["message"], sent, final["at"])


def _with_events(run: RunDetail) -> RunDetail | None:
    return run if has_all_events(run) else None


def what_was_seen(watching: "subprocess.Popen[str]") -> dict[str, Any] | None:
    """What `native.watch` saw of Claude Code, if it saw it work; it is given a moment more."""
    try:
        line = watching.communicate(timeout=5)[0]
    except subprocess.TimeoutExpired:
        watching.kill()
        return None
    seen: dict[str, Any] | None = json.loads(line) if line else None
    return seen


def wrong_with_review(summary: dict[str, Any], posted: list[dict[str, Any]], *, again: bool) -> list[str]:
    """What is missing of a verified review that everybody can read; `again` finds the same, and posts nothing."""
    wrong = []
    if summary["state"] != "verified":
        wrong.append(f"the review ended as {summary['state']}")
    if again and (summary["receipt"] or len(posted) != 1):
        wrong.append(f"what was said is said again: there are {len(posted)} reviews")
    elif not again and (summary["receipt"] or {}).get("review_id") not in [one["id"] for one in posted]:
        wrong.append("the review of the receipt is not on the pull request")
    places = [(c["path"], c["line"], c["body"]) for one in posted for c in one["comments"]]
    if not places or len(places) != len(set(places)):
        wrong.append(f"of {len(places)} comments on lines, {len(set(places))} are different")
    return wrong


def wrong_with_claude(stack: Containers, seen: dict[str, Any] | None) -> list[str]:
    """In which way Claude Code, as `native.watch` saw it, was more than it should be."""
    if seen is None:
        return ["Claude Code was not seen at work"]
    wrong = []
    if len(seen["uids"]) != 1 or seen["uids"][0] < FIRST_SLOT or seen["groups"]:
        wrong.append(f"Claude Code ran as user {seen['uids']} in groups {seen['groups']}")
    if seen["capabilities"] or not seen["no_new_privileges"]:
        wrong.append(f"Claude Code had capabilities {seen['capabilities']:x}, or could get new privileges")
    if seen["open"]:
        wrong.append("what runs as Claude Code's user could read its memory, and speak for it")
    return wrong


def wrong_with_container(stack: Containers) -> list[str]:
    """In which way an agent's container lets through what it should keep apart."""
    agents = [name for name, service in stack.services.items() if service["image"].endswith("-agent")]
    wrong = [f"{name} holds {held}" for name in agents for held in held_secrets(stack, stack.environments(name))]
    slot = str(FIRST_SLOT)
    for host, port in ((stack.run("not-github", "hostname", "-i").strip(), 8081), (NOWHERE, 443)):
        if _works(stack, slot, "python", "-c", CONNECT, host, str(port)):
            wrong.append(f"{REVIEWER} reaches {host}")
    if _works(stack, slot, "cat", "/secrets/BROKER_URL"):
        wrong.append("a task's user reads the agent's secrets")
    if not _works(stack, slot, "python", "-c", CONNECT, "127.0.0.1", "8003"):
        wrong.append(f"{REVIEWER} does not reach its relay to the proxy")
    return wrong


def held_secrets(stack: Containers, environment: list[str]) -> list[str]:
    """Names of the settings whose secret value stands somewhere in an environment."""
    text = "\n".join(environment)
    return [
        f"{name} of {service}"
        for service in ("bot", "forge", "proxy")
        for name, value in stack.services[service]["environment"].items()
        if name.endswith(("_TOKEN", "_KEY")) and value and value in text
    ]


def _works(stack: Containers, user: str, *command: str) -> bool:
    try:
        stack.run(REVIEWER, *command, user=user)
    except RuntimeError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
