"""Starts not-anthropic: `python -m sim.not_anthropic`."""

import argparse
import signal
import socket
import sys
from types import FrameType

from waitress.server import create_server

from sim.not_anthropic.app import create_app
from sim.not_anthropic.simulator import Simulator

THREADS = 64  # answers at once; one that hangs takes a thread

ABOUT = """\
An offline stand-in for the Anthropic Messages API. It drives the real Claude Code with answers made by rules:
it reads the diffs of a change and reports what it finds. No model is involved, and nothing leaves this machine."""

TRY = """\
examples:
  python -m sim.not_anthropic --port 8083 --key not-a-key
  ANTHROPIC_BASE_URL=http://127.0.0.1:8083 ANTHROPIC_API_KEY=not-a-key claude -p "Hello"

under /_sim/, without the key:
  GET    /_sim/health     answers 200 when it is ready
  POST   /_sim/scenario   {"kind": ..., "count": 1} changes the next answers; an unknown kind lists the known ones
  DELETE /_sim/scenario   answers as usual again
  GET    /_sim/requests   the calls so far, without prompts and keys; DELETE forgets them"""


def main() -> None:
    arguments = _arguments()
    simulator = Simulator(key=arguments.key)
    listening = socket.create_server((arguments.host, arguments.port))
    server = create_server(
        create_app(simulator),
        sockets=[listening],
        threads=THREADS,
        ident="not-anthropic",
        channel_request_lookahead=1,  # so waitress notices that a client has gone
        log_socket_errors=False,  # a connection that a scenario drops is no error
    )

    def stop(number: int, frame: FrameType | None) -> None:
        simulator.closing.set()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    host, port = listening.getsockname()
    print(f"not-anthropic: ready on http://{host}:{port}", flush=True)
    server.run()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sim.not_anthropic",
        description=ABOUT,
        epilog=TRY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8083, help="port to listen on (8083); 0 takes a free one")
    parser.add_argument("--key", required=True, help="the key, or bearer's token, that clients must show; invent one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
