"""A private PostgreSQL from the distribution's package, on a Unix socket in a folder of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

PACKAGE = "this test needs a real PostgreSQL, and none is installed: run scripts/setup, or install postgresql"
START_SECONDS = 30.0
END_ALL_OTHERS = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
UNSAFE_BUT_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


def programs() -> Path | None:
    """The folder of the newest installed server's programs; Debian keeps them apart from the others."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found and (elsewhere := shutil.which("initdb")):
        found = [Path(elsewhere).parent]
    return max(found, key=lambda path: (len(path.parent.name), path.parent.name), default=None)


class PostgresServer:
    """A server whose data are gone when it ends. It refuses to run as root: then it runs as another user."""

    def __init__(self) -> None:
        found = programs()
        if found is None:
            raise FileNotFoundError(PACKAGE)
        self._programs = found
        self._folder = Path(tempfile.mkdtemp(prefix="ledger-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            os.chown(self._folder, _unprivileged().pw_uid, -1)
        self._run("initdb", "-D", str(self._data), "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")

    def start(self) -> None:
        """Starts it, with the data that it had, and waits until it answers."""
        settings = [word for setting in UNSAFE_BUT_FAST for word in ("-c", setting)]
        command = ["postgres", "-D", str(self._data), "-k", str(self._folder), "-c", "listen_addresses=", *settings]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._as_user(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it, and every connection to it."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_SECONDS)
            self._process = None

    def remove(self) -> None:
        """Ends it for good."""
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """The URL of an empty database: always the same one, emptied, for a new one takes a second and 7 MB."""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(END_ALL_OTHERS)
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self._url("postgres")

    @property
    def socket(self) -> Path:
        """The Unix socket that it listens on."""
        return self._folder / ".s.PGSQL.5432"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _url(self, database: str) -> str:
        return f"postgresql://gateway@{quote(str(self._folder), safe='')}/{database}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, *command: str) -> None:
        done = subprocess.run(self._as_user(list(command)), capture_output=True, check=False, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")

    def _as_user(self, command: list[str]) -> list[str]:
        """The command, to be ended with us however we end, and as a user that a server consents to run as."""
        full = ["--pdeathsig", "INT", str(self._programs / command[0]), *command[1:]]
        if os.geteuid() != 0:
            return ["setpriv", *full]
        user = _unprivileged()
        return ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", *full]


def _unprivileged() -> pwd.struct_passwd:
    """The user that the package made, or else one that every system has."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
