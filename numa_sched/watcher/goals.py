"""What the strategies are for, and how well a plan does it.

Goals of their own: where several strategies share a goal, Watcher takes any of
them for an audit that names none.
"""

from collections.abc import Mapping, Sequence

from watcher.decision_engine.goal import base
from watcher.decision_engine.goal.efficacy import base as efficacy_base
from watcher.decision_engine.goal.efficacy import indicators
from watcher.decision_engine.solution import efficacy

from numa_sched.watcher.named import Named


class Amount(indicators.IndicatorSpecification):
    """A number of what a plan does, 0 or more."""

    schema = {'type': 'number', 'minimum': 0}


MIGRATIONS = Amount('migrations', 'Servers that move, once for each move.')
MEMORY = Amount('memory', 'Memory that is copied.', unit='MiB')


class Share(efficacy_base.EfficacySpecification):
    """So many of all there are, in per cent."""

    name: str
    description: str
    part: Amount
    whole: Amount

    def get_indicators_specifications(self) -> Sequence[Amount]:
        """Give the numbers that a solution tells."""
        return self.part, self.whole, MIGRATIONS, MEMORY

    def get_global_efficacy_indicator(
        self, indicators_map: Mapping[str, float] | None
    ) -> Sequence[efficacy.Indicator]:
        """Give the share; all of nothing is 100 %."""
        if not indicators_map:
            return []
        whole = indicators_map[self.whole.name]
        part = indicators_map[self.part.name]
        share = 100.0 * part / whole if whole else 100.0
        return [
            efficacy.Indicator(
                name=self.name,
                description=self.description,
                unit='%',
                value=share,
            )
        ]


class ServersLeave(Share):
    """How many servers of hosts leave them."""

    name = 'servers_that_leave'
    description = 'Servers of these hosts that leave them by the plan.'
    part = Amount('leaving', 'Servers of these hosts that leave them.')
    whole = Amount('there', 'Servers of these hosts.')


class ServersFit(Share):
    """How many new servers have room."""

    name = 'servers_with_room'
    description = 'New servers that have room after the plan.'
    part = Amount('room', 'New servers that have room after the plan.')
    whole = Amount('wanted', 'New servers that are to have room.')


class _Goal(Named, base.Goal):
    efficacy: type[Share]

    @classmethod
    def get_efficacy_specification(cls) -> Share:
        """Give what tells how well a solution does."""
        return cls.efficacy()


class EmptyHosts(_Goal):
    """Hosts without servers."""

    entry_point = 'numa_empty_hosts'
    display = 'Empty hosts, by NUMA fit'
    efficacy = ServersLeave


class Room(_Goal):
    """Room for servers to come."""

    entry_point = 'numa_room'
    display = 'Room for new servers, by NUMA fit'
    efficacy = ServersFit
