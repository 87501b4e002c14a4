"""The hosts that a filter drops from one request."""

from collections.abc import Callable
from typing import Any

from numa_sched.fit.reasons import Summed

# Working out reasons takes longer than dropping hosts; a request must not
# wait for more of them than anybody reads.
MAX_EXPLAINED = 1000

Told = tuple[str, str, Summed]
"""Host, node and reason."""


class Drops:
    """Which hosts were dropped, and why."""

    def __init__(self, explain: Callable[[Any], Summed] | None = None):
        """Take what makes a reason of what stands for one, if any must be."""
        self._explain = explain
        self._found: list[tuple[str, str, Any]] = []
        self._explained: list[Told] | None = None

    def __len__(self) -> int:
        return len(self._found)

    def add(self, host_state, reason) -> None:
        """Note a host, and why it is dropped or what stands for that."""
        self._found.append((host_state.host, host_state.nodename, reason))

    def explained(self) -> list[Told]:
        """Give hosts with their reasons; where these take time, the first."""
        if self._explain is None:
            return self._found
        if self._explained is None:
            self._explained = [
                (host, node, self._explain(reason))
                for host, node, reason in self._found[:MAX_EXPLAINED]
            ]
        return self._explained

    def reasons(self) -> list[Summed]:
        """Give the reasons of these hosts."""
        return [reason for _, _, reason in self.explained()]

    @property
    def more(self) -> int:
        """How many hosts there are behind these."""
        return len(self) - len(self.explained())
