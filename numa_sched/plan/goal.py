"""What room is to be made for."""

from collections.abc import Iterable

from numa_sched.fleet import FleetHost
from numa_sched.plan.kinds import Kind
from numa_sched.plan.state import Cloud, State


class Goal:
    """So many new servers of one kind that are to find room."""

    def __init__(self, cloud: Cloud, kind: Kind, count: int):
        """Take the kind and the count, of 1 at least."""
        self.cloud, self.kind, self.count = cloud, kind, count
        hosts = cloud.fleet.hosts
        self._start = {
            number: self.rooms(hosts[number]) for number in kind.numbers
        }
        self._sum = sum(self._start.values())

    def rooms(self, host: FleetHost) -> int:
        """Give how many have room on a host, no more than are wanted."""
        return self.kind.rooms(host, self.count, self.cloud.after)

    def on(self, state: State, number: int) -> int:
        """Give how many have room on a host of a state, by its number."""
        if number not in self._start or (
            number in state.closed and self.kind.request.guest is not None
        ):
            return 0
        if number not in state.changed:
            return self._start[number]
        return self.rooms(state.host(number))

    def total(self, state: State) -> int:
        """Give how many have room in a state, on all hosts."""
        changed: Iterable[int] = state.changed
        return self._sum + sum(
            self.on(state, number) - self._start.get(number, 0)
            for number in changed
        )

    def missing(self, state: State) -> int:
        """Give how many of those wanted have no room; 0 or less if all do."""
        return self.count - self.total(state)
