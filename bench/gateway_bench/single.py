"""One call after the other over one connection: what a contender adds to a call when nothing else goes on."""

import random
from statistics import median

from bench.gateway_bench.checks import Wrong, check_answer
from bench.gateway_bench.client import Connection, Timed, request
from bench.gateway_bench.contenders import Contender
from bench.gateway_bench.field import Field, Plan, say
from bench.gateway_bench.figures import Single

SIZE = 50_000
WARM_UP = 20
# Who takes longer than this is asked once where others are asked ten times: the time of the bench is bounded.
SLOW_SECONDS, SLOW_SHARE = 0.004, 10


class Caller:
    """One connection to one contender."""

    def __init__(self, contender: Contender) -> None:
        self._connection = Connection(contender.port)
        self._transparent = contender.transparent
        address, credentials = contender.address("streamed"), contender.credentials()
        self._requests = [request(address, credential, "streamed", SIZE) for credential in credentials]
        self.timed: list[Timed] = []
        self.share = 1

    def warm_up(self) -> None:
        """A few calls that do not count; they show whether it is slow."""
        seconds = median(self._ask(number).last for number in range(WARM_UP))
        self.share = SLOW_SHARE if seconds > SLOW_SECONDS else 1

    def call(self, number: int) -> None:
        """One call that counts, if it is this one's turn."""
        if number % self.share == 0:
            self.timed.append(self._ask(number))

    def check(self) -> None:
        """Raises Wrong unless every answer was right."""
        for timed in self.timed:
            check_answer(timed.raw, "streamed", transparent=self._transparent)

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()

    def _ask(self, number: int) -> Timed:
        return self._connection.ask(self._requests[number % len(self._requests)])


def measure(field: Field, plan: Plan) -> None:
    """Fills in `single`. Every call through a contender has one without it as its neighbour."""
    say(f"one connection, {plan.calls} calls")
    callers: dict[str, Caller] = {}
    try:
        for entry in field.running():
            callers[entry.found.name] = Caller(entry.contender)
        take_turns(field, plan, callers)
    finally:
        for caller in callers.values():
            caller.close()
    direct = figures_of(callers[field.entries[0].found.name].timed, None)
    for entry in field.running():
        entry.found.single = figures_of(callers[entry.found.name].timed, direct)
        try:
            callers[entry.found.name].check()
        except Wrong as error:
            entry.found.wrong[PLACE] = str(error)


def take_turns(field: Field, plan: Plan, callers: dict[str, Caller]) -> None:
    """All calls; one that gets no answer at all is not asked again."""
    for entry in field.running():
        _try(callers, entry.found.wrong, entry.found.name, -1)
    order = list(field.running())
    for number in range(plan.calls):
        random.shuffle(order)
        for entry in order:
            if PLACE not in entry.found.wrong:
                _try(callers, entry.found.wrong, entry.found.name, number)


def _try(callers: dict[str, Caller], wrong: dict[str, str], name: str, number: int) -> None:
    try:
        if number < 0:
            callers[name].warm_up()
        else:
            callers[name].call(number)
    except OSError as error:
        wrong[PLACE] = f"no answer: {error}"


PLACE = "one connection"


def figures_of(timed: list[Timed], direct: Single | None) -> Single:
    """The medians; without `direct` they add nothing."""
    p50 = median(one.last for one in timed) if timed else 0.0
    first = median(one.first for one in timed) if timed else 0.0
    added = (p50 - direct.p50, first - direct.first) if direct else (0.0, 0.0)
    return Single(len(timed), p50, first, *added)
