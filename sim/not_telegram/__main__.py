"""`python -m sim.not_telegram`: serves until SIGTERM or Ctrl-C."""

import argparse
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from waitress.server import create_server

from sim.not_telegram.app import create_app
from sim.not_telegram.store import Store

THREADS = 48  # every long poll holds one
CONNECTIONS = 1_000

EPILOG = """\
Point a bot at it with TELEGRAM_API_URL=http://127.0.0.1:8082 and the same token, open that address in a browser,
and chat. `python -m sim.not_telegram.person --help` chats from a terminal. Nothing leaves this machine.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sim.not_telegram",
        description="An offline stand-in for Telegram: the Bot API for a bot, and a page to chat with it.",
        epilog=EPILOG,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8082, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--token",
        type=_token,
        default="123456:not-a-token",
        help="the bot's token: digits, a colon, anything; no real one (default: %(default)s)",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep chats and updates there; without it, in memory")
    parser.add_argument("--rate-limit", action="store_true", help="answer 429 to a bot that sends too fast")
    return parser.parse_args()


def _token(text: str) -> str:
    if not text.partition(":")[0].isdigit() or not text.partition(":")[2]:
        raise argparse.ArgumentTypeError("a token is digits, a colon and more, like 123456:not-a-token")
    return text


def main() -> None:
    options = arguments()
    listener = _listener(options.host, options.port)
    store = Store(_database(options.data))
    server = create_server(
        create_app(store=store, token=options.token, rate_limit=options.rate_limit),
        sockets=[listener],
        threads=THREADS,
        connection_limit=CONNECTIONS,
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        store.release()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"not-telegram is ready at http://{options.host}:{listener.getsockname()[1]}", flush=True)
    server.run()
    store.close()


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        sys.exit(f"not-telegram cannot listen on {host}:{port}: {error}")


def _database(data: Path | None) -> Path | None:
    if data:
        data.mkdir(parents=True, exist_ok=True)
    return data / "not-telegram.sqlite" if data else None


if __name__ == "__main__":
    main()
