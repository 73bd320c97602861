"""Runs not-github: `python -m sim.not_github --data DIR --token not-a-token`."""

import argparse
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from waitress.server import create_server

from sim.not_github.app import create_app
from sim.not_github.hub import Hub

THREADS = 16

DESCRIPTION = """\
An offline stand-in for GitHub: the REST API that reading and reviewing pull requests needs, GraphQL for the threads of
reviews, git over HTTP, and a page for each pull request. Everything it knows is in the data folder and survives a
restart.

  python -m sim.not_github --data .run/not-github --token not-a-token --example
  curl http://127.0.0.1:8081/repos/acme/shop/pulls/12       # as https://api.github.com/repos/...
  git clone http://127.0.0.1:8081/acme/shop.git             # pushing asks for x-access-token and the token
  open http://127.0.0.1:8081/acme/shop/pull/12              # the page

Control over repositories, pull requests, people and faults is under /_sim/: `pydoc sim.not_github.control` and
`pydoc sim.not_github.control_people`."""


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sim.not_github",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s; 0.0.0.0 for all)")
    add("--port", type=int, default=8081, help="the port to listen on (default: %(default)s; 0 for any free one)")
    add("--data", type=Path, required=True, help="the folder for its database and repositories; made if missing")
    add("--token", required=True, help="the only token it takes, over REST and as git's password; not a real one")
    add("--login", default="reviewer", help="whose token that is (default: %(default)s)")
    add("--example", action="store_true", help="make acme/shop with pull request 12 at the start, unless it is there")
    add("--url", help="the address at which others reach it, for links (default: from host and port)")
    return parser.parse_args(given)


def stop(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    given = arguments(sys.argv[1:])
    listening = socket.create_server((given.host, given.port))
    host = "127.0.0.1" if given.host == "0.0.0.0" else given.host  # noqa: S104 - only compared
    url = given.url or f"http://{host}:{listening.getsockname()[1]}"
    hub = Hub(data=given.data, token=given.token, login=given.login, url=url)
    server = create_server(
        create_app(hub, example=given.example), sockets=[listening], threads=THREADS, ident="not-github"
    )
    signal.signal(signal.SIGTERM, stop)
    print(f"not-github is ready at {hub.url}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
