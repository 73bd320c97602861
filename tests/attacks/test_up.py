"""`scripts/up` outlives the end of a service, whoever brought that about."""

import signal
import threading

from native.desk import Desk
from native.up import keep_up
from tests.whole.world import World


def test_what_ends_by_itself_is_started_again(world: World, desk: Desk) -> None:
    stopped = threading.Event()
    keeping = threading.Thread(target=keep_up, args=(world.stack, stopped))
    keeping.start()
    try:
        before = {name: process.pid for name, process in world.stack.services.items()}
        for process in world.stack.services.values():
            process.signal(signal.SIGKILL)
        world.until(lambda: all(before[n] != p.pid and p.alive() for n, p in world.stack.services.items()))
        assert desk.run(f"/review {world.pull()}").run.state == "verified"
    finally:
        stopped.set()
        keeping.join()
