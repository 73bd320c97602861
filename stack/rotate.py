"""`python -m stack rotate`: renews the secrets inside a stack that runs. Its services follow their files by themselves.

A renewed secret stands above the one before, which stays good until it is ended. Nothing is printed of either.
"""

import argparse
import fcntl
import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stack import topology
from stack.errors import GiveUp
from stack.init import CALLERS, MASTERS, PROVERS, make_secrets, write
from stack.secret import lines_of

TASK_SECONDS = topology.CONSUMER_TIMEOUT_MS // 1000  # no task takes longer
# Telegram keeps an update for a day: https://core.telegram.org/bots/api#getting-updates
UPDATE_SECONDS = 24 * 3600
CLOCK_SECONDS = 600  # so far may Telegram's clock be from ours
ALL = "all"


@dataclass(frozen=True)
class Kind:
    """Secrets of a kind. `masters`: whose it is (empty: there is one) → its name in the folder of all. The one before
    may be ended after `seconds`, None: only by name, with --now. `breaks` is what that does before its time."""

    about: str
    masters: Mapping[str, str]
    seconds: int | None
    breaks: str
    dated: bool = False  # it counts for what happens from a moment on

    def new(self, *, now: bool) -> str:
        """One that nobody knows."""
        since = int(time.time()) + (0 if now else CLOCK_SECONDS)
        return f"{since}.{secrets.token_urlsafe(32)}" if self.dated else secrets.token_urlsafe(32)


def _of(users: Sequence[str], name: str) -> Mapping[str, str]:
    return {user: name.format(user) for user in users}


KINDS: Mapping[str, Kind] = {
    "model-tokens": Kind(
        "signs what a task shows to the gateway", {"": "model_token_key"}, TASK_SECONDS,
        "tasks under way lose their model, and fail",
    ),
    "forge-tokens": Kind(
        "signs what a task shows to the forge", {"": "forge_token_key"}, TASK_SECONDS,
        "tasks that still fetch their repository fail",
    ),
    "api-token": Kind(
        "what each caller shows to the orchestrator", _of(CALLERS, "api_token_{}"), 0,
        "a program of yours with a copy of it is refused",
    ),
    "proxy-read": Kind(
        "what opens the gateway's usage and metrics", {"": "proxy_read_token"}, 0,
        "a program of yours with a copy of it is refused, and who sees the dashboard logs in again",
    ),
    "proofs": Kind(
        "proves to agents that they have reached the forge, the gateway", _of(PROVERS, "proof_key_{}"), 0,
        "nothing",
    ),
    "instance": Kind(
        "signs what each agent and forge is known by", {"": "instance_token_key"}, 60,
        "tasks under way are taken from who works on them, and begun again",
    ),
    "marks": Kind(
        "signs what is posted on GitHub", {"": "forge_mark_key"}, None,
        "what was posted before is not known as ours any more: it is said once more",
    ),
    "request-ids": Kind(
        "makes the ids of what people ask for", {"": "request_id_key"}, UPDATE_SECONDS + CLOCK_SECONDS,
        "what the bot is just asked may be done twice, should it end at this moment", dated=True,
    ),
    "broker": Kind(
        "the password of each service at RabbitMQ", _of(tuple(topology.USERS), "broker_password_{}"), 0,
        "nothing, and who is connected stays connected until RabbitMQ is restarted",
    ),
}  # fmt: skip

ABOUT = """\
Renews secrets inside the stack while it runs: its services take the new one within a moment, and nothing ends. The one
before is still taken where it is shown, until it is ended: with --end, which says from when on that breaks nothing.

  in containers  docker compose run --rm rotate WHAT
  without        .venv/bin/python -m stack rotate WHAT, beside scripts/up

"""
TRY = """\
examples:
  python -m stack rotate all               renew everything
  python -m stack rotate all --end         later: end what was before
  python -m stack rotate api-token bot     the bot's alone
  python -m stack rotate model-tokens --now    it is known to somebody: the one before opens nothing from now on"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    table = "\n".join(f"  {name:14}{kind.about}" for name, kind in KINDS.items())
    form = argparse.RawDescriptionHelpFormatter
    said = "renew the secrets inside the stack"
    rotate = commands.add_parser("rotate", help=said, description=ABOUT + table, epilog=TRY, formatter_class=form)
    rotate.add_argument("what", choices=[*KINDS, ALL], metavar="WHAT", help=f"one of these, or {ALL}")
    rotate.add_argument("whose", nargs="*", metavar="WHOSE", help="where each has its own: of these alone")
    rotate.add_argument("--end", action="store_true", help="renew nothing: end the one before")
    rotate.add_argument("--now", action="store_true", help="end the one before at once, whatever that breaks")
    rotate.add_argument(
        "--folder", type=Path, default=Path(".run/up/secrets"), help="where the secrets are (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Does it. 1 where something is not to be ended yet. Raises GiveUp in words where it is not to be done at all."""
    kinds = KINDS if arguments.what == ALL else {arguments.what: KINDS[arguments.what]}
    chosen = [(name, kind, _masters(name, kind, arguments.whose)) for name, kind in kinds.items()]
    with _alone_with(arguments.folder) as secrets_of:
        if not arguments.end:
            for name, kind, masters in chosen:
                secrets_of.renew(masters, kind, now=arguments.now)
                print(f"{name}: renewed")
            secrets_of.put_in_place()
        if not arguments.end and not arguments.now:
            print("What was before is still taken. To end it, later: the same with --end.")
            return 0
        ended = [_end(secrets_of, arguments, name, kind, masters) for name, kind, masters in chosen]
        secrets_of.put_in_place()
        return 0 if all(ended) else 1


def _masters(name: str, kind: Kind, whose: Sequence[str]) -> list[str]:
    if unknown := set(whose) - set(filter(None, kind.masters)):
        there = ", ".join(filter(None, kind.masters)) or "only one"
        raise GiveUp(f"{name} of {', '.join(sorted(unknown))}: there is {there}")
    return [kind.masters[one] for one in whose] if whose else list(kind.masters.values())


def _end(of: "_Secrets", arguments: argparse.Namespace, name: str, kind: Kind, masters: list[str]) -> bool:
    """Ends what was before, unless it is too early, and says so."""
    if kind.seconds is None and not (arguments.now and arguments.what == name):
        print(f"{name}: those before are kept. rotate {name} --end --now would end them: {kind.breaks}")
        return True
    due = of.renewed(masters) + (kind.seconds or 0)
    if not arguments.now and due > time.time():
        at = datetime.fromtimestamp(due, UTC)
        print(f"{name}: not before {at:%Y-%m-%d %H:%M} UTC, or with --now: {kind.breaks}", file=sys.stderr)
        return False
    of.end(masters)
    print(f"{name}: ended what was before{f': {kind.breaks}' if arguments.now else ''}")
    return True


class _Secrets:
    """The secrets of a stack."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._masters = folder / MASTERS

    def renewed(self, masters: Sequence[str]) -> float:
        """When the last of these was renewed, in seconds since the epoch; 0 where none has one before it."""
        return max((self._path(one).stat().st_mtime for one in masters if len(self._lines(one)) > 1), default=0)

    def renew(self, masters: Sequence[str], kind: Kind, *, now: bool) -> None:
        for one in masters:
            write(self._path(one), "\n".join([kind.new(now=now), *self._lines(one)]))

    def end(self, masters: Sequence[str]) -> None:
        for one in masters:
            write(self._path(one), self._lines(one)[0])

    def put_in_place(self) -> None:
        """Writes what services read, all of it: what an earlier call that was killed has left is mended too."""
        make_secrets(self._folder, broker=(self._masters / "broker").read_text())

    def _path(self, master: str) -> Path:
        return self._masters / master

    def _lines(self, master: str) -> tuple[str, ...]:
        return lines_of(self._path(master).read_text())


@contextmanager
def _alone_with(folder: Path) -> Iterator[_Secrets]:
    """The secrets in a folder, which nobody else renews meanwhile. Raises GiveUp where there are none."""
    try:
        masters = os.open(folder / MASTERS, os.O_RDONLY)
    except OSError as error:
        raise GiveUp(f"{folder} has no secrets of a stack: {error.strerror}; see --folder") from error
    try:
        fcntl.flock(masters, fcntl.LOCK_EX)
        yield _Secrets(folder)
    except OSError as error:
        raise GiveUp(f"{error.filename or folder}: {error.strerror}") from error
    finally:
        os.close(masters)
