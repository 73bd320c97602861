"""`python -m stack`: what an operator looks at and mends in a running stack."""

import argparse
import json
import sys
from collections.abc import Sequence

from stack import rotate, topology
from stack.dead import DeadLetters, Letter
from stack.errors import GiveUp, StackError
from stack.settings import BrokerSettings

ABOUT = f"""\
The operator's commands. `rotate` works on the files of the secrets. `dead` talks to the message broker as its user
{topology.OPERATOR}, whose address is in the setting BROKER_URL, or in the file BROKER_URL of the folder SECRETS_DIR:

  in containers  docker compose run --rm cli dead
  without        SECRETS_DIR=.run/up/secrets/cli .venv/bin/python -m stack dead"""
DEAD = """\
A message that a service cannot handle is put aside, so that the others go on, and stays until somebody looks. This
lists what was put aside: its id, what it is, the run that it is for, the queue that it was in, when, its size and why.
To look takes nothing away. The log of the service that put it aside names it by its id, and says more.

Mend the cause, then send it again. It comes as it came the first time, in its first sender's name: what its sender
may not send is put aside again. What its receiver has seen before, by its id, changes nothing."""
TRY = """\
examples:
  python -m stack dead
  python -m stack dead --queue forge --json
  python -m stack dead --send 01977420-dc00-7666-b050-7e9b2d38e9de
  python -m stack dead --send all --queue bot
  python -m stack dead --drop 01977420-dc00-7666-b050-7e9b2d38e9de"""
ALL = "all"


def main() -> int:
    """Does what the command line says; the exit status: 1 where something was not there, or could not be done."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "rotate":
            return rotate.run(arguments)
        with DeadLetters(BrokerSettings.load().broker_url.get_secret_value()) as dead:
            return _do(arguments, dead)
    except StackError as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m stack", description=ABOUT, formatter_class=form)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    said = "list what was put aside, and send it again"
    dead = commands.add_parser("dead", help=said, description=DEAD, epilog=TRY, formatter_class=form)
    dead.add_argument("--queue", choices=topology.QUEUES, metavar="QUEUE", help="of this one alone; as they are listed")
    dead.add_argument("--json", action="store_true", help="list as JSON, with what is in them")
    dead.add_argument("--yes", action="store_true", help="do not ask before something is thrown away")
    what = dead.add_mutually_exclusive_group()
    what.add_argument("--send", nargs="+", metavar="ID", help=f"send these again, or {ALL}")
    what.add_argument("--drop", nargs="+", metavar="ID", help="throw these away, for good")
    rotate.add_to(commands)
    return parser


def _do(arguments: argparse.Namespace, dead: DeadLetters) -> int:
    letters = dead.look([arguments.queue] if arguments.queue else topology.QUEUES)
    if arguments.send:
        return _send(dead, _chosen(letters, arguments.send))
    if arguments.drop:
        return _drop(dead, _chosen(letters, arguments.drop), asked=not arguments.yes)
    print(json.dumps([letter.told() for letter in letters], indent=1) if arguments.json else _listed(letters))
    return 0


def _chosen(letters: Sequence[Letter], ids: Sequence[str]) -> list[Letter]:
    """The letters with these ids. Raises GiveUp that names those that are not there."""
    if list(ids) == [ALL]:
        return list(letters)
    if missing := set(ids) - {letter.id for letter in letters}:
        raise GiveUp(f"there is no dead letter {', '.join(sorted(missing))}")
    return [letter for letter in letters if letter.id in ids]


def _send(dead: DeadLetters, letters: Sequence[Letter]) -> int:
    for letter in letters:
        dead.send(letter)
        print(f"sent again: {letter.id} to {letter.queue}", flush=True)
    print(f"{_count(letters)} sent again")
    return 0


def _drop(dead: DeadLetters, letters: Sequence[Letter], *, asked: bool) -> int:
    if asked:
        print(_listed(letters))
        if not _agreed(f"Throw away {_count(letters)} for good? Write yes: "):
            print("nothing was thrown away")
            return 1
    for letter in letters:
        dead.drop(letter)
    print(f"{_count(letters)} thrown away")
    return 0


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() == "yes"
    except EOFError:
        raise GiveUp("nobody is there to ask: --yes throws away without a question") from None


def _listed(letters: Sequence[Letter]) -> str:
    return "\n".join([*map(_described, letters), f"{_count(letters)}"])


def _described(letter: Letter) -> str:
    seen = letter.seen
    what = f"{seen.type} of run {seen.run_id}" if seen and seen.run_id else seen.type if seen else "no message"
    died = f"{letter.died:%Y-%m-%d %H:%M:%S} UTC" if letter.died else "at a time not known"
    return f"{letter.id}  {what}\n    {letter.queue}, {died}, {len(letter.body)} bytes: {letter.why}"


def _count(letters: Sequence[Letter]) -> str:
    return f"{len(letters)} dead letter{'' if len(letters) == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main())
